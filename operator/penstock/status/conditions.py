"""The six conditions of a VariantAutoscaling from one outcome, folded into those that were there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from penstock.domain.decisions import Outcome, R, Verdict
from penstock.domain.reasons import ActiveReason, ConditionType, LimitReason, MetricsReason, TargetReason
from penstock.status.messages import message

_READY: Final = "Ready"
_READY_MESSAGE: Final = "Decided from fresh data and handed over."
_BAD_LIMITS: Final = frozenset({LimitReason.STUCK_PENDING, LimitReason.QUOTA})
_CHOSEN: Final = (ActiveReason.PAUSED, ActiveReason.RECOMMENDING)
_NORMAL: Final = (MetricsReason.NO_TRAFFIC, MetricsReason.NO_REPLICAS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One row; `is_bad` says that somebody should look, which the status alone does not tell."""

    type: str
    status: str
    reason: str
    message: str
    is_bad: bool = False


def conditions(outcome: Outcome) -> list[Condition]:
    """Return all six, `Ready` first: it repeats the first bad one of the others."""
    parts = _parts(outcome)
    bad = next((row for row in parts if row.is_bad), None)
    if bad is not None:
        ready = Condition(type=ConditionType.READY, status="False", reason=bad.reason, message=bad.message, is_bad=True)
        return [ready, *parts]
    reason, sentence = _ready(parts)
    return [Condition(type=ConditionType.READY, status="True", reason=reason, message=sentence), *parts]


def fold(
    previous: Iterable[Mapping[str, Any]], rows: Iterable[Condition], *, generation: int, now_s: float
) -> list[dict[str, Any]]:
    """Return the rows as they are written; a transition time moves only with its status."""
    before = {row.get("type"): row for row in previous}
    return [_written(row, before.get(row.type, {}), generation, now_s) for row in rows]


def timestamp(at_s: float) -> str:
    """Return Unix seconds as Kubernetes writes time."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(row: Condition, before: Mapping[str, Any], generation: int, now_s: float) -> dict[str, Any]:
    since = before.get("lastTransitionTime") if before.get("status") == row.status else None
    return {
        "type": str(row.type),
        "status": row.status,
        "reason": str(row.reason),
        "message": row.message,
        "observedGeneration": generation,
        "lastTransitionTime": since or timestamp(now_s),
    }


def _parts(outcome: Outcome) -> list[Condition]:
    """Return all but `Ready`, in the order in which it looks at them."""
    decision, active = outcome.decision, outcome.active
    ref = decision.target_ref
    around = {"kind": ref.kind, "name": ref.name, "namespace": decision.key.namespace}
    found = decision.target.reason is TargetReason.FOUND
    target = _row(ConditionType.TARGET_RESOLVED, decision.target, around, holds=found)
    unread = decision.target.reason is TargetReason.UNREADABLE
    limited, chosen = decision.limited.reason, active.reason in _CHOSEN
    return [
        replace(target, status="Unknown") if unread else target,
        _row(ConditionType.METRICS_AVAILABLE, decision.metrics, around, holds=decision.metrics.reason.available),
        _row(ConditionType.OPTIMIZATION_READY, decision.optimization, around, holds=decision.optimization.reason.ready),
        _row(ConditionType.SCALING_ACTIVE, active, around, holds=active.reason.active, fine=chosen),
        Condition(
            type=ConditionType.SCALING_LIMITED,
            status="False" if limited is LimitReason.WITHIN else "True",
            reason=limited,
            message=message(decision.limited, around),
            is_bad=limited in _BAD_LIMITS,
        ),
    ]


def _row(
    kind: ConditionType, verdict: Verdict[R], around: Mapping[str, str], *, holds: bool, fine: bool = False
) -> Condition:
    """Return one row; a condition that does not hold is bad unless its caller says that this is `fine`."""
    return Condition(
        type=kind,
        status="True" if holds else "False",
        reason=verdict.reason,
        message=message(verdict, around),
        is_bad=not (holds or fine),
    )


def _ready(parts: Iterable[Condition]) -> tuple[str, str]:
    """Return reason and sentence of a `Ready` that is True: what was chosen, what is normal, or just so."""
    by_reason = {row.reason: row for row in parts}
    for reason in (*_CHOSEN, *_NORMAL):
        if reason in by_reason:
            return reason, by_reason[reason].message
    return _READY, _READY_MESSAGE
