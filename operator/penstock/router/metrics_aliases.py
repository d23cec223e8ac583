"""The Go pickers' metric names over our numbers, so that their dashboards and scalers go on (llm-d-router, GIE).

What they count per flow and model stands under their default flow here, with no model: we do not read bodies for it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import fmean, pstdev
from typing import Final

from prometheus_client.core import Metric

from penstock import __version__
from penstock.router.counters import Counters
from penstock.router.metrics import Labels, Snapshot, counter, gauge, histogram

NEW: Final = "llm_d_epp_"
OLD: Final = "inference_extension_"
OLD_POOL: Final = "inference_pool_"
_FLOW: Final = ("fairness_id", "priority", "inference_pool", "model_name", "target_model_name")
_REQUEST: Final = ("model_name", "target_model_name", "fairness_id", "priority")
_NO_MODEL: Final = {"fairness_id": "default-flow", "priority": "0", "model_name": "", "target_model_name": ""}


def alias_families(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield every name that our numbers can serve; flow control and scheduler also under the older prefix."""
    for prefix in (NEW, OLD):
        yield from _flow(prefix, snapshot)
        yield from _scheduler(prefix, snapshot)
        yield gauge(f"{prefix}info", "Build.", [({"commit": "", "build_ref": f"penstock-{__version__}"}, 1)],
                    ("commit", "build_ref"))  # fmt: skip
    yield from _capacity(snapshot)
    yield from _requests(snapshot)
    yield from _pool(snapshot)


def _flow(prefix: str, snapshot: Snapshot) -> Iterator[Metric]:
    name, pool = f"{prefix}flow_control_", {"inference_pool": snapshot.pool}
    flow = _NO_MODEL | pool
    view, counted = snapshot.view, snapshot.counters
    yield gauge(f"{name}queue_size", "Requests that wait.", [(flow, view.queue_size)], _FLOW)
    yield gauge(f"{name}queue_bytes", "Bytes of requests that wait.", [(flow, view.queue_bytes)], _FLOW)
    yield histogram(f"{name}request_queue_duration_seconds", "Wait by outcome.",
                    [(flow | {"outcome": o}, h) for o, h in counted.waits_by_outcome.items()],
                    ("fairness_id", "priority", "outcome", *_FLOW[2:]))  # fmt: skip
    yield histogram(f"{name}dispatch_cycle_duration_seconds", "Time of one dispatch.", [({}, counted.decision)])
    saturation = saturation_ratio(snapshot)
    yield gauge(f"{name}pool_saturation", "In flight by what may be; 1 closes the gate.",
                [(pool | {"stage": stage}, saturation) for stage in ("decode", "effective")],
                ("inference_pool", "stage"))  # fmt: skip
    yield counter(f"{name}requests", "Requests by outcome.",
                  [(flow | {"outcome": o}, n) for o, n in _outcomes(counted).items()],
                  ("outcome", "priority", "inference_pool"))  # fmt: skip


def saturation_ratio(snapshot: Snapshot) -> float:
    """Return requests in flight by what the limits allow; 1 where nothing is allowed, as for an empty pool."""
    limit = sum(endpoint.limit for endpoint in snapshot.view.endpoints)
    in_flight = sum(endpoint.in_flight for endpoint in snapshot.view.endpoints)
    return max(1.0, float(in_flight)) if limit <= 0 else in_flight / limit


def _outcomes(counted: Counters) -> Mapping[str, int]:
    outcomes = {outcome: values.count for outcome, values in counted.waits_by_outcome.items()}
    return outcomes | {"EvictedContextCancelled": counted.cancelled}


def _scheduler(prefix: str, snapshot: Snapshot) -> Iterator[Metric]:
    yield histogram(f"{prefix}scheduler_e2e_duration_seconds", "Time of one pick.", [({}, snapshot.counters.decision)])
    pods = {endpoint.address: endpoint.pod for endpoint in snapshot.view.endpoints}
    rows = []
    for address, picks in snapshot.counters.picks_by_endpoint.items():
        where = {"endpoint_name": pods.get(address) or address, "namespace": "", "port": address.rpartition(":")[2]}
        rows.append(({"status": "success", "target_model_name": ""} | where, float(picks)))
    yield counter(f"{prefix}scheduler_attempts", "Picks.", rows,
                  ("status", "target_model_name", "endpoint_name", "namespace", "port"))  # fmt: skip


def _capacity(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield what has no name of old."""
    band = {"priority": "0", "inference_pool": snapshot.pool}
    queue, view = snapshot.policy.queue, snapshot.view
    name = f"{NEW}flow_control_capacity_utilization_"
    yield gauge(f"{name}requests", "Requests that wait by the limit.",
                [(band, view.queue_size / queue.max_requests)], tuple(band))  # fmt: skip
    yield gauge(f"{name}bytes", "Bytes of requests that wait by the limit.",
                [(band, view.queue_bytes / queue.max_bytes)], tuple(band))  # fmt: skip
    detector = f"{queue.saturation.detector.value.lower()}-detector"
    yield gauge(f"{NEW}flow_control_stale_endpoints", "Endpoints without fresh gauges.",
                [({"detector": detector}, snapshot.stale_endpoints)], ("detector",))  # fmt: skip


def _requests(snapshot: Snapshot) -> Iterator[Metric]:
    counted = snapshot.counters
    total = sum(_outcomes(counted).values()) + snapshot.view.queue_size
    yield counter(f"{NEW}request", "Requests.", [(_NO_MODEL, total)], _REQUEST)
    yield gauge(f"{NEW}request_running", "Requests in flight.", [(_NO_MODEL, snapshot.view.in_flight)], _REQUEST)
    by_status: defaultdict[str, int] = defaultdict(int)
    for (_, reason), count in counted.rejected.items():
        by_status[reason.value] += count
    yield counter(f"{NEW}request_error", "Requests refused.",
                  [(_NO_MODEL | {"error_code": reason}, count) for reason, count in by_status.items()],
                  (*_REQUEST, "error_code"))  # fmt: skip


def _pool(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield means and spreads over the endpoints that told their load; nothing where none did."""
    name: Labels = {"name": snapshot.pool}
    endpoints = snapshot.view.endpoints
    for full in (f"{NEW}ready_endpoints", f"{OLD_POOL}ready_pods"):
        yield gauge(full, "Ready endpoints.", [(name, len(endpoints))], ("name",))
    loads = [snapshot.loads[one.address] for one in endpoints if one.address in snapshot.loads]
    told = {
        "queue_size": [load.waiting for load in loads],
        "running_requests": [load.running for load in loads],
        "kv_cache_utilization": [load.kv_usage_ratio for load in loads if load.kv_usage_ratio is not None],
    }
    for what, values in told.items():
        if not values:
            continue
        for prefix in (NEW, OLD_POOL):
            yield gauge(f"{prefix}average_{what}", "Mean over endpoints.", [(name, fmean(values))], ("name",))
            yield gauge(f"{prefix}std_dev_{what}", "Spread over endpoints.", [(name, pstdev(values))], ("name",))
    rows = [(one, snapshot.loads[one.address].waiting) for one in endpoints if one.address in snapshot.loads]
    yield gauge(f"{NEW}per_endpoint_queue_size", "Requests waiting in the engine.",
                [({**name, "model_server_endpoint": one.pod or one.address}, waiting) for one, waiting in rows],
                ("name", "model_server_endpoint"))  # fmt: skip
    yield gauge(f"{OLD_POOL}per_pod_queue_size", "Requests waiting in the engine.",
                [({**name, "model_server_pod": one.pod or one.address}, waiting) for one, waiting in rows],
                ("name", "model_server_pod"))  # fmt: skip
