"""What was learnt of engines and models as the texts of a ConfigMap, so that it outlives process and leader.

Each variant's and model's part stands for itself: one that cannot be read costs nobody else's.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from penstock.domain.catalogue import ModelScope
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey
from penstock.records.codec import decode, encode
from penstock.scaling.experience import Experience
from penstock.scaling.history import LengthSums, ModelPast
from penstock.scaling.memory import Memory

VARIANTS: Final = "variants.json"
MODELS: Final = "models.json"
MOST_BYTES: Final = 900_000  # of the 1 MiB that an object may have
_REMEDY: Final = "nothing: it is learnt anew"
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a ConfigMap held, and what of it could not be read."""

    memory: Memory
    faults: tuple[InvalidField, ...] = ()


def dump(memory: Memory) -> dict[str, str]:
    """Return the texts; of more than fits, the variants of which most starts were seen go first."""
    models = _bounded(_models(memory), MOST_BYTES // 4)
    return {VARIANTS: _bounded(_variants(memory), MOST_BYTES - len(models)), MODELS: models}


def load(texts: Mapping[str, str]) -> Stored:
    """Return what the texts hold.

    That replicas were on their way, or lines stood, is left out: nobody watched what became of them.
    """
    faults: list[InvalidField] = []
    experiences = dict(_read(texts, VARIANTS, _experience, faults))
    lengths = dict(_read(texts, MODELS, _lengths, faults))
    memory = Memory(
        experiences={
            ObjectKey(*key): replace(one, pending_since_s=None, lined_since_s=None) for key, one in experiences.items()
        },
        models={ModelScope(*key): ModelPast(lengths=one) for key, one in lengths.items()},
    )
    return Stored(memory, tuple(faults))


def joined(memory: Memory, stored: Memory) -> Memory:
    """Return a memory with what was stored where it knows nothing itself."""
    return replace(
        memory,
        experiences={**stored.experiences, **memory.experiences},
        models={**stored.models, **memory.models},
    )


def _variants(memory: Memory) -> Iterator[tuple[str, Any]]:
    ordered = sorted(memory.experiences.items(), key=lambda pair: (-pair[1].starts.count, pair[0]))
    yield from ((f"{key.namespace}/{key.name}", encode(Experience, one)) for key, one in ordered)


def _models(memory: Memory) -> Iterator[tuple[str, Any]]:
    ordered = sorted(
        memory.models.items(), key=lambda pair: (-pair[1].lengths.requests, pair[0].namespace, pair[0].model)
    )
    yield from ((f"{scope.namespace}/{scope.model}", encode(LengthSums, past.lengths)) for scope, past in ordered)


def _bounded(parts: Iterable[tuple[str, Any]], most_bytes: int) -> str:
    """Return one JSON object, a line for each part, as many as fit."""
    lines: list[str] = []
    size = len("{\n\n}")
    for name, value in parts:
        line = f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'), allow_nan=False)}"
        size += len(line) + len(",\n")
        if size > most_bytes:
            break
        lines.append(line)
    return "{\n" + ",\n".join(lines) + "\n}"


def _read(
    texts: Mapping[str, str], name: str, read: Callable[[Any, str], V], faults: list[InvalidField]
) -> Iterator[tuple[tuple[str, str], V]]:
    try:
        parts = json.loads(texts.get(name, "{}"))
        items = parts.items()
    except (ValueError, AttributeError) as error:
        faults.append(InvalidField(name, type(error).__name__, _REMEDY))
        return
    for key, data in items:
        namespace, _, rest = key.partition("/")
        try:
            yield (namespace, rest), read(data, f"{name}: {key}")
        except InvalidField as error:
            faults.append(error)


def _experience(data: Any, path: str) -> Experience:  # noqa: ANN401 - JSON
    return decode(Experience, _filled(data, encode(Experience, Experience(uid=""))), path)


def _lengths(data: Any, path: str) -> LengthSums:  # noqa: ANN401 - JSON
    return decode(LengthSums, _filled(data, encode(LengthSums, LengthSums())), path)


def _filled(data: Any, empty: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return what an earlier version wrote with the fields that it did not have yet."""
    return {**empty, **data} if isinstance(data, Mapping) else data
