"""A variant: one model on one accelerator at one parallelism, as its owner described it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class ObjectKey(NamedTuple):
    """Namespace and name of a namespaced object; sorts and prints as `namespace/name`.

    A tuple, since its hash is made without running Python: a large pass looks fifteen thousand of them up.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Actuation(StrEnum):
    """Who sets the replicas: we, through `/scale`; others, from our gauges; nobody."""

    SCALE = "Scale"
    METRICS = "Metrics"
    RECOMMEND = "Recommend"


class SloSource(StrEnum):
    """Where the targets in force come from (status.slo.source)."""

    SPEC = "Spec"
    SERVICE_CLASS = "ServiceClass"
    DEFAULT = "Default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """Service-level objective: share of requests (`attainment_ratio`) that must meet both latencies, in seconds."""

    ttft_s: float
    tpot_s: float
    attainment_ratio: float
    source: SloSource


@dataclass(frozen=True, slots=True, kw_only=True)
class SloOverride:
    """What `spec.slo` names; None means: take it from the service class or the operator's default."""

    ttft_s: float | None = None
    tpot_s: float | None = None
    attainment_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRef:
    """The object that is scaled."""

    api_version: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PerfProfile:
    """Linear latency model of one replica (WVA, October 2025): decode α + βn, prefill γ + δ·input·n, all in ms."""

    accelerator: str
    accelerators_per_replica: int
    max_batch: int
    alpha_ms: float
    beta_ms: float
    gamma_ms: float
    delta_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Bounds that hold while a cron window is open; `schedule` and `time_zone` as in CronJob."""

    name: str
    schedule: str
    duration_s: float
    time_zone: str
    min_replicas: int | None
    max_replicas: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One VariantAutoscaling, parsed. None means that its owner left the field out.

    `legacy_shape` is true for the October 2025 shape (no scaleTargetRef): only there the target becomes the owner.
    `created_at_s` (Unix seconds) decides which of two variants on one target is the older.
    `cost_per_replica_per_h` is `variantCost`, in whatever unit its owner uses.
    """

    key: ObjectKey
    uid: str
    generation: int
    created_at_s: float
    model: str
    target: TargetRef
    legacy_shape: bool
    controller_instance: str
    accelerator: str | None
    cost_per_replica_per_h: float | None
    min_replicas: int | None
    max_replicas: int | None
    slo: SloOverride
    slo_class_ref: ObjectKey | None  # (ConfigMap name, key), as in sloClassRef
    profiles: tuple[PerfProfile, ...]
    actuation: Actuation | None
    startup_time_s: float | None
    schedules: tuple[Schedule, ...]
    paused: bool
