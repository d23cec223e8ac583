"""Status of a VariantAutoscaling. Every field is optional and has no least length: unknown is absent."""

from typing import Annotated

from pydantic import Field

from penstock.api.checked import Checked
from penstock.api.conditions import ConditionList

_Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_Count = Annotated[int, Field(ge=0)]


class TargetStatus(Checked):
    """The target in force."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None


class LoadStatus(Checked):
    """Load of the variant, mean over a minute, as decimal strings."""

    arrival_rate: str | None = None
    """Requests that arrive per minute."""
    avg_input_tokens: str | None = None
    """Tokens of a prompt."""
    avg_output_tokens: str | None = None
    """Tokens of an answer."""


class CurrentAllocStatus(Checked):
    """What runs now."""

    accelerator: str | None = None
    """Accelerator of a replica."""
    num_replicas: _Count | None = None
    """Replicas."""
    max_batch: _Count | None = None
    """Most requests in one batch of the engine."""
    variant_cost: str | None = None
    """Cost of all replicas per hour."""
    itl_average: str | None = None
    """Time between tokens in milliseconds."""
    ttft_average: str | None = None
    """Time to first token in milliseconds."""
    load: LoadStatus | None = None
    """Load."""


class DesiredAllocStatus(Checked):
    """What was decided."""

    num_replicas: _Count | None = None
    """Replicas; absent until the first decision, kept while holding."""
    accelerator: str | None = None
    """Accelerator of a replica."""
    last_run_time: _Time | None = None
    """When it was decided last."""


class ActuationStatus(Checked):
    """What became of the decision."""

    applied: bool | None = None
    """Whether the number was handed over."""
    mode: str | None = None
    """Scale, Metrics or Recommend: the mode in force."""


class ReplicasStatus(Checked):
    """Replicas by state; groups, not pods, for a LeaderWorkerSet."""

    current: _Count | None = None
    ready: _Count | None = None
    starting: _Count | None = None
    stuck: _Count | None = None
    draining: _Count | None = None


class SloStatus(Checked):
    """Targets in force."""

    ttft: str | None = None
    """Time to first token."""
    tpot: str | None = None
    """Mean time per output token."""
    attainment: str | None = None
    """Share of requests that must meet both."""
    source: str | None = None
    """Spec, ServiceClass or Default."""


class LearnedStatus(Checked):
    """What was measured."""

    requests_per_second: str | None = None
    """Rate of one replica within the SLO."""
    error: str | None = None
    """How far off what was expected of the engines has been of late."""
    startup_time: str | None = None
    """Time from start to first answer."""
    starts: _Count | None = None
    """Starts seen."""


class DecisionStatus(Checked):
    """The last decision that changed something."""

    id: str | None = None
    """Name of the decision record."""
    time: _Time | None = None
    """When."""
    reason: str | None = None
    """Why, as one word."""
    summary: Annotated[str, Field(max_length=256)] | None = None
    """Why, as a sentence."""


class VariantAutoscalingStatus(Checked):
    """What runs, what was decided, and why."""

    observed_generation: int | None = None
    """Generation of the spec that this status speaks of."""
    scale_target_ref: TargetStatus | None = None
    """The target in force, also where none was written."""
    current_alloc: CurrentAllocStatus | None = None
    """What runs now."""
    desired_optimized_alloc: DesiredAllocStatus | None = None
    """What was decided."""
    actuation: ActuationStatus | None = None
    """What became of the decision."""
    replicas: ReplicasStatus | None = None
    """Replicas by state."""
    slo: SloStatus | None = None
    """Targets in force."""
    learned: LearnedStatus | None = None
    """What was measured."""
    decision: DecisionStatus | None = None
    """The last decision that changed something."""
    unavailable_until: _Time | None = None
    """Until when this variant is not asked for more replicas, since some of it are stuck."""
    conditions: ConditionList | None = None
    """Ready, TargetResolved, MetricsAvailable, OptimizationReady, ScalingActive, ScalingLimited."""
