"""What would have been: every input that can be set moves the answer the way it should, and no other variant's."""

from dataclasses import replace

import pytest
from tests.unit.records.made import passes
from tests.unit.scaling.scene import MODEL, NOW, known

from penstock.domain.catalogue import ModelScope
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Inflow
from penstock.domain.reasons import LimitReason
from penstock.records.record import Record, pack, unpack
from penstock.records.whatif import WhatIf, what_if


def answers(changes: dict[str, str], record: Record | None = None) -> dict[str, WhatIf]:
    found = what_if(unpack(pack(record or passes(4)[-1])), changes)
    return {one.before.key.name: one for one in found}


def numbers(found: dict[str, WhatIf]) -> dict[str, int | None]:
    return {name: one.after.desired for name, one in found.items()}


def test_nothing_changed_is_what_was_decided() -> None:
    found = answers({"demand": "100%"})

    assert numbers(found) == {name: one.before.desired for name, one in found.items()} == {"cheap": 7, "dear": 2}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"cost.cheap": "200"}, {"cheap": 4, "dear": 5}, id="a price: the other one is the cheaper then"),
        pytest.param({"cost.dear": "1.50"}, {"cheap": 4, "dear": 5}, id="the other's price"),
        pytest.param({"max.cheap": "5"}, {"cheap": 5, "dear": 4}, id="a ceiling: the rest goes to the other"),
        pytest.param({"min.dear": "6"}, {"cheap": 4, "dear": 6}, id="a floor"),
        pytest.param({"quota.A100": "7"}, {"cheap": 5, "dear": 2}, id="a quota"),
        pytest.param({"max.cheap": "5", "max.dear": "2"}, {"cheap": 5, "dear": 2}, id="two at once"),
    ],
)
def test_the_mix_follows(changes: dict[str, str], expected: dict[str, int]) -> None:
    assert numbers(answers(changes)) == expected


def test_a_quota_is_named_as_asked_for() -> None:
    found = answers({"quota.A100": "7"})

    assert found["cheap"].after.limited.reason is LimitReason.QUOTA
    assert found["cheap"].after.limited.facts["where"] == "--set"


def test_the_answer_has_a_cause_of_its_own() -> None:
    record = passes(4)[-1]
    same, more = answers({"demand": "100%"}, record)["dear"], answers({"demand": "+300%"}, record)["cheap"]

    assert more.after.desired != more.before.desired
    assert more.why == more.after.summary != same.why
    assert same.after.changed_at_s < record.observation.now_s
    assert "needed" in same.why


@pytest.mark.parametrize("slower", ["10m", "30m"])
def test_slower_starts_look_further_ahead(slower: str) -> None:
    found = answers({"startup.cheap": slower, "startup.dear": slower})

    assert (found["cheap"].after.need_per_s or 0.0) > (found["cheap"].before.need_per_s or 0.0)


def test_stricter_targets_let_a_replica_serve_less() -> None:
    found = answers({"slo.tpot": "21ms"})

    assert (found["cheap"].after.capacity_per_s or 0.0) < (found["cheap"].before.capacity_per_s or 0.0)
    assert (found["cheap"].after.desired or 0) > (found["cheap"].before.desired or 0)


def test_what_routers_count_is_demand_too() -> None:
    record = passes(4)[-1]
    inflow = Inflow(waiting=known(0, NOW + 45), arrivals_per_s=known(4.8, NOW + 45), growth_per_s=known(0, NOW + 45))
    routed = replace(record, observation=replace(record.observation, inflows={ModelScope("llm", MODEL): inflow}))

    twice, half = (answers({"demand": share}, routed)["cheap"].after for share in ("+100%", "-50%"))

    assert (twice.need_per_s or 0.0) > 3 * (half.need_per_s or 0.0)


@pytest.mark.parametrize("name", ["slo.ttft", "slo.tpot", "startup.cheap"])
def test_no_time_at_all_is_refused(name: str) -> None:
    """It counted as not written, so that the answer was that of the operator's default."""
    with pytest.raises(InvalidField, match="more than 0s"):
        what_if(passes(1)[0], {name: "0s"})
