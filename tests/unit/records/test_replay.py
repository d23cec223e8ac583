"""A record decides again to the bit, tells what does not, and answers what would have been."""

import gzip
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.records.made import passes

from penstock.domain.decisions import Candidate, Reasoning
from penstock.domain.errors import InvalidField
from penstock.domain.reasons import OptimizationReason, TargetReason
from penstock.domain.variants import SloOverride
from penstock.records.record import SCHEMA, Record, pack, unpack
from penstock.records.replay import replay
from penstock.records.whatif import what_if
from penstock.scaling.decide import decide


@pytest.mark.parametrize("number", range(3))
def test_a_packed_record_replays_to_the_bit(number: int) -> None:
    record = passes()[number]

    back = unpack(pack(record))

    assert back == record
    assert replay(back) == ()


@pytest.mark.parametrize("state", [state for state in TargetReason if state is not TargetReason.FOUND])
def test_a_pass_without_a_target_replays_to_the_bit(state: TargetReason) -> None:
    first = passes(1)[0]
    lost = {key: replace(one, state=state) for key, one in first.observation.targets.items()}
    observation = replace(first.observation, targets=lost)
    decisions, _ = decide(observation, first.memory, first.config)

    record = replace(first, observation=observation, decisions=decisions)

    assert replay(unpack(pack(record))) == ()


def test_a_pass_of_engines_that_miss_their_targets_replays_to_the_bit() -> None:
    first = passes(1)[0]
    seen, kind = first.observation, "meta-llama/Llama-3.1-8B-Instruct"
    hurried = [replace(one, model=kind, slo=SloOverride(tpot_s=1e-4), profiles=()) for one in seen.variants]
    scrape = replace(seen.scrape, rows=tuple(replace(one, model=kind) for one in seen.scrape.rows))
    observation = replace(seen, variants=tuple(hurried), scrape=scrape)
    decisions, _ = decide(observation, first.memory, first.config)

    record = replace(first, observation=observation, decisions=decisions)

    assert any(one.optimization.reason is OptimizationReason.SLO_INFEASIBLE for one in decisions)
    assert replay(unpack(pack(record))) == ()


def test_a_text_that_utf8_cannot_hold_comes_back() -> None:
    odd = replace(passes(1)[0], version="half of a pair: \ud83d")

    assert unpack(pack(odd)) == odd


def test_equal_records_are_equal_bytes() -> None:
    assert pack(passes(1)[0]) == pack(passes(1)[0])


def test_one_bit_that_differs_is_named() -> None:
    record = passes()[0]
    first, *others = record.decisions
    touched = replace(record, decisions=(first._replace(desired=99), *others))

    (difference,) = replay(touched)

    assert str(difference) == f"llm/cheap desired: recorded 99, now {first.desired}"


def changed(record: Record, **fields: Any) -> Record:
    """Return the record as if the first variant had been decided otherwise."""
    first, *others = record.decisions
    return replace(record, decisions=(first._replace(**fields), *others))


def dearer(why: Reasoning) -> tuple[Candidate, ...]:
    """Return the candidates, the last of them by one bit dearer."""
    *others, last = why.candidates
    return (*others, replace(last, cost_per_h=math.nextafter(last.cost_per_h, math.inf)))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        pytest.param("need_per_s", lambda value: math.nextafter(value, 2 * value), id="the last bit of a number"),
        pytest.param("capacity_error_ratio", lambda value: math.nextafter(value, 1), id="the last bit of an error"),
        pytest.param("min_replicas", bool, id="a truth for a count"),
        pytest.param("desired", lambda _: None, id="nothing for a number"),
        pytest.param("reasoning", lambda why: replace(why, gap_ratio=-0.0), id="the sign of nothing"),
        pytest.param("reasoning", lambda why: replace(why, candidates=why.candidates[:-1]), id="one weighed less"),
        pytest.param(
            "reasoning", lambda why: replace(why, candidates=dearer(why)), id="the last bit of what was weighed"
        ),
    ],
)
def test_any_bit_counts(field: str, change: Callable[[Any], Any]) -> None:
    record = next(one for one in passes(4) if one.decisions[0].reasoning is not None)
    touched = changed(record, **{field: change(getattr(record.decisions[0], field))})

    (difference,) = replay(unpack(pack(touched)))

    assert difference.where.startswith(f"llm/cheap {field}")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        pytest.param(b"", "a file", id="empty"),
        pytest.param(b"not json", "a file", id="no JSON"),
        pytest.param(gzip.compress(b"[]")[:-4], "a file", id="cut off"),
        pytest.param(b"[]", "a file: schema", id="no object"),
        pytest.param(b'{"schema": 99}', "a file: schema", id="of the future"),
        pytest.param(b'{"schema": 1}', "a file: schema", id="of the past"),
        pytest.param(b'{"schema": %d}' % SCHEMA, "a file", id="without its parts"),
    ],
)
def test_what_is_no_record_is_refused(data: bytes, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        unpack(data, "a file")

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("schema", "who"),
    [pytest.param(SCHEMA - 1, "an older", id="of the past"), pytest.param(SCHEMA + 1, "a newer", id="of the future")],
)
def test_a_record_of_another_version_is_refused_with_both_schemas_and_what_to_do(schema: int, who: str) -> None:
    (record,) = passes(1)
    other = json.loads(gzip.decompress(pack(record))) | {"schema": schema}

    with pytest.raises(InvalidField) as refused:
        unpack(json.dumps(other).encode(), "a file")

    assert str(refused.value) == (
        f"a file: schema={schema}: this version reads schema {SCHEMA}; {who} penstock wrote it: "
        "read it with that version, or take a record that this one wrote"
    )


@pytest.mark.parametrize(
    ("changes", "grows"),
    [
        pytest.param({"demand": "+100%"}, True, id="twice the demand"),
        pytest.param({"demand": "+0%"}, False, id="no change"),
        pytest.param({"min.cheap": "20"}, True, id="a higher minimum"),
        pytest.param({"slo.tpot": "24ms", "slo.ttft": "500ms"}, False, id="the targets that hold anyway"),
    ],
)
def test_one_input_changed_changes_the_answer(changes: dict[str, str], *, grows: bool) -> None:
    record = passes()[-1]

    found = what_if(record, changes)

    before = sum(one.before.desired or 0 for one in found)
    after = sum(one.after.desired or 0 for one in found)
    assert (after > before) is grows


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("demand", "much", id="no share"),
        pytest.param("weather", "1", id="nothing of that name"),
        pytest.param("slo.weather", "1s", id="no such target"),
        pytest.param("slo.ttft", "soon", id="no duration"),
        pytest.param("max.nobody", "3", id="no such variant"),
        pytest.param("max.cheap", "-3", id="no count"),
        pytest.param("cost.cheap", "1e9", id="no price"),
        pytest.param("quota", "4", id="a quota of nothing"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidField):
        what_if(passes(1)[0], {name: text})
