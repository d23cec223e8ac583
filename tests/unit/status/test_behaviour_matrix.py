"""What users see in each bad situation that WVA knew: status, gauges, log line and event, from one pass each.

One row per situation. WVA skipped most of them in silence, wrote zeros, or scaled down on what it did not know.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.unit.scaling.scene import (
    NOW,
    by_name,
    decide_one,
    handed_over,
    idle_row,
    known,
    missing,
    observe,
    remembering,
    row,
    rows,
    target,
    variant,
)

from penstock.domain.catalogue import Catalogue, ServiceTarget
from penstock.domain.decisions import Outcome
from penstock.domain.observations import Observation, PodMetrics, ScrapeProblem
from penstock.domain.readings import ABSENT, Absent
from penstock.domain.reasons import MetricsReason
from penstock.domain.variants import ObjectKey, SloOverride, Variant
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory
from penstock.status.events import events
from penstock.status.gauges import gauges
from penstock.status.logline import variant_line
from penstock.status.summary import variant_status

CHAT = variant()
FOUR = {CHAT.key: target(CHAT, 4)}
SKIPPING = "Metrics unavailable, skipping optimization for variant"


def with_four(*seen: PodMetrics, one: Variant = CHAT, **changes: Any) -> Observation:
    return observe(one, targets={one.key: target(one, 4)}, seen=seen, **changes)


def with_two(one: Variant, other: Variant, total: float = 1.5) -> Observation:
    """Two variants of one model, each with four replicas that serve `total` requests/s."""
    seen = (*rows(one, 4, total=total), *rows(other, 4, total=total))
    return observe(one, other, targets={each.key: target(each, 4) for each in (one, other)}, seen=seen)


def broken(reason: MetricsReason, peer: str, cause: str) -> Observation:
    return with_four(problem=ScrapeProblem(reason=reason, peer=peer, cause=cause))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a row expects. `log` is the reason in the skipping line; `event` a Warning's reason.

    `other` is what the second variant should have, where there is one; all else is the same for both.
    """

    desired: int | None
    ready: str
    other: int | None = None
    metrics: str = "MetricsFound"
    optimization: str = "OptimizationSucceeded"
    load: bool = True
    log: str | None = None
    event: str | None = None
    published: bool = True


IMPOSSIBLE = Absent("value is inf", impossible=True)
LISTED = ServiceTarget(
    class_name="Premium", priority=1, configmap="s/c", key="premium.yaml", model="another", ttft_s=0.5, tpot_s=0.024
)
HELD = {"optimization": "MetricsUnavailable", "load": False}
CLASSED = replace(CHAT, slo=SloOverride(), slo_class_ref=ObjectKey("service-classes-config", "premium.yaml"))
SIBLING = variant("other")
UNPRICED = replace(CHAT, cost_per_replica_per_h=None, accelerator=None)
TOO_FAST = replace(CHAT, slo=SloOverride(ttft_s=0.5, tpot_s=0.001))

SITUATIONS = [
    pytest.param(
        with_four(),
        Seen(
            desired=4,
            ready="MetricsMissing",
            metrics="MetricsMissing",
            log="MetricsMissing",
            event="MetricsMissing",
            **HELD,
        ),
        id="no series for the model",
    ),
    pytest.param(
        broken(MetricsReason.PROMETHEUS_ERROR, "running", "bad_data"),
        Seen(
            desired=4,
            ready="PrometheusError",
            metrics="PrometheusError",
            log="PrometheusError",
            event="PrometheusError",
            **HELD,
        ),
        id="Prometheus refuses a query",
    ),
    pytest.param(
        broken(MetricsReason.PROMETHEUS_UNREACHABLE, "http://prom:9090", "connect"),
        Seen(
            desired=4,
            ready="PrometheusUnreachable",
            metrics="PrometheusUnreachable",
            log="PrometheusUnreachable",
            event="PrometheusUnreachable",
            **HELD,
        ),
        id="Prometheus is down",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=0.1, at_s=NOW - 600)),
        Seen(desired=4, ready="MetricsStale", metrics="MetricsStale", log="MetricsStale", event="MetricsStale", **HELD),
        id="stale series",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=0.1, waiting=IMPOSSIBLE)),
        Seen(
            desired=4,
            ready="MetricsInvalid",
            metrics="MetricsInvalid",
            log="MetricsInvalid",
            event="MetricsInvalid",
            **HELD,
        ),
        id="NaN and Inf",
    ),
    pytest.param(
        with_four(
            *rows(replace(CHAT, profiles=()), 4, total=0.1, kv_usage_ratio=ABSENT), one=replace(CHAT, profiles=())
        ),
        Seen(desired=4, ready="Ready", optimization="SaturationOnlyMode"),
        id="one gauge of a pod is missing: it does not look idle",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=1.8, ttft_s=ABSENT, tpot_s=ABSENT)),
        Seen(desired=3, ready="Ready"),
        id="latency series are missing: sized all the same",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=2.0, output_tokens=ABSENT, input_tokens=ABSENT, kv_usage_ratio=known(0.6))),
        Seen(desired=4, ready="Ready", optimization="SaturationOnlyMode"),
        id="token series are missing under traffic: never the minimum",
    ),
    pytest.param(
        observe(CHAT, targets={CHAT.key: missing(CHAT)}),
        Seen(
            desired=4,
            ready="TargetNotFound",
            metrics="NoReplicas",
            optimization="SkippedProcessing",
            load=False,
            event="TargetNotFound",
        ),
        id="the Deployment is missing",
    ),
    pytest.param(
        with_four(*rows(CLASSED, 4, total=1.5), one=CLASSED, catalogue=Catalogue(service_targets=(LISTED,))),
        Seen(
            desired=2,
            ready="ModelNotInServiceClass",
            optimization="ModelNotInServiceClass",
            event="ModelNotInServiceClass",
        ),
        id="the model is in no service class: sized for the default",
    ),
    pytest.param(
        with_four(*rows(UNPRICED, 4, total=1.8), one=UNPRICED),
        Seen(desired=3, ready="Ready"),
        id="accelerator and cost are unknown",
    ),
    pytest.param(
        with_four(*rows(TOO_FAST, 4, total=1.8), one=TOO_FAST),
        Seen(desired=2, ready="SLOInfeasible", optimization="SLOInfeasible", event="SLOInfeasible"),
        id="the SLO is infeasible: sized for throughput",
    ),
    pytest.param(
        with_two(TOO_FAST, replace(SIBLING, slo=TOO_FAST.slo), 2.0),
        Seen(desired=4, other=1, ready="SLOInfeasible", optimization="SLOInfeasible", event="SLOInfeasible"),
        id="the SLO is infeasible on every variant: sized for throughput",
    ),
    pytest.param(
        with_two(replace(CHAT, cost_per_replica_per_h=None), replace(SIBLING, cost_per_replica_per_h=None)),
        Seen(desired=4, other=1, ready="Ready", optimization="AcceleratorCostMissing"),
        id="no variant of the model has a price: all count as equal",
    ),
    pytest.param(
        with_four(*(idle_row(CHAT, number) for number in range(4))),
        Seen(desired=1, ready="NoTraffic", metrics="NoTraffic"),
        id="idle engines are no missing metrics",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=2.0), catalogue=Catalogue(excluded_namespaces=frozenset({"llm"}))),
        Seen(desired=4, ready="SkippedProcessing", optimization="SkippedProcessing", event="SkippedProcessing"),
        id="the namespace is excluded",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=0.1, model="default")),
        Seen(
            desired=4,
            ready="ModelNameMismatch",
            metrics="ModelNameMismatch",
            log="ModelNameMismatch",
            event="ModelNameMismatch",
            **HELD,
        ),
        id="the pods report another model",
    ),
    pytest.param(
        with_four(*rows(CHAT, 4, total=1.8)),
        Seen(desired=3, ready="Ready"),
        id="all is well",
    ),
]


@pytest.mark.parametrize(("observation", "expected"), SITUATIONS)
def test_status_gauges_log_and_event_agree(observation: Observation, expected: Seen) -> None:
    found = by_name(observation, remembering(*((one, 4) for one in observation.variants)))

    for one, wanted in zip(observation.variants, (expected.desired, expected.other), strict=False):
        agree(handed_over(found[one.key.name], observation.targets[one.key]), replace(expected, desired=wanted))


def agree(outcome: Outcome, expected: Seen) -> None:
    status = variant_status(outcome, HEALTHY_BEFORE, NOW)
    shown = {row["type"]: row["reason"] for row in status["conditions"]}
    assert (shown["Ready"], shown["MetricsAvailable"], shown["OptimizationReady"]) == (
        expected.ready,
        expected.metrics,
        expected.optimization,
    )
    assert status["desiredOptimizedAlloc"]["numReplicas"] == expected.desired
    assert ("load" in status["currentAlloc"]) is expected.load

    published = {sample.metric: sample.value for sample in gauges(outcome) if "variant_name" in sample.labels}
    assert published["wva_desired_replicas"] == published["inferno_desired_replicas"] == expected.desired
    assert published.get("wva_current_replicas") == status["currentAlloc"].get("numReplicas")

    line = variant_line(outcome)
    skipped = line.fields["reason"] if line is not None and line.message == SKIPPING else None
    assert skipped == expected.log

    warnings = [event.reason for event in events(HEALTHY_BEFORE, outcome) if event.type == "Warning"]
    assert warnings == ([expected.event] if expected.event else [])


def _healthy() -> dict[str, Any]:
    observation = with_four(*rows(CHAT, 4, total=3.0))
    return variant_status(handed_over(decide_one(observation, remembering((CHAT, 4))), FOUR[CHAT.key]), {}, NOW - 60)


HEALTHY_BEFORE = _healthy()


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(with_four(), id="no series"),
        pytest.param(broken(MetricsReason.PROMETHEUS_UNREACHABLE, "", "no URL"), id="no Prometheus"),
        pytest.param(with_four(*rows(CHAT, 4, total=1, at_s=NOW - 999)), id="stale"),
    ],
)
def test_without_any_decision_nothing_is_published_and_nothing_is_zero(scene: Observation) -> None:
    decision = decide_one(scene)
    outcome = handed_over(decision, FOUR[CHAT.key])

    status = variant_status(outcome, {}, NOW)

    assert "desiredOptimizedAlloc" not in status
    assert "decision" not in status
    assert status["currentAlloc"]["numReplicas"] == 4
    assert status["actuation"] == {"applied": False, "mode": "Scale"}
    assert [sample for sample in gauges(outcome) if "variant_name" in sample.labels] == []
    assert len(status["conditions"]) == 6


def test_no_variants_are_no_error() -> None:
    assert decide(observe(), Memory(), Config()) == ((), Memory())


def test_a_configmap_that_changes_between_passes_counts_in_the_next_one() -> None:
    bare = replace(CHAT, slo=SloOverride())
    strict = Catalogue(service_targets=(replace(LISTED, model=CHAT.model, tpot_s=0.001),))
    seen, memory, status = [row(bare, number, rate=0.5) for number in range(4)], Memory(), dict[str, Any]()
    shown = []

    for catalogue in (Catalogue(), strict, Catalogue()):
        (decision,), memory = decide(with_four(*seen, one=bare, catalogue=catalogue), memory, Config())
        status = variant_status(handed_over(decision, FOUR[bare.key]), status, NOW)
        reasons = {row["type"]: row["reason"] for row in status["conditions"]}
        shown.append((status["slo"]["tpot"], status["slo"]["source"], reasons["OptimizationReady"]))

    assert shown == [
        ("100ms", "Default", "OptimizationSucceeded"),
        ("1ms", "ServiceClass", "SLOInfeasible"),
        ("100ms", "Default", "OptimizationSucceeded"),
    ]
