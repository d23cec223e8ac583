"""What one scaling pass sees: measurements, targets and configuration of one moment, as one immutable value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from penstock.domain.catalogue import Catalogue, ModelScope
from penstock.domain.readings import ABSENT, Reading, known
from penstock.domain.reasons import MetricsReason, TargetReason
from penstock.domain.variants import ObjectKey, TargetRef, Variant

Column = Sequence[float | None]
"""One series of several rows, in their order; None where it is unknown."""


class Columns(NamedTuple):
    """The readings of several `PodMetrics`, each as a column, in the order of their `numbers`."""

    running: Column
    waiting: Column
    kv_usage_ratio: Column
    completed_per_s: Column
    backlog_growth_per_s: Column
    input_tokens: Column
    output_tokens: Column
    ttft_s: Column
    tpot_s: Column
    prefill_s: Column
    kv_capacity_tokens: Column


_READINGS: Final = attrgetter(*Columns._fields)
_VALUES: Final = attrgetter(*[f"{name}.value" for name in Columns._fields])


@dataclass(frozen=True, slots=True, kw_only=True)
class PodMetrics:
    """One engine's series under one model name. `namespace` or `pod` is empty where the series has no such label.

    Rates and means are over the collector's window (1 min on a cluster); `completed_per_s` counts finished
    requests, `backlog_growth_per_s` is the slope of running plus waiting. `prefill_s` is the mean from a request's
    first step to its first token, `kv_capacity_tokens` what the KV cache holds. A counter that does not exist yet is
    absent.

    `numbers` are all readings in the order of `Columns`, None where one is not known. They are laid side by side once,
    when a row is made, since a decision reads ten thousand rows in a moment.
    """

    namespace: str
    pod: str
    model: str
    sampled_at_s: float
    running: Reading = ABSENT
    waiting: Reading = ABSENT
    kv_usage_ratio: Reading = ABSENT
    completed_per_s: Reading = ABSENT
    backlog_growth_per_s: Reading = ABSENT
    input_tokens: Reading = ABSENT
    output_tokens: Reading = ABSENT
    ttft_s: Reading = ABSENT
    tpot_s: Reading = ABSENT
    prefill_s: Reading = ABSENT
    kv_capacity_tokens: Reading = ABSENT
    numbers: tuple[float | None, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            numbers = _VALUES(self)
        except AttributeError:  # only what is known has a value
            numbers = tuple(map(known, _READINGS(self)))
        object.__setattr__(self, "numbers", numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inflow:
    """What routers or endpoint pickers see of one model's requests before any engine does.

    `waiting` requests are held back from the engines, and grow by `growth_per_s`; `arrivals_per_s` come in, over the
    collector's window. Absent where no router can tell.
    """

    waiting: Reading = ABSENT
    growth_per_s: Reading = ABSENT
    arrivals_per_s: Reading = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Coefficients of variation of one model's lengths over the collector's window; absent where no buckets tell."""

    input_cv: Reading = ABSENT
    output_cv: Reading = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeProblem:
    """Why a whole scrape failed; `reason` is PROMETHEUS_UNREACHABLE or PROMETHEUS_ERROR.

    `peer` is the URL without credentials, or the query's name; `cause` a short class such as `timeout`.
    """

    reason: MetricsReason
    peer: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """Everything one collection returned; `rows` is empty when `problem` is set.

    By namespace and model, `inflows` is what endpoint pickers count and `spreads` how lengths scatter. `durations_s`
    says how long each query took; it belongs to the collection, not to what was seen.
    """

    at_s: float
    rows: tuple[PodMetrics, ...] = ()
    problem: ScrapeProblem | None = None
    warnings: tuple[str, ...] = ()
    inflows: Mapping[ModelScope, Inflow] = field(default_factory=lambda: MappingProxyType({}))
    spreads: Mapping[ModelScope, Spread] = field(default_factory=lambda: MappingProxyType({}))
    durations_s: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}), compare=False)


@dataclass(frozen=True, slots=True)
class Scale:
    """One `/scale` as it was read: `selector` is a label selector in text form; uid and version are the object's."""

    replicas: int
    selector: str
    uid: str
    resource_version: str


@dataclass(frozen=True, slots=True, order=True)
class Birth:
    """One replica's start at Unix times: created, and Ready for the first time; None while it still starts."""

    created_at_s: float
    ready_at_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The scaled object as the cluster shows it. Counts are replicas (groups for a LeaderWorkerSet), never pods.

    `current` is `spec.replicas` of its scale; None when it could not be read. `pods` are the names of its live pods.
    `births` are the starts of its live replicas, in order. `max_batch` is how many requests its engine takes at a time,
    `token_budget` how many tokens in a step, where its command line says.
    `foreign_scaler` names an HPA or ScaledObject that sets the replicas without reading our gauges;
    `gauge_consumer` names one that reads them. `facts` carries what a message about a bad `state` needs.
    """

    ref: TargetRef
    state: TargetReason
    facts: Mapping[str, str]
    uid: str = ""
    current: int | None = None
    ready: int = 0
    starting: int = 0
    stuck: int = 0
    draining: int = 0
    pods: frozenset[str] = frozenset()
    ready_pods: int = 0
    births: tuple[Birth, ...] = ()
    accelerator: str | None = None
    accelerators_per_replica: int | None = None
    max_batch: int | None = None
    token_budget: int | None = None
    foreign_scaler: str | None = None
    gauge_consumer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that one pass may decide upon, at Unix time `now_s`; a variant without a target entry was not read."""

    now_s: float
    variants: tuple[Variant, ...]
    targets: Mapping[ObjectKey, Target]
    scrape: Scrape
    catalogue: Catalogue
    inflows: Mapping[ModelScope, Inflow] = field(default_factory=lambda: MappingProxyType({}))
