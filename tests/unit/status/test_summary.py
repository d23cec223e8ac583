"""Status bodies against the examples of the interface, to the character."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.status.outcomes import ALLOC, DECIDED_S, outcome, reasons

from penstock.domain.decisions import Allocation, Learnt, Outcome, Verdict
from penstock.domain.reasons import (
    ActiveReason,
    DecisionReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    TargetReason,
)
from penstock.domain.variants import Actuation
from penstock.status.conditions import timestamp
from penstock.status.summary import variant_status
from penstock.status.writes import must_write


def told(of: Outcome, previous: dict[str, Any] | None = None) -> dict[str, Any]:
    return variant_status(of, previous or {}, DECIDED_S)


def test_healthy() -> None:
    status = told(outcome())

    conditions = status.pop("conditions")
    assert status == {
        "observedGeneration": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat-a100"},
        "actuation": {"applied": True, "mode": "Scale"},
        "replicas": {"current": 3, "ready": 3, "starting": 0, "stuck": 0, "draining": 0},
        "currentAlloc": {
            "accelerator": "A100",
            "numReplicas": 3,
            "maxBatch": 4,
            "variantCost": "120.00",
            "itlAverage": "21.53",
            "ttftAverage": "97.82",
            "load": {"arrivalRate": "120.00", "avgInputTokens": "100.00", "avgOutputTokens": "128.00"},
        },
        "desiredOptimizedAlloc": {"numReplicas": 3, "accelerator": "A100", "lastRunTime": "2026-11-20T09:14:30Z"},
        "slo": {"ttft": "500ms", "tpot": "24ms", "attainment": "99.5%", "source": "ServiceClass"},
        "decision": {
            "id": "7f3a91c2",
            "time": "2026-11-20T09:11:30Z",
            "reason": "DemandUp",
            "summary": "2 -> 3: 2.0 req/s expected in 94 s, one replica serves 0.83 req/s within the SLO",
        },
    }
    assert [(row["type"], row["status"], row["reason"]) for row in conditions] == [
        ("Ready", "True", "Ready"),
        ("TargetResolved", "True", "TargetFound"),
        ("MetricsAvailable", "True", "MetricsFound"),
        ("OptimizationReady", "True", "OptimizationSucceeded"),
        ("ScalingActive", "True", "ScaleApplied"),
        ("ScalingLimited", "False", "WithinLimits"),
    ]


BLIND = ALLOC._replace(
    itl_s=None, ttft_s=None, arrival_per_s=None, input_tokens=None, output_tokens=None, max_batch=None
)


def test_missing_metrics_take_load_and_latency_but_not_the_decision() -> None:
    status = told(
        outcome(
            ActiveReason.HOLDING,
            computed=False,
            alloc=BLIND,
            metrics=Verdict(MetricsReason.MISSING, {"model": "m", "namespace": "llm", "name": "chat-a100"}),
            optimization=Verdict(OptimizationReason.METRICS_UNAVAILABLE),
        )
    )

    assert status["currentAlloc"] == {"accelerator": "A100", "numReplicas": 3, "variantCost": "120.00"}
    assert status["desiredOptimizedAlloc"] == {
        "numReplicas": 3,
        "accelerator": "A100",
        "lastRunTime": "2026-11-20T09:14:30Z",
    }
    assert reasons(status) | {"Ready": ("False", "MetricsMissing")} == {
        "Ready": ("False", "MetricsMissing"),
        "TargetResolved": ("True", "TargetFound"),
        "MetricsAvailable": ("False", "MetricsMissing"),
        "OptimizationReady": ("False", "MetricsUnavailable"),
        "ScalingActive": ("False", "HoldingLastDecision"),
        "ScalingLimited": ("False", "WithinLimits"),
    }
    assert status["actuation"]["applied"] is False


def test_no_traffic_is_a_known_rate_of_zero() -> None:
    idle = BLIND._replace(replicas=1, arrival_per_s=0.0)

    status = told(outcome(alloc=idle, current=1, desired=1, metrics=Verdict(MetricsReason.NO_TRAFFIC)))

    assert status["currentAlloc"] == {
        "accelerator": "A100",
        "numReplicas": 1,
        "variantCost": "40.00",
        "load": {"arrivalRate": "0.00"},
    }
    assert reasons(status)["Ready"] == ("True", "NoTraffic")
    assert reasons(status)["OptimizationReady"] == ("True", "OptimizationSucceeded")


def test_stuck_replicas_are_told_although_the_number_was_applied() -> None:
    status = told(
        outcome(limited=Verdict(LimitReason.STUCK_PENDING), current=4, ready=2, stuck=2, reason=DecisionReason.SPILL)
    )

    assert status["replicas"] == {"current": 4, "ready": 2, "starting": 0, "stuck": 2, "draining": 0}
    assert reasons(status)["Ready"] == ("False", "StuckPending")
    assert reasons(status)["ScalingLimited"] == ("True", "StuckPending")
    assert reasons(status)["ScalingActive"] == ("True", "ScaleApplied")


def test_a_conflict_is_computed_and_neither_published_nor_written() -> None:
    foreign = Verdict(
        ActiveReason.FOREIGN_SCALER,
        {"manager": "HorizontalPodAutoscaler llm/chat-a100", "target": "Deployment chat-a100"},
    )

    status = told(outcome(foreign, mode=Actuation.RECOMMEND, desired=4))

    assert status["actuation"] == {"applied": False, "mode": "Recommend"}
    assert reasons(status)["Ready"] == ("False", "ForeignScaler")
    row = next(row for row in status["conditions"] if row["type"] == "ScalingActive")
    assert row["message"] == (
        "HorizontalPodAutoscaler llm/chat-a100 also sets the replicas of Deployment chat-a100. Delete it, let it read "
        "wva_desired_replicas, or set spec.actuation: Recommend."
    )


def test_a_decided_zero_is_a_number() -> None:
    zero = BLIND._replace(accelerator="H100", replicas=0)

    status = told(outcome(alloc=zero, current=0, desired=0, ready=0, metrics=Verdict(MetricsReason.NO_REPLICAS)))

    assert status["currentAlloc"] == {"accelerator": "H100", "numReplicas": 0, "variantCost": "0.00"}
    assert status["desiredOptimizedAlloc"]["numReplicas"] == 0
    assert status["replicas"]["current"] == 0
    assert reasons(status)["Ready"] == ("True", "NoReplicas")


def test_what_is_unknown_is_absent() -> None:
    status = told(
        outcome(
            ActiveReason.HOLDING,
            desired=None,
            record_id="",
            summary="",
            alloc=Allocation(),
            current=None,
            target=Verdict(TargetReason.UNREADABLE, {"error": "timeout", "resource": "deployments"}),
        )
    )

    assert set(status) == {"observedGeneration", "scaleTargetRef", "actuation", "slo", "conditions"}
    assert reasons(status)["TargetResolved"] == ("Unknown", "TargetUnreadable")
    assert reasons(status)["Ready"] == ("False", "TargetUnreadable")


def test_what_runs_is_one_number_everywhere_once_it_was_changed() -> None:
    status = told(outcome(alloc=ALLOC._replace(replicas=2, cost_per_h=80.0), current=3, stuck=1))

    assert (status["currentAlloc"]["numReplicas"], status["replicas"]["current"]) == (3, 3)
    assert status["currentAlloc"]["variantCost"] == "120.00"


@pytest.mark.parametrize(
    ("active", "metrics", "ready"),
    [
        pytest.param(ActiveReason.PAUSED, MetricsReason.FOUND, ("True", "Paused"), id="paused is chosen"),
        pytest.param(
            ActiveReason.RECOMMENDING, MetricsReason.FOUND, ("True", "Recommending"), id="recommend is chosen"
        ),
        pytest.param(
            ActiveReason.PAUSED, MetricsReason.NO_TRAFFIC, ("True", "Paused"), id="what is chosen comes first"
        ),
        pytest.param(ActiveReason.GAUGE_PUBLISHED, MetricsReason.FOUND, ("True", "Ready"), id="published"),
        pytest.param(ActiveReason.DRAINING, MetricsReason.FOUND, ("True", "Ready"), id="draining"),
        pytest.param(ActiveReason.SCALE_FORBIDDEN, MetricsReason.FOUND, ("False", "ScaleForbidden"), id="forbidden"),
        pytest.param(ActiveReason.SCALE_CHANGED, MetricsReason.FOUND, ("False", "ScaleChanged"), id="moved meanwhile"),
        pytest.param(ActiveReason.PAUSED, MetricsReason.STALE, ("False", "MetricsStale"), id="a fault before a choice"),
    ],
)
def test_ready_repeats_the_first_bad_one(active: ActiveReason, metrics: MetricsReason, ready: tuple[str, str]) -> None:
    assert reasons(told(outcome(active, metrics=Verdict(metrics))))["Ready"] == ready


@pytest.mark.parametrize(
    ("limit", "ready"),
    [
        pytest.param(LimitReason.MAX_REPLICAS, "True", id="a bound is no fault"),
        pytest.param(LimitReason.NO_WAKE_SOURCE, "True", id="a refused zero is no fault"),
        pytest.param(LimitReason.QUOTA, "False", id="a quota wants a look"),
    ],
)
def test_limits(limit: LimitReason, ready: str) -> None:
    found = reasons(told(outcome(limited=Verdict(limit))))

    assert found["ScalingLimited"] == ("True", limit.value)
    assert found["Ready"][0] == ready


def test_a_transition_time_moves_only_with_its_status() -> None:
    first = told(outcome())
    later = variant_status(outcome(metrics=Verdict(MetricsReason.STALE)), first, DECIDED_S + 60)

    times = {row["type"]: row["lastTransitionTime"] for row in later["conditions"]}

    assert times["MetricsAvailable"] == times["Ready"] == "2026-11-20T09:15:30Z"
    assert times["TargetResolved"] == times["ScalingActive"] == "2026-11-20T09:14:30Z"
    assert {row["observedGeneration"] for row in later["conditions"]} == {3}


def test_every_condition_has_a_sentence() -> None:
    assert all(row["message"].endswith(".") for row in told(outcome())["conditions"])


def test_what_was_learnt_is_a_view_and_an_outage_has_its_end() -> None:
    learnt = Learnt(startup_s=94.2, starts=7, unavailable_until_s=DECIDED_S + 900.0)

    seen = variant_status(replace(outcome(), learnt=learnt), {}, DECIDED_S)
    young = variant_status(replace(outcome(), learnt=Learnt(starts=2)), {}, DECIDED_S)

    assert seen["learned"] == {"requestsPerSecond": "0.83", "startupTime": "94s", "starts": 7}
    assert seen["unavailableUntil"] == timestamp(DECIDED_S + 900.0)
    assert young["learned"] == {"requestsPerSecond": "0.83", "starts": 2}
    unsure = variant_status(outcome(capacity_error_ratio=0.0617), {}, DECIDED_S)
    assert unsure["learned"] == {"requestsPerSecond": "0.83", "error": "6%", "starts": 0}
    assert not {"learned", "unavailableUntil"} & set(variant_status(outcome(), {}, DECIDED_S))


def test_a_capacity_that_drifts_is_not_written_each_time() -> None:
    first = replace(outcome(), learnt=Learnt(starts=7))
    drifted = replace(first, decision=first.decision._replace(capacity_per_s=0.85))
    before = variant_status(first, {}, DECIDED_S)

    assert not must_write(before, variant_status(drifted, before, DECIDED_S + 15), DECIDED_S + 15)
