"""One event for each change, none for what follows from another."""

from typing import Any

import pytest
from tests.unit.status.outcomes import ALLOC, DECIDED_S, outcome

from penstock.domain.decisions import Outcome, Verdict
from penstock.domain.reasons import (
    ActiveReason,
    DecisionReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    TargetReason,
)
from penstock.domain.variants import Actuation
from penstock.status.events import EventText, events
from penstock.status.summary import variant_status

HEALTHY = variant_status(outcome(), {}, DECIDED_S)
TWO = ALLOC._replace(replicas=2)
NO_METRICS = {
    "metrics": Verdict(MetricsReason.STALE),
    "optimization": Verdict(OptimizationReason.METRICS_UNAVAILABLE),
    "computed": False,
}
NO_TARGET = {
    "target": Verdict(TargetReason.NOT_FOUND),
    "optimization": Verdict(OptimizationReason.SKIPPED, {"target": "TargetNotFound"}),
    "metrics": Verdict(MetricsReason.NO_REPLICAS),
}


def told(of: Outcome, previous: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    return [(event.type, event.reason) for event in events(HEALTHY if previous is None else previous, of)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(outcome(), [], id="nothing changed"),
        pytest.param(outcome(desired=4, previous=3), [("Normal", "Scaled")], id="scaled"),
        pytest.param(
            outcome(desired=4, previous=3, reason=DecisionReason.SPILL),
            [("Normal", "SpilledOver")],
            id="for a stuck one",
        ),
        pytest.param(
            outcome(ActiveReason.SCALE_CHANGED, desired=4), [("Warning", "ScaleChanged")], id="not handed over"
        ),
        pytest.param(outcome(alloc=TWO), [("Normal", "Scaled")], id="somebody else had moved it"),
        pytest.param(
            outcome(ActiveReason.HOLDING, **NO_METRICS), [("Warning", "MetricsStale")], id="one cause, one event"
        ),
        pytest.param(outcome(ActiveReason.HOLDING, **NO_TARGET), [("Warning", "TargetNotFound")], id="no target"),
        pytest.param(
            outcome(Verdict(ActiveReason.HOLDING, {"error": "timeout"})),
            [("Warning", "HoldingLastDecision")],
            id="the API server did not take it",
        ),
        pytest.param(
            outcome(ActiveReason.FOREIGN_SCALER, mode=Actuation.RECOMMEND),
            [("Normal", "ModeChanged"), ("Warning", "ForeignScaler")],
            id="a foreign scaler",
        ),
        pytest.param(outcome(ActiveReason.PAUSED), [], id="paused is chosen"),
        pytest.param(outcome(limited=Verdict(LimitReason.MAX_REPLICAS)), [], id="a bound is no fault"),
        pytest.param(outcome(limited=Verdict(LimitReason.STUCK_PENDING)), [("Warning", "StuckPending")], id="stuck"),
        pytest.param(
            outcome(optimization=Verdict(OptimizationReason.SLO_INFEASIBLE, {"field": "slo.tpot"})),
            [("Warning", "SLOInfeasible")],
            id="infeasible",
        ),
        pytest.param(
            outcome(optimization=Verdict(OptimizationReason.SKIPPED)), [("Warning", "SkippedProcessing")], id="excluded"
        ),
    ],
)
def test_events(now: Outcome, expected: list[tuple[str, str]]) -> None:
    assert told(now) == expected


def test_what_stays_bad_is_told_once() -> None:
    first = outcome(ActiveReason.HOLDING, **NO_METRICS)

    again = told(first, variant_status(first, HEALTHY, DECIDED_S))

    assert again == []


def test_another_fault_of_the_same_condition_is_another_event() -> None:
    stale = outcome(ActiveReason.HOLDING, **NO_METRICS)
    missing = outcome(ActiveReason.HOLDING, **{**NO_METRICS, "metrics": Verdict(MetricsReason.MISSING)})

    assert told(missing, variant_status(stale, HEALTHY, DECIDED_S)) == [("Warning", "MetricsMissing")]


def test_a_class_reference_of_no_use_is_told_once_for_a_generation() -> None:
    unused = outcome(class_ref_unused=True)

    assert told(unused, {}) == [("Warning", "SLOClassRefUnused")]
    assert told(unused) == []
    assert told(outcome(class_ref_unused=True, generation=4)) == [("Warning", "SLOClassRefUnused")]


def test_recovery_is_told() -> None:
    stale = variant_status(outcome(ActiveReason.HOLDING, **NO_METRICS), HEALTHY, DECIDED_S)

    assert events(stale, outcome()) == [EventText("Normal", "MetricsRecovered", "Engine series are fresh.")]


def test_a_published_number_is_told_once_however_slowly_it_is_followed() -> None:
    published = outcome(ActiveReason.GAUGE_PUBLISHED, mode=Actuation.METRICS, desired=4, previous=3)
    following = outcome(ActiveReason.GAUGE_PUBLISHED, mode=Actuation.METRICS, desired=4, previous=4)

    first = told(published, {**HEALTHY, "actuation": {"applied": True, "mode": "Metrics"}})
    later = told(following, variant_status(published, HEALTHY, DECIDED_S))

    assert (first, later) == ([("Normal", "Scaled")], [])


def test_shrinking_is_told_once_however_long_replicas_drain() -> None:
    deciding = outcome(ActiveReason.DRAINING, desired=1, previous=3)
    draining = outcome(ActiveReason.DRAINING, desired=1, previous=1)
    status = variant_status(deciding, HEALTHY, DECIDED_S)

    first, later = told(deciding, HEALTHY), told(draining, status)
    done = told(outcome(desired=1, previous=1), status)

    assert status["actuation"]["applied"] is False
    assert (first, later, done) == ([("Normal", "Scaled")], [], [])


def test_a_first_decision_that_fits_is_no_event_and_one_that_scales_is() -> None:
    assert told(outcome(previous=None), {}) == []
    assert told(outcome(previous=None, alloc=TWO), {}) == [("Normal", "Scaled")]


def test_the_sentence_of_scaled_is_the_decisions() -> None:
    (event,) = events(HEALTHY, outcome(desired=4, previous=3, summary="3 -> 4: because"))

    assert event.message == "3 -> 4: because"
