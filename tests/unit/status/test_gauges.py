"""Series of one outcome."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.status.outcomes import ALLOC, outcome

from penstock.domain.decisions import Allocation, Learnt, Outcome
from penstock.domain.reasons import ActiveReason, DecisionReason
from penstock.domain.variants import Actuation
from penstock.status.gauges import gauges, scalings

WVA = {"variant_name": "chat-a100", "namespace": "llm", "accelerator_type": "A100"}
OURS = {"namespace": "llm", "variant": "chat-a100", "model": "default/default"}


def values(of: Outcome) -> dict[str, float]:
    return {sample.metric: sample.value for sample in gauges(of) if sample.metric != "penstock_variant_condition"}


def test_healthy() -> None:
    both = {"desired_replicas": 3.0, "current_replicas": 3.0, "desired_ratio": 1.0}

    assert values(outcome(need_per_s=2.6, capacity_error_ratio=0.06)) == {
        **{f"inferno_{name}": value for name, value in both.items()},
        **{f"wva_{name}": value for name, value in both.items()},
        "penstock_variant_desired_replicas": 3.0,
        "penstock_variant_current_replicas": 3.0,
        "penstock_variant_ready_replicas": 3.0,
        "penstock_variant_data_age_seconds": 12.0,
        "penstock_variant_arrival_requests_per_second": 2.0,
        "penstock_variant_need_requests_per_second": 2.6,
        "penstock_variant_capacity_requests_per_second": 0.83,
        "penstock_variant_capacity_error_ratio": 0.06,
        "penstock_variant_cost_per_hour": 120.0,
    }


@pytest.mark.parametrize(("stuck", "cost"), [(0, 120.0), (2, 40.0), (5, 0.0)])
def test_what_finds_no_place_costs_nothing(stuck: int, cost: float) -> None:
    assert values(outcome(stuck=stuck))["penstock_variant_cost_per_hour"] == cost


def test_what_is_for_nothing_costs_nothing_and_that_is_told() -> None:
    found = values(outcome(alloc=ALLOC._replace(cost_per_replica_per_h=0.0)))

    assert found["penstock_variant_cost_per_hour"] == 0.0


def test_labels() -> None:
    samples = gauges(outcome())

    assert [dict(one.labels) for one in samples if one.metric == "wva_desired_replicas"] == [WVA]
    assert [dict(one.labels) for one in samples if one.metric == "penstock_variant_cost_per_hour"] == [OURS]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        pytest.param({"alloc": ALLOC._replace(accelerator=None)}, {**WVA, "accelerator_type": "unknown"}, id="unknown"),
        pytest.param({"alloc": ALLOC._replace(accelerator="H100")}, {**WVA, "accelerator_type": "H100"}, id="changed"),
    ],
)
def test_an_accelerator_has_one_series(changes: dict[str, Any], labels: dict[str, str]) -> None:
    assert [dict(one.labels) for one in gauges(outcome(**changes)) if one.metric == "wva_desired_replicas"] == [labels]


def test_the_instance_is_a_label_of_the_published_families_only() -> None:
    with_instance = {one.metric for one in gauges(outcome(), "blue") if one.labels.get("controller_instance") == "blue"}

    assert with_instance == {
        f"{family}_{name}"
        for family in ("inferno", "wva")
        for name in ("desired_replicas", "current_replicas", "desired_ratio")
    }


@pytest.mark.parametrize(
    ("now", "published"),
    [
        pytest.param(outcome(desired=None), False, id="before the first decision"),
        pytest.param(outcome(ActiveReason.RECOMMENDING, mode=Actuation.RECOMMEND), False, id="a recommendation"),
        pytest.param(outcome(ActiveReason.FOREIGN_SCALER, mode=Actuation.RECOMMEND), False, id="a conflict"),
        pytest.param(outcome(ActiveReason.HOLDING, computed=False), True, id="held"),
        pytest.param(outcome(ActiveReason.PAUSED), True, id="paused"),
    ],
)
def test_what_consumers_act_upon_is_withheld_or_kept(now: Outcome, published: bool) -> None:
    assert ("wva_desired_replicas" in values(now)) is published


@pytest.mark.parametrize(
    ("desired", "current", "ratio"),
    [
        pytest.param(3, 2, 1.5, id="by current"),
        pytest.param(3, 0, 3.0, id="desired where nothing runs"),
        pytest.param(0, 2, 0.0, id="zero"),
    ],
)
def test_ratio(desired: int, current: int, ratio: float) -> None:
    assert values(outcome(desired=desired, current=current))["wva_desired_ratio"] == ratio


def test_what_is_unknown_has_no_series() -> None:
    blind = outcome(
        desired=None, current=None, alloc=Allocation(), capacity_per_s=None, need_per_s=None, data_age_s=None
    )

    assert values(blind) == {}


def test_each_condition_shows_the_status_it_has() -> None:
    shown = {
        (one.labels["type"], one.labels["status"]): one.value
        for one in gauges(outcome())
        if one.metric == "penstock_variant_condition"
    }

    assert shown == {
        ("Ready", "True"): 1.0,
        ("TargetResolved", "True"): 1.0,
        ("MetricsAvailable", "True"): 1.0,
        ("OptimizationReady", "True"): 1.0,
        ("ScalingActive", "True"): 1.0,
        ("ScalingLimited", "False"): 1.0,
    }


@pytest.mark.parametrize(
    ("now", "direction"),
    [
        pytest.param(outcome(desired=4, previous=3), "up", id="up"),
        pytest.param(outcome(desired=2, previous=3, reason=DecisionReason.DEMAND_DOWN), "down", id="down"),
        pytest.param(outcome(desired=1, previous=0), "up", id="from zero"),
        pytest.param(outcome(desired=3, previous=3), None, id="steady"),
        pytest.param(outcome(desired=3, previous=None), None, id="the first one"),
        pytest.param(outcome(ActiveReason.SCALE_FORBIDDEN, desired=4, previous=3), None, id="not handed over"),
        pytest.param(outcome(desired=None, previous=None), None, id="none at all"),
    ],
)
def test_scalings_count_what_was_handed_over(now: Outcome, direction: str | None) -> None:
    added = scalings(now, "blue")

    assert [one.labels["direction"] for one in added] == ([direction] * 2 if direction else [])
    assert all(one.labels["reason"] == now.decision.reason and one.value == 1 for one in added)
    assert all(one.labels["controller_instance"] == "blue" for one in added)


def test_what_is_measured_is_shown_and_what_is_not_is_absent() -> None:
    learnt = Learnt(startup_s=94.0, starts=7, attainment_ratio=0.996)

    measured = values(replace(outcome(), learnt=learnt))

    assert measured["penstock_variant_startup_seconds"] == 94.0
    assert measured["penstock_variant_slo_attainment_ratio"] == 0.996
