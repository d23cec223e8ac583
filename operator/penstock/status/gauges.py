"""Gauges and counter increments of one outcome: WVA's two families, and ours.

The shell shows exactly what the last pass returned, so series go with their object, and an accelerator that changed
leaves no twin behind for an HPA to add up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock.domain.decisions import Outcome
from penstock.domain.variants import Actuation
from penstock.status.conditions import conditions
from penstock.status.summary import current_replicas

FAMILIES: Final = ("inferno", "wva")


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of one pass; for a counter, what is added."""

    metric: str
    labels: Mapping[str, str]
    value: float


def gauges(outcome: Outcome, controller_instance: str = "") -> list[Sample]:
    """Return every series of a variant; none for a number that is not known."""
    return [*_published(outcome, controller_instance), *_own(outcome)]


def scalings(outcome: Outcome, controller_instance: str = "") -> list[Sample]:
    """Return what to add to `…replica_scaling_total`: one for each decision that was handed over and moved."""
    decision = outcome.decision
    if decision.desired is None or decision.previous in {None, decision.desired} or not outcome.active.reason.active:
        return []
    up = decision.desired > (decision.previous or 0)
    labels = {
        "variant_name": decision.key.name,
        "namespace": decision.key.namespace,
        "direction": "up" if up else "down",
        "reason": decision.reason.value,
        **_instance(controller_instance),
    }
    return [Sample(f"{family}_replica_scaling_total", labels, 1.0) for family in FAMILIES]


def _published(outcome: Outcome, controller_instance: str) -> list[Sample]:
    """Return what HPA and KEDA act upon: nothing before a decision, nothing while we only recommend."""
    decision, current = outcome.decision, current_replicas(outcome)
    if decision.desired is None or decision.mode is Actuation.RECOMMEND:
        return []
    labels = {
        "variant_name": decision.key.name,
        "namespace": decision.key.namespace,
        "accelerator_type": decision.alloc.accelerator or "unknown",
        **_instance(controller_instance),
    }
    values = {"desired_replicas": float(decision.desired)}
    if current is not None:
        values |= {"current_replicas": float(current), "desired_ratio": decision.desired / (current or 1)}
    return [Sample(f"{family}_{name}", labels, value) for family in FAMILIES for name, value in values.items()]


def _own(outcome: Outcome) -> list[Sample]:
    decision, current = outcome.decision, current_replicas(outcome)
    labels = {"namespace": decision.key.namespace, "variant": decision.key.name, "model": decision.model}
    numbers = {
        "desired_replicas": decision.desired,
        "current_replicas": current,
        "ready_replicas": None if outcome.current is None else outcome.ready,
        "data_age_seconds": decision.data_age_s,
        "arrival_requests_per_second": decision.alloc.arrival_per_s,
        "need_requests_per_second": decision.need_per_s,
        "capacity_requests_per_second": decision.capacity_per_s,
        "capacity_error_ratio": decision.capacity_error_ratio,
        "cost_per_hour": _cost_per_h(outcome),
        "slo_attainment_ratio": outcome.learnt.attainment_ratio,
        "startup_seconds": outcome.learnt.startup_s,
    }
    known = [
        Sample(f"penstock_variant_{name}", labels, float(value)) for name, value in numbers.items() if value is not None
    ]
    return known + [
        Sample("penstock_variant_condition", {**labels, "type": row.type, "status": row.status}, 1.0)
        for row in conditions(outcome)
    ]


def _cost_per_h(outcome: Outcome) -> float | None:
    """Return what is paid for: a replica that finds no place costs nothing."""
    current, each = current_replicas(outcome), outcome.decision.alloc.cost_per_replica_per_h
    return None if current is None or each is None else max(current - outcome.stuck, 0) * each


def _instance(controller_instance: str) -> dict[str, str]:
    return {"controller_instance": controller_instance} if controller_instance else {}
