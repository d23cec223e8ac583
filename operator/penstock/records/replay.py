"""The same pass once more from its record: every bit of the answer must come out again."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import copysign

from penstock.domain.decisions import Decision
from penstock.domain.variants import ObjectKey
from penstock.records.codec import Json, encode
from penstock.records.record import Record
from penstock.scaling.decide import decide


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that did not come out as recorded; `where` is the variant and the path within its decision."""

    where: str
    recorded: Json
    again: Json

    def __str__(self) -> str:
        return f"{self.where}: recorded {self.recorded!r}, now {self.again!r}"


def replay(record: Record) -> tuple[Difference, ...]:
    """Decide again and return every difference; none means that the record explains its decisions in full."""
    again, _ = decide(record.observation, record.memory, record.config)
    before, now = _by_key(record.decisions), _by_key(again)
    return tuple(
        difference
        for key in sorted(before.keys() | now.keys())
        for difference in _differences(str(key), before.get(key), now.get(key))
    )


def _by_key(decisions: tuple[Decision, ...]) -> dict[ObjectKey, Json]:
    return {decision.key: encode(Decision, decision) for decision in decisions}


def _differences(where: str, recorded: Json, again: Json) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(again, dict):
        for name in sorted(recorded.keys() | again.keys()):
            yield from _differences(f"{where} {name}", recorded.get(name), again.get(name))
    elif not _is_same(recorded, again):
        yield Difference(where, recorded, again)


def _is_same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values have the same bits; a count of 1 may be written 1.0, but neither is `true`."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if _is_number(one) and _is_number(other):
        return bool(one == other) and copysign(1, one) == copysign(1, other)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
