"""What the admin API shows of a router, as JSON values."""

from collections.abc import Iterator
from typing import Any

from penstock.api.document import encode
from penstock.domain.requests import EndpointLoad
from penstock.flow.actions import Dispatch, Reject
from penstock.flow.views import EndpointView, QueuedView, SchedulerView, WorkloadView
from penstock.ordering.score import Score
from penstock.router.admin_errors import acknowledgement
from penstock.router.sources import Scope
from penstock.router.state import InForce
from penstock.router.times import rfc3339

Json = dict[str, Any]


def policy(in_force: InForce) -> Json:
    """Return the whole document in force with its acknowledgement and source."""
    return encode(in_force.document) | acknowledgement(in_force) | {"source": in_force.source.value}


def policy_event(in_force: InForce) -> Json:
    """Return what the operator's stream tells of a policy."""
    return {"type": "policy", **acknowledgement(in_force), "source": in_force.source.value}


def queued_event(view: SchedulerView, endpoints: int, scope: Scope | None) -> Json:
    """Return what the operator's stream tells of what comes in (requests per second, over a minute) and waits."""
    event: Json = {"type": "queued", "requests": view.queue_size, "bytes": view.queue_bytes, "endpoints": endpoints}
    event |= {} if view.arrivals_per_s is None else {"arrivals": view.arrivals_per_s}
    return event | ({} if scope is None else {"namespace": scope.namespace, "selector": scope.selector})


def endpoint(view: EndpointView, load: EndpointLoad | None) -> Json:
    """Return one endpoint; gauges only where it told them."""
    row: Json = {
        "address": view.address,
        "pod": view.pod,
        "inFlight": view.in_flight,
        "foreign": view.foreign,
        "limit": view.limit,
    }
    if load is not None:
        row |= {"running": load.running, "waiting": load.waiting}
        row |= {} if load.kv_usage_ratio is None else {"kvUsage": load.kv_usage_ratio}
    return row


def workload(view: WorkloadView) -> Json:
    """Return one workload; the rate is in requests per second, the wait in seconds."""
    return {
        "id": view.workload_id,
        "tenant": view.tenant,
        "active": view.active,
        "total": view.total,
        "rate": view.rate_per_s,
        "wait": view.avg_wait_s,
    }


def queued(view: QueuedView) -> Json:
    """Return one request that waits."""
    row: Json = {
        "requestId": view.request_id,
        "workloadId": view.workload_id,
        "tenant": view.tenant,
        "criticality": view.criticality,
        "waited": view.waited_s,
        "bytes": view.size_bytes,
    }
    return row | ({} if view.score is None else {"score": score(view.score)})


def decisions(kept: Iterator[tuple[float, Dispatch | Reject]], request_id: str) -> Iterator[Json]:
    """Yield decisions as they were kept, with their Unix time; only those of one request id where one is given."""
    for wall_s, action in kept:
        if not request_id or action.request.request_id == request_id:
            yield _decision(wall_s, action)


def _decision(wall_s: float, action: Dispatch | Reject) -> Json:
    row: Json = {
        "time": rfc3339(wall_s),
        "requestId": action.request.request_id,
        "workloadId": action.context.workload_id,
        "criticality": action.context.criticality,
        "policyGeneration": action.generation,
        "waited": action.waited_s,
    }
    if isinstance(action, Reject):
        return row | {"outcome": "Rejected", "reason": action.reason.value, "status": action.status}
    row |= {
        "outcome": "Dispatched",
        "endpoint": action.endpoint,
        "fallbacks": list(action.fallbacks),
        "queueSizeBefore": action.queue_size_before,
        "lane": action.lane,
    }
    return row | ({} if action.score is None else {"score": score(action.score)})


def score(given: Score) -> Json:
    """Return a score and its components, under the keys of the log line."""
    return {
        "criticality": given.criticality,
        "own_wait_sec": given.own_wait_s,
        "avg_wait_time_sec": given.avg_wait_s,
        "request_rate": given.rate_per_s,
        "normalized_wait": given.normalized_wait,
        "normalized_crit": given.normalized_crit,
        "normalized_rate": given.normalized_rate,
        "final_score": given.final_score,
    }
