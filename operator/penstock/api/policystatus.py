"""Status of a WorkloadPolicy: proof of what each router runs. Every field is optional: unknown is absent."""

from typing import Annotated

from pydantic import Field

from penstock.api.checked import Checked
from penstock.api.conditions import ConditionList

_Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class RouterStatus(Checked):
    """What one router pod runs."""

    pod: str
    """Name of the pod."""
    applied_generation: int | None = None
    """Generation of the policy that it runs."""
    hash: str | None = None
    """Hash of what it runs."""
    applied_at: _Time | None = None
    """Since when."""
    role: str | None = None
    """Stable, Canary or Shadow."""
    error: str | None = None
    """Why it does not run the right document."""


class WeightsStatus(Checked):
    """Weights in force."""

    wait_time: float | None = None
    criticality: float | None = None
    request_rate: float | None = None
    service: float | None = None


class EffectiveStatus(Checked):
    """What is in force after defaults."""

    ordering: str | None = None
    """Order of all queued requests."""
    weights: WeightsStatus | None = None
    """Weights of the score."""
    lane_share: str | None = None
    """Share of dispatches that goes to the oldest."""
    levels: int | None = None
    """Levels of attained service, in program orderings."""
    starvation_bound: str | None = None
    """Longest wait that the lane guarantees at the present rate, of the worst router; absent where there is none."""


class ComparedStatus(Checked):
    """One side of a comparison."""

    wait_p95: str | None = Field(None, alias="waitP95")
    """Wait that 95 of 100 requests did not exceed."""
    errors: str | None = None
    """Share of requests that failed."""


class RolloutStatus(Checked):
    """Where the rollout stands."""

    phase: str | None = None
    """Stable, Canary, Shadow or RolledBack."""
    stable_generation: int | None = None
    """Last good generation."""
    since: _Time | None = None
    """Begin of the comparison."""
    requests: int | None = None
    """Requests compared so far."""
    base: ComparedStatus | None = None
    """The last good generation."""
    canary: ComparedStatus | None = None
    """The new one."""


class WorkloadPolicyStatus(Checked):
    """What the routers run, and what that guarantees."""

    observed_generation: int | None = None
    """Generation of the spec that this status speaks of."""
    conditions: ConditionList | None = None
    """Accepted, Programmed, Degraded."""
    programmed: str | None = None
    """Ready router pods that run the right document, of all."""
    reason: str | None = None
    """Reason of Programmed, else of Accepted."""
    routers: (
        Annotated[
            list[RouterStatus],
            Field(
                max_length=100,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["pod"]},
            ),
        ]
        | None
    ) = None
    """What each router runs, those in error first."""
    effective: EffectiveStatus | None = None
    """What is in force after defaults."""
    rollout: RolloutStatus | None = None
    """Where the rollout stands."""
