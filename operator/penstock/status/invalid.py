"""Status of an object that cannot be read: what was decided before stays, and a condition says what to mend."""

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.errors import InvalidField
from penstock.domain.reasons import ConditionType, OptimizationReason
from penstock.status.conditions import Condition, fold
from penstock.status.events import EventText

_AFFECTED: Final = (ConditionType.READY, ConditionType.OPTIMIZATION_READY)


def invalid_status(
    error: InvalidField, generation: int, previous_status: Mapping[str, Any], now_s: float
) -> dict[str, Any]:
    """Return the whole status for server-side apply: two conditions turn False, the rest is as it was."""
    before = tuple(previous_status.get("conditions") or ())
    rows = {str(kind): _row(kind, error) for kind in _AFFECTED}
    kept = [dict(row) for row in before if row.get("type") not in rows]
    folded = fold(before, rows.values(), generation=generation, now_s=now_s)
    order = {str(kind): place for place, kind in enumerate(ConditionType)}
    conditions = sorted([*folded, *kept], key=lambda row: order.get(str(row["type"]), len(order)))
    return {**previous_status, "observedGeneration": generation, "conditions": conditions}


def invalid_events(error: InvalidField, previous_status: Mapping[str, Any]) -> list[EventText]:
    """Return one warning where the status did not tell this already."""
    row = _row(ConditionType.OPTIMIZATION_READY, error)
    before = {one.get("type"): one.get("message") for one in previous_status.get("conditions") or ()}
    return [] if before.get(row.type) == row.message else [EventText("Warning", row.reason, row.message)]


def _row(kind: ConditionType, error: InvalidField) -> Condition:
    reason = OptimizationReason.INVALID_CONFIGURATION
    return Condition(type=kind, status="False", reason=reason, message=f"{error}.", is_bad=True)
