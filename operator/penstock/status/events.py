"""Events of a VariantAutoscaling: one for each thing that changed since the status that the cluster holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.domain.decisions import Outcome
from penstock.domain.reasons import ActiveReason, ConditionType, DecisionReason, OptimizationReason
from penstock.domain.variants import Actuation
from penstock.status.conditions import Condition, conditions


@dataclass(frozen=True, slots=True)
class EventText:
    """What an event says; `type` is Normal or Warning."""

    type: str
    reason: str
    message: str


def events(previous_status: Mapping[str, Any], outcome: Outcome) -> list[EventText]:
    """Return what is worth telling; nothing changed, nothing told."""
    before = {row.get("type"): row for row in previous_status.get("conditions") or ()}
    rows = {row.type: row for row in conditions(outcome)}
    return [
        *_scaled(previous_status, outcome),
        *_mode_changed(previous_status, outcome),
        *_class_ref_unused(previous_status, outcome),
        *_recovered(before.get(ConditionType.METRICS_AVAILABLE), rows[ConditionType.METRICS_AVAILABLE]),
        *[EventText("Warning", row.reason, row.message) for row in rows.values() if _turned_bad(before, row, outcome)],
    ]


def _scaled(previous_status: Mapping[str, Any], outcome: Outcome) -> list[EventText]:
    decision, seen = outcome.decision, outcome.decision.alloc.replicas
    if not outcome.active.reason.active or decision.desired is None or seen == decision.desired:
        return []
    decided_now = decision.desired != _at(previous_status, "desiredOptimizedAlloc", "numReplicas")
    if decided_now:
        spilled = decision.reason is DecisionReason.SPILL
        return [EventText("Normal", "SpilledOver" if spilled else "Scaled", decision.summary)]
    if ActiveReason.DRAINING in {outcome.active.reason, _active_before(previous_status)}:
        return []  # told when it was decided
    handed_over = _at(previous_status, "actuation", "applied") is True
    if decision.mode is Actuation.METRICS and handed_over:
        return []
    return [EventText("Normal", "Scaled", f"{seen} -> {decision.desired}: the last decision still holds")]


def _active_before(previous_status: Mapping[str, Any]) -> object:
    rows = previous_status.get("conditions") or ()
    return next((row.get("reason") for row in rows if row.get("type") == ConditionType.SCALING_ACTIVE), None)


def _mode_changed(previous_status: Mapping[str, Any], outcome: Outcome) -> list[EventText]:
    before, now = _at(previous_status, "actuation", "mode"), outcome.decision.mode.value
    return [] if before in {None, now} else [EventText("Normal", "ModeChanged", f"{before} -> {now}")]


def _class_ref_unused(previous_status: Mapping[str, Any], outcome: Outcome) -> list[EventText]:
    """Return the warning once for each generation of the object: WVA never read the field, so it breaks nothing."""
    decision = outcome.decision
    if not decision.class_ref_unused or previous_status.get("observedGeneration") == decision.generation:
        return []
    sentence = f"spec.sloClassRef names no class that lists {decision.model}; the class of the highest priority counts."
    return [EventText("Warning", "SLOClassRefUnused", sentence)]


def _recovered(before: Mapping[str, Any] | None, now: Condition) -> list[EventText]:
    if before is None or before.get("status") != "False" or now.status != "True":
        return []
    return [EventText("Normal", "MetricsRecovered", now.message)]


def _turned_bad(before: Mapping[str, Mapping[str, Any]], row: Condition, outcome: Outcome) -> bool:
    """Whether a condition is bad for a reason that it did not have before and that no other condition tells."""
    if not row.is_bad or row.type == ConditionType.READY or _is_consequence(row, outcome):
        return False
    return before.get(row.type, {}).get("reason") != row.reason


def _is_consequence(row: Condition, outcome: Outcome) -> bool:
    """Whether another condition, which has its own event, is the cause."""
    if row.type == ConditionType.SCALING_ACTIVE:
        return row.reason == ActiveReason.HOLDING and "error" not in outcome.active.facts
    if row.reason == OptimizationReason.SKIPPED:
        return "target" in outcome.decision.optimization.facts
    return row.reason == OptimizationReason.METRICS_UNAVAILABLE


def _at(status: Mapping[str, Any], part: str, name: str) -> object:
    return (status.get(part) or {}).get(name)
