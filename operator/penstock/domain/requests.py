"""A request as the scheduler sees it, and the endpoints it may go to."""

from dataclasses import dataclass

DEFAULT_WORKLOAD = "default"
DEFAULT_CRITICALITY = 3
OTHER_WORKLOAD = "other"


@dataclass(frozen=True, slots=True)
class WorkloadContext:
    """Who asks and how urgently (1 to 5). `declared` is false where the client named no criticality."""

    workload_id: str = DEFAULT_WORKLOAD
    criticality: int = DEFAULT_CRITICALITY
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request on its way through the router.

    `ticket` is ours and unique in the process; `request_id` is the client's and may repeat. `ttl_s` can only shorten
    the policy's. `subset` limits the choice to these `ip:port`; None is no limit, empty admits none.
    """

    ticket: int
    request_id: str
    context: WorkloadContext
    tenant: str = ""
    size_bytes: int = 0
    ttl_s: float | None = None
    subset: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address that serves the model: `ip:port`, and the pod behind it (empty where unknown)."""

    address: str
    pod: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointLoad:
    """What an endpoint's own gauges said at `at_s` (seconds of the router's monotonic clock)."""

    at_s: float
    running: float
    waiting: float
    kv_usage_ratio: float | None = None
