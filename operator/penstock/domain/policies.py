"""How the requests of one pool are ordered and admitted: a WorkloadPolicy after defaults, as every router runs it."""

from dataclasses import dataclass
from enum import StrEnum


class Ordering(StrEnum):
    """Order of all queued requests; PLAS and ATLAS as in the Autellix paper (arXiv:2502.13965)."""

    WORKLOAD_AWARE = "WorkloadAware"
    FCFS = "FCFS"
    EDF = "EDF"
    SLO_DEADLINE = "SLODeadline"
    PLAS = "PLAS"
    ATLAS = "ATLAS"
    PROGRAM_FCFS = "ProgramFCFS"
    TURN = "Turn"
    HYBRID = "Hybrid"


PROGRAM_ORDERINGS = frozenset({Ordering.PLAS, Ordering.ATLAS, Ordering.PROGRAM_FCFS, Ordering.TURN, Ordering.HYBRID})


class Detector(StrEnum):
    """How a router knows that an endpoint is full."""

    LEARNED = "Learned"
    UTILIZATION = "Utilization"
    CONCURRENCY = "Concurrency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of w·W + c·C − r·R; plain numbers from 0 to 100. `service` counts in program orderings only."""

    wait_time: float = 0.4
    criticality: float = 0.4
    request_rate: float = 0.2
    service: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Norms:
    """Wait in seconds at which W is 1; requests per second at which R is one half."""

    max_wait_s: float = 60.0
    rate_half_per_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Limits of one workload rule per router; None is no limit. Above `queued`: 429; above `in_flight`: waits."""

    queued: int | None = None
    in_flight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRule:
    """What holds for one workload id, or for a prefix (`id` ends in `*`), of one tenant (empty: of any)."""

    id: str
    tenant: str = ""
    criticality: int | None = None
    max_criticality: int | None = None
    weights: Weights | None = None
    ordering: Ordering | None = None
    admission: str | None = None
    quota: Quota = Quota()


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """When an endpoint counts as full; only the detector's own fields are read. Limits are per endpoint."""

    detector: Detector = Detector.LEARNED
    max_concurrency: int = 100
    queue_depth: int = 5
    kv_usage_ratio: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """Bounds of the queue of one router, with and without a ready endpoint."""

    ttl_s: float = 60.0
    no_endpoint_ttl_s: float = 600.0
    max_requests: int = 5000
    max_bytes: int = 1 << 30
    saturation: Saturation = Saturation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """Program-level scheduling; carried to routers that can do it."""

    headers: tuple[str, ...]
    body_fields: tuple[str, ...]
    parent_headers: tuple[str, ...]
    idle_ttl_s: float
    max_programs: int
    levels: int
    admission: str
    locality: str
    engine_priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a router needs to order and admit requests; the defaults are the built-in policy."""

    ordering: Ordering = Ordering.WORKLOAD_AWARE
    weights: Weights = Weights()
    norms: Norms = Norms()
    lane_share_ratio: float = 0.0
    tenant_header: str = ""
    workloads: tuple[WorkloadRule, ...] = ()
    queue: QueueLimits = QueueLimits()
    programs: Programs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """What is PUT to a router. `uid`, `name`, `generation` say where it came from, empty and 0: defaults.

    `revision` only grows: the leader's term in the upper bits, a counter below.
    `hash` is over the policy alone: equal content, equal hash.
    """

    schema: int
    revision: int
    uid: str
    name: str
    generation: int
    hash: str
    policy: Policy
