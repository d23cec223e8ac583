"""When a status is written."""

from copy import deepcopy
from typing import Any

import pytest
from tests.unit.status.outcomes import ALLOC, DECIDED_S, outcome

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import ActiveReason, LimitReason, MetricsReason
from penstock.status.summary import must_write, variant_status

BEFORE = variant_status(outcome(), {}, DECIDED_S)


def after(age_s: float = 15.0, **changes: Any) -> dict[str, Any]:
    return variant_status(outcome(decided_at_s=DECIDED_S + age_s, **changes), BEFORE, DECIDED_S + age_s)


def alloc(**changes: Any) -> dict[str, Any]:
    return {"alloc": ALLOC._replace(**changes)}


@pytest.mark.parametrize(
    ("new", "age_s", "written"),
    [
        pytest.param(after(), 15, False, id="only the time of the pass"),
        pytest.param(after(**alloc(arrival_per_s=2.19)), 15, False, id="a number within a tenth"),
        pytest.param(after(**alloc(arrival_per_s=2.21)), 15, True, id="a number beyond a tenth"),
        pytest.param(after(**alloc(ttft_s=0.05)), 15, True, id="a latency that fell"),
        pytest.param(after(**alloc(ttft_s=None)), 15, True, id="a number that went"),
        pytest.param(after(299), 299, False, id="not yet old"),
        pytest.param(after(300), 300, True, id="old"),
        pytest.param(after(desired=4), 15, True, id="another decision"),
        pytest.param(after(record_id="other"), 15, True, id="another record"),
        pytest.param(after(current=4), 15, True, id="another count"),
        pytest.param(after(ready=2, starting=1), 15, True, id="a replica that is not ready"),
        pytest.param(after(metrics=Verdict(MetricsReason.STALE)), 15, True, id="another condition"),
        pytest.param(after(limited=Verdict(LimitReason.MAX_REPLICAS, {"limit": "a"})), 15, True, id="another limit"),
        pytest.param(after(active=ActiveReason.PAUSED), 15, True, id="paused"),
        pytest.param(after(generation=4), 15, True, id="another generation"),
    ],
)
def test_must_write(new: dict[str, Any], age_s: float, written: bool) -> None:
    assert must_write(BEFORE, new, DECIDED_S + age_s) is written


def test_a_held_status_is_not_written_again_and_again() -> None:
    held = variant_status(outcome(ActiveReason.HOLDING, computed=False), BEFORE, DECIDED_S + 15)
    later = variant_status(outcome(ActiveReason.HOLDING, computed=False), held, DECIDED_S + 9999)

    assert must_write(BEFORE, held, DECIDED_S + 15)
    assert not must_write(held, later, DECIDED_S + 9999)


@pytest.mark.parametrize(
    "previous",
    [
        pytest.param({}, id="none"),
        pytest.param({"currentAlloc": {"load": None}}, id="odd"),
        pytest.param({"currentAlloc": "text", "conditions": []}, id="not ours"),
        pytest.param({**BEFORE, "unavailableUntil": "2026-01-01T00:00:00Z"}, id="one field more"),
    ],
)
def test_any_other_status_is_written_over(previous: dict[str, Any]) -> None:
    assert must_write(previous, BEFORE, DECIDED_S)


def test_numbers_without_a_time_count_as_old() -> None:
    undated = deepcopy(BEFORE)
    del undated["desiredOptimizedAlloc"]["lastRunTime"]

    assert must_write(undated, BEFORE, DECIDED_S)


def test_zero_to_something_is_a_move() -> None:
    idle = after(**alloc(arrival_per_s=0.0))

    assert must_write(idle, after(**alloc(arrival_per_s=0.001)), DECIDED_S + 15)
    assert not must_write(idle, deepcopy(idle), DECIDED_S + 15)


def test_numbers_of_another_writer_are_compared_as_text() -> None:
    odd = deepcopy(BEFORE)
    odd["currentAlloc"]["itlAverage"] = "fast"

    assert must_write(odd, BEFORE, DECIDED_S)
    assert not must_write(odd, deepcopy(odd), DECIDED_S)


def test_comparing_changes_neither_status() -> None:
    before, new = deepcopy(BEFORE), after(299)
    kept = deepcopy(new)

    must_write(before, new, DECIDED_S + 299)

    assert (before, new) == (BEFORE, kept)
