"""What one scaling pass decided about one variant, and everything that status, gauges, events and log tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from penstock.domain.reasons import (
    ActiveReason,
    DecisionReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    TargetReason,
)
from penstock.domain.variants import Actuation, ObjectKey, Slo, TargetRef

R = TypeVar("R", bound=StrEnum)

NO_FACTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Verdict(Generic[R]):
    """A reason and the facts that its sentence names (field values, object names; never live numbers)."""

    reason: R
    facts: Mapping[str, str] = field(default_factory=lambda: NO_FACTS)


class Allocation(NamedTuple):
    """What runs now; None is unknown. Money per hour, times in seconds, arrivals per second, means over one minute.

    `cost_per_h` is of the `replicas` that have a place: the others cost nothing.
    """

    accelerator: str | None = None
    replicas: int | None = None
    max_batch: int | None = None
    cost_per_h: float | None = None
    cost_per_replica_per_h: float | None = None
    itl_s: float | None = None
    ttft_s: float | None = None
    arrival_per_s: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Replicas of a model's variants that would serve the need, as (name, replicas), and what they cost per hour."""

    replicas: tuple[tuple[str, int], ...]
    cost_per_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """What led to a change, for people. Rates are requests per second of the whole model.

    Needed in `horizon_s` seconds: `arriving_per_s`, what a trend and room for more add to it, and `backlog_per_s` to
    work off the line; `held_per_s` is the most needed within the last `window_s` seconds. `samples` taught the
    variant's capacity. `candidates` begin with the one chosen; a cheaper one that was not found would save at most
    `gap_ratio` of its cost. `binds` names what kept the number from being another.
    The variant has `fewer` replicas once the need is below `below_per_s` for the window, and `more` once it is above
    `above_per_s`; None where no need would do that.
    """

    arriving_per_s: float
    trend_per_s: float
    burst_per_s: float
    backlog_per_s: float
    held_per_s: float
    horizon_s: float
    window_s: float
    samples: int = 0
    candidates: tuple[Candidate, ...] = ()
    gap_ratio: float = 0.0
    binds: str = ""
    below_per_s: float | None = None
    fewer: int | None = None
    above_per_s: float | None = None
    more: int | None = None


class Decision(NamedTuple):
    """One variant's outcome of one pass.

    `desired` is None until there was a first decision; while holding it repeats the last one. `previous` is what was
    desired before. `reason`, `summary`, `changed_at_s` and `record_id` belong to the last decision that changed
    something, `this_pass` to this one. `computed` says whether this pass computed a number (false: held).
    `decided_at_s` is when one was last computed. `need_per_s` and `capacity_per_s` explain it, where known;
    `capacity_error_ratio` is how far off the rate was on average that was expected of its engines with their batch, by
    what was then measured; `capacity_deviation_ratio` is one standard deviation of a learnt capacity, as the estimator
    reckons it. `data_age_s` is the age of the newest sample.
    `class_ref_unused`: `sloClassRef` names no class that lists the model.
    `reasoning` is there in passes that change the number of a variant whose capacity is known.
    """

    key: ObjectKey
    model: str
    generation: int
    target_ref: TargetRef
    mode: Actuation
    desired: int | None
    previous: int | None
    computed: bool
    reason: DecisionReason
    summary: str
    record_id: str
    changed_at_s: float
    decided_at_s: float
    target: Verdict[TargetReason]
    metrics: Verdict[MetricsReason]
    optimization: Verdict[OptimizationReason]
    limited: Verdict[LimitReason]
    active: Verdict[ActiveReason] | None  # set where the decision itself forbids acting: paused, foreign scaler, hold
    alloc: Allocation
    slo: Slo
    min_replicas: int
    max_replicas: int | None
    need_per_s: float | None = None
    capacity_per_s: float | None = None
    capacity_error_ratio: float | None = None
    capacity_deviation_ratio: float | None = None
    data_age_s: float | None = None
    this_pass: DecisionReason = DecisionReason.STEADY
    class_ref_unused: bool = False
    reasoning: Reasoning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What was measured of a variant so far; None is unknown.

    A start takes `startup_s`, by `starts` that were seen; no more replicas are asked for before `unavailable_until_s`
    (Unix time). `attainment_ratio` of its model's requests met its targets of late.
    """

    startup_s: float | None = None
    starts: int = 0
    unavailable_until_s: float | None = None
    attainment_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A decision after acting upon it: what was really handed over, the replica counts then, and what is measured."""

    decision: Decision
    active: Verdict[ActiveReason]
    current: int | None
    ready: int
    starting: int
    stuck: int
    draining: int
    learnt: Learnt = Learnt()
