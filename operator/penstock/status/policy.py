"""The status body of a WorkloadPolicy from one round of pushing."""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from penstock.domain.policies import PROGRAM_ORDERINGS, Policy
from penstock.domain.reasons import PolicyReason
from penstock.domain.rollouts import PolicyOutcome, RouterReport
from penstock.domain.units import format_duration, format_percent
from penstock.status.conditions import Condition, fold
from penstock.status.events import EventText
from penstock.status.messages import message

MOST_ROUTERS: Final = 100

_TRUE: Final = frozenset({PolicyReason.ACCEPTED, PolicyReason.PROGRAMMED, PolicyReason.PARTIALLY_PROGRAMMED})
_DEGRADED: Final = frozenset(
    {PolicyReason.ROLLED_BACK, PolicyReason.MIXED_ROUTER_VERSIONS, PolicyReason.ENGINE_PRIORITY_IGNORED}
)

_EVENTS: Final = {
    PolicyReason.PROGRAMMED: "Normal",
    PolicyReason.ROLLED_BACK: "Warning",
    PolicyReason.ROUTER_REJECTED: "Warning",
    PolicyReason.CONFLICTED: "Warning",
}


def policy_status(outcome: PolicyOutcome, previous_status: Mapping[str, Any], now_s: float) -> dict[str, Any]:
    """Return the whole status for server-side apply; transition times come from `previous_status`."""
    before, rows = previous_status.get("conditions") or (), policy_conditions(outcome)
    status: dict[str, Any] = {
        "observedGeneration": outcome.generation,
        "conditions": fold(before, rows, generation=outcome.generation, now_s=now_s),
        "reason": _foremost(outcome).value,
    }
    if outcome.programmed is not None:
        right = sum(router.is_right for router in outcome.routers)
        status["programmed"] = f"{right}/{len(outcome.routers)}"
        status["routers"] = [_router(router) for router in _worst_first(outcome.routers)]
    if outcome.effective is not None:
        status["effective"] = _effective(outcome.effective, outcome.starvation_bound_s)
    if outcome.stable_generation is not None:
        status["rollout"] = {"phase": "Stable", "stableGeneration": outcome.stable_generation}
    return status


def _foremost(outcome: PolicyOutcome) -> PolicyReason:
    """Return what the column tells: how far the policy got, unless it gets no farther for what is wrong with it."""
    accepted, programmed = outcome.accepted.reason, outcome.programmed.reason if outcome.programmed else None
    if programmed is None or (accepted is PolicyReason.INVALID and programmed is PolicyReason.RECONCILING):
        return accepted
    return programmed


def policy_conditions(outcome: PolicyOutcome) -> list[Condition]:
    """Return Accepted, Programmed (only of a policy that has its routers) and Degraded."""
    around = {"policy": outcome.key.name, "namespace": outcome.key.namespace}
    verdicts = {"Accepted": outcome.accepted, "Programmed": outcome.programmed, "Degraded": outcome.degraded}
    return [
        Condition(
            type=kind,
            status="True" if verdict.reason in _TRUE | _DEGRADED else "False",
            reason=verdict.reason,
            message=message(verdict, around),
            is_bad=verdict.reason not in _TRUE | {PolicyReason.AS_EXPECTED},
        )
        for kind, verdict in verdicts.items()
        if verdict is not None
    ]


def policy_events(previous_status: Mapping[str, Any], outcome: PolicyOutcome) -> list[EventText]:
    """Return what is worth telling: each reason once, when it begins to hold for a generation."""
    before = {row.get("type"): row for row in previous_status.get("conditions") or ()}
    return [
        EventText(_EVENTS[PolicyReason(row.reason)], row.reason, row.message)
        for row in policy_conditions(outcome)
        if row.reason in _EVENTS and _begins(before.get(row.type, {}), row, outcome.generation)
    ]


def _begins(before: Mapping[str, Any], row: Condition, generation: int) -> bool:
    return (before.get("reason"), before.get("observedGeneration")) != (row.reason, generation)


def _worst_first(routers: tuple[RouterReport, ...]) -> list[RouterReport]:
    return sorted(routers, key=lambda router: (router.error is None, router.pod))[:MOST_ROUTERS]


def _router(router: RouterReport) -> dict[str, Any]:
    fields = {
        "pod": router.pod,
        "appliedGeneration": router.generation,
        "hash": router.hash,
        "appliedAt": router.applied_at,
        "role": router.role,
        "error": router.error,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _effective(policy: Policy, starvation_bound_s: float | None) -> dict[str, Any]:
    """Return what is in force after defaults; what only program orderings read is left out elsewhere."""
    weights = {
        "waitTime": policy.weights.wait_time,
        "criticality": policy.weights.criticality,
        "requestRate": policy.weights.request_rate,
    }
    by_program = policy.ordering in PROGRAM_ORDERINGS
    found: dict[str, Any] = {
        "ordering": policy.ordering.value,
        "weights": weights | ({"service": policy.weights.service} if by_program else {}),
        "laneShare": format_percent(policy.lane_share_ratio),
    }
    if by_program and policy.programs is not None:
        found["levels"] = policy.programs.levels
    if starvation_bound_s is not None:
        found["starvationBound"] = format_duration(ceil(starvation_bound_s))
    return found
