"""How things stand in a scheduler, as values: for metrics, the admin API and the operator's stream."""

from dataclasses import dataclass
from typing import Self

from penstock.flow.entry import Entry
from penstock.flow.server import Server
from penstock.ordering.score import Score
from penstock.programs.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """One endpoint: our requests in flight, those of others by its gauges, and the limit on ours."""

    address: str
    pod: str
    in_flight: int
    unanswered: int
    foreign: float
    limit: int

    @classmethod
    def of(cls, server: Server) -> Self:
        """Take it from the scheduler's own state."""
        return cls(
            address=server.address,
            pod=server.endpoint.pod,
            in_flight=server.in_flight,
            unanswered=server.unanswered,
            foreign=server.foreign,
            limit=server.limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadView:
    """One entry of the registry, this router alone; rate over the last 60 s, wait a decaying mean over dispatches."""

    tenant: str
    workload_id: str
    active: int
    total: int
    rate_per_s: float
    avg_wait_s: float

    @classmethod
    def of(cls, workload: Workload, now_s: float) -> Self:
        """Take it from an entry whose rate is brought forward."""
        return cls(
            tenant=workload.tenant,
            workload_id=workload.workload_id,
            active=workload.active,
            total=workload.total,
            rate_per_s=workload.own_rate_per_s,
            avg_wait_s=workload.own_wait_at(now_s),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedView:
    """One request that waits; `criticality` is the one in force, `score` None where the ordering has none."""

    request_id: str
    workload_id: str
    tenant: str
    criticality: int
    waited_s: float
    size_bytes: int
    score: Score | None

    @classmethod
    def of(cls, entry: Entry, score: Score | None, now_s: float) -> Self:
        """Take it from a request that waits."""
        return cls(
            request_id=entry.request.request_id,
            workload_id=entry.context.workload_id,
            tenant=entry.request.tenant,
            criticality=entry.context.criticality,
            waited_s=now_s - entry.arrived_s,
            size_bytes=entry.request.size_bytes,
            score=score,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerView:
    """All sums of one moment. `credit` is how many requests could go now; without a bound on starvation it is None.

    `arrivals_per_s` are over the last minute, or since the start; None in the first seconds.
    """

    queue_size: int
    queue_bytes: int
    in_flight: int
    credit: int
    dispatch_per_s: float
    starvation_bound_s: float | None
    endpoints: tuple[EndpointView, ...]
    arrivals_per_s: float | None = None
