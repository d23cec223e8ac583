"""What a scrape shows: our names, the published workload names, and the Go pickers' names over the same numbers."""

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.domain.policies import Detector, Policy, QueueLimits, Saturation
from penstock.domain.reasons import RejectReason
from penstock.domain.requests import EndpointLoad, Request, WorkloadContext
from penstock.flow.actions import Dispatch, Reject
from penstock.flow.views import EndpointView, SchedulerView, WorkloadView
from penstock.ordering.score import Score
from penstock.router.counters import MOST_LABELS, Counters, Histogram
from penstock.router.listeners import FAMILIES
from penstock.router.metrics import Snapshot, exposition

Rows = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
CONTEXT = WorkloadContext("chat", 5, declared=True)


def dispatch(workload_id: str = "chat", endpoint: str = "10.0.0.1:8000", *, lane: bool = False) -> Dispatch:
    context = WorkloadContext(workload_id, 5)
    score = Score(criticality=5, own_wait_s=0.2, avg_wait_s=0, rate_per_s=0, normalized_wait=0, normalized_crit=1,
                  normalized_rate=0, final_score=0.4)  # fmt: skip
    return Dispatch(
        request=Request(ticket=1, request_id="r", context=context), context=context, endpoint=endpoint, fallbacks=(),
        score=score, queue_size_before=1, waited_s=0.2, lane=lane, generation=4,
    )  # fmt: skip


def reject(reason: RejectReason, waited_s: float) -> Reject:
    request = Request(ticket=1, request_id="r", context=CONTEXT)
    return Reject(request=request, context=CONTEXT, status=429, reason=reason, retry_after_s=1, message="",
                  waited_s=waited_s, generation=4)  # fmt: skip


def workload(workload_id: str, total: int = 1, tenant: str = "", active: int = 0) -> WorkloadView:
    return WorkloadView(
        tenant=tenant, workload_id=workload_id, active=active, total=total, rate_per_s=total / 60, avg_wait_s=0.5
    )


def endpoint(address: str, in_flight: int, limit: int, pod: str = "") -> EndpointView:
    return EndpointView(address=address, pod=pod, in_flight=in_flight, unanswered=0, foreign=0.0, limit=limit)


def snapshot(counters: Counters | None = None, **changes: object) -> Snapshot:
    view = SchedulerView(
        queue_size=6, queue_bytes=600, in_flight=3, credit=1, dispatch_per_s=1.0, starvation_bound_s=None,
        endpoints=(endpoint("10.0.0.1:8000", 2, 2, "chat-1"), endpoint("10.0.0.2:8000", 1, 2)),
    )  # fmt: skip
    queue = QueueLimits(max_requests=12, max_bytes=1000, saturation=Saturation(detector=Detector.UTILIZATION))
    fields: dict[str, object] = {
        "pool": "chat", "policy": Policy(queue=queue), "generation": 4, "policy_age_s": 9.5, "view": view,
        "workloads": (), "loads": {}, "stale_endpoints": 2, "counters": counters or Counters(), "dropped_facts": 3,
    }  # fmt: skip
    return Snapshot(**(fields | changes))  # type: ignore[arg-type]


def scraped(given: Snapshot) -> Rows:
    text = exposition(given, FAMILIES).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    rows = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(rows) == len(samples), "a series is there twice"
    return rows


def value(rows: Rows, name: str, /, **labels: str) -> float:
    return rows[name, frozenset(labels.items())]


def test_our_own_names() -> None:
    counters = Counters()
    counters.dispatch(dispatch(lane=True))
    counters.reject(reject(RejectReason.SATURATED, 0.0))
    counters.header_invalid["not-json"] += 2

    rows = scraped(snapshot(counters))

    assert value(rows, "penstock_router_policy_generation") == 4
    assert value(rows, "penstock_router_policy_age_seconds") == 9.5
    assert value(rows, "penstock_router_dispatch_total", generation="4") == 1
    assert value(rows, "penstock_router_queue_wait_seconds_bucket", criticality="5", le="0.25") == 1
    assert value(rows, "penstock_router_queue_wait_seconds_bucket", criticality="5", le="0.1") == 0
    assert value(rows, "penstock_router_queue_size") == 6
    assert value(rows, "penstock_router_queue_bytes") == 600
    assert value(rows, "penstock_router_credit") == 1
    assert value(rows, "penstock_router_rejected_total", reason="rejected-saturated", generation="4") == 1
    assert value(rows, "penstock_router_lane_picks_total", generation="4") == 1
    assert value(rows, "penstock_router_header_invalid_total", cause="not-json") == 2
    assert value(rows, "penstock_router_log_facts_dropped_total") == 3


def test_no_starvation_bound_is_no_series_and_a_bound_is_one() -> None:
    bare = scraped(snapshot())
    bounded = scraped(
        snapshot(view=SchedulerView(queue_size=0, queue_bytes=0, in_flight=0, credit=0, dispatch_per_s=1.0,
                                    starvation_bound_s=26.0, endpoints=()))
    )  # fmt: skip

    assert ("penstock_router_starvation_bound_seconds", frozenset()) not in bare
    assert value(bounded, "penstock_router_starvation_bound_seconds") == 26.0


def test_workload_names_add_up_tenants_and_keep_their_published_form() -> None:
    rows = scraped(snapshot(workloads=(workload("chat", 3, "a", 1), workload("chat", 4, "b", 2), workload("x"))))

    assert value(rows, "workload_active_requests", workload_id="chat") == 3
    assert value(rows, "workload_total_requests", workload_id="chat") == 7
    assert value(rows, "workload_request_rate", workload_id="x") == pytest.approx(1 / 60)
    assert value(rows, "workload_avg_wait_time", workload_id="x") == 0.5


@pytest.mark.unmeasured
def test_label_values_that_clients_choose_are_bounded() -> None:
    counters = Counters()
    for number in range(MOST_LABELS + 50):
        counters.dispatch(dispatch(f"w{number}", f"10.0.{number // 256}.{number % 256}:8000"))
    busy = [workload(f"w{number}", total=9) for number in range(MOST_LABELS)]
    many = (workload("rare", 1), *busy, workload("rarer", 1))

    rows = scraped(snapshot(counters, workloads=many))

    assert value(rows, "priority_score_distribution_count", workload_id="other") == 50
    assert value(rows, "workload_total_requests", workload_id="other") == 2
    assert len(counters.picks_by_endpoint) == MOST_LABELS + 1


@pytest.mark.parametrize("prefix", ["llm_d_epp_", "inference_extension_"])
def test_flow_control_of_the_go_pickers_under_both_prefixes(prefix: str) -> None:
    counters = Counters()
    counters.dispatch(dispatch())
    counters.reject(reject(RejectReason.TTL_EXPIRED, 60.0))
    counters.reject(reject(RejectReason.NO_ENDPOINTS, 0.0))
    counters.reject(reject(RejectReason.NO_ENDPOINTS, 9.0))
    counters.cancel()
    flow = {"fairness_id": "default-flow", "priority": "0", "inference_pool": "chat", "model_name": "",
            "target_model_name": ""}  # fmt: skip
    name = f"{prefix}flow_control_"

    rows = scraped(snapshot(counters))

    assert value(rows, f"{name}queue_size", **flow) == 6
    assert value(rows, f"{name}queue_bytes", **flow) == 600
    assert value(rows, f"{name}pool_saturation", inference_pool="chat", stage="effective") == 0.75
    assert value(rows, f"{name}request_queue_duration_seconds_count", outcome="EvictedTTL", **flow) == 1
    outcomes = {
        outcome: value(rows, f"{name}requests_total", outcome=outcome, priority="0", inference_pool="chat")
        for outcome in ("Dispatched", "EvictedTTL", "RejectedNoEndpoints", "EvictedNoEndpoints",
                        "EvictedContextCancelled")
    }  # fmt: skip
    assert set(outcomes.values()) == {1}


def test_capacity_attempts_and_requests_of_the_go_pickers() -> None:
    counters = Counters()
    counters.dispatch(dispatch())
    band = {"priority": "0", "inference_pool": "chat"}

    rows = scraped(snapshot(counters))

    assert value(rows, "llm_d_epp_flow_control_capacity_utilization_requests", **band) == 0.5
    assert value(rows, "llm_d_epp_flow_control_capacity_utilization_bytes", **band) == 0.6
    assert value(rows, "llm_d_epp_flow_control_stale_endpoints", detector="utilization-detector") == 2
    assert value(rows, "llm_d_epp_scheduler_attempts_total", status="success", target_model_name="",
                 endpoint_name="chat-1", namespace="", port="8000") == 1  # fmt: skip
    request = {"model_name": "", "target_model_name": "", "fairness_id": "default-flow", "priority": "0"}
    assert value(rows, "llm_d_epp_request_total", **request) == 7
    assert value(rows, "llm_d_epp_request_running", **request) == 3


def test_pool_means_come_from_the_endpoints_that_told_their_load() -> None:
    loads = {
        "10.0.0.1:8000": EndpointLoad(at_s=1, running=4, waiting=6, kv_usage_ratio=0.5),
        "10.0.0.2:8000": EndpointLoad(at_s=1, running=2, waiting=2, kv_usage_ratio=None),
    }

    rows = scraped(snapshot(loads=loads))

    assert value(rows, "llm_d_epp_average_queue_size", name="chat") == 4
    assert value(rows, "inference_pool_average_queue_size", name="chat") == 4
    assert value(rows, "inference_pool_average_kv_cache_utilization", name="chat") == 0.5
    assert value(rows, "llm_d_epp_std_dev_running_requests", name="chat") == 1
    assert value(rows, "inference_pool_ready_pods", name="chat") == 2
    assert value(rows, "inference_pool_per_pod_queue_size", name="chat", model_server_pod="chat-1") == 6


def test_a_pool_that_told_nothing_has_no_means() -> None:
    assert not [name for name, _ in scraped(snapshot()) if "average_" in name or "std_dev_" in name]


def test_an_empty_pool_is_saturated() -> None:
    view = SchedulerView(queue_size=0, queue_bytes=0, in_flight=0, credit=0, dispatch_per_s=0.0,
                         starvation_bound_s=None, endpoints=())  # fmt: skip

    rows = scraped(snapshot(view=view))

    assert value(rows, "llm_d_epp_flow_control_pool_saturation", inference_pool="chat", stage="effective") == 1


def test_a_copy_of_the_counters_no_longer_moves() -> None:
    counters = Counters()
    counters.dispatch(dispatch())
    copied = counters.copy()

    counters.dispatch(dispatch())
    counters.reject(reject(RejectReason.QUOTA, 0.0))

    assert dict(copied.dispatched) == {4: 1}
    assert (copied.scores["chat"].count, copied.decision.count, dict(copied.rejected)) == (1, 0, {})


def test_a_histogram_counts_what_equals_a_bound_below_it() -> None:
    values = Histogram((1.0, 2.0))

    for given in (0.5, 1.0, 1.5, 2.0, 99.0):
        values.observe(given)

    assert (values.buckets, values.count, values.total) == ([2, 2, 1], 5, 104.0)
