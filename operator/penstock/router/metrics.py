"""`/metrics`: plain counters become Prometheus families when somebody scrapes, in a thread beside the event loop."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from penstock.domain.policies import Policy
from penstock.domain.requests import OTHER_WORKLOAD, EndpointLoad
from penstock.flow.views import SchedulerView, WorkloadView
from penstock.router.counters import MOST_LABELS, Counters, Histogram

Labels = Mapping[str, str]
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_OURS: Final = "penstock_router_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that one scrape shows, taken at one moment on the event loop."""

    pool: str
    policy: Policy
    generation: int
    policy_age_s: float
    view: SchedulerView
    workloads: tuple[WorkloadView, ...]
    loads: Mapping[str, EndpointLoad]
    stale_endpoints: int
    counters: Counters
    dropped_facts: int


Families = Callable[[Snapshot], Iterable[Metric]]


class _Scrape:
    """What the exposition asks for families."""

    def __init__(self, snapshot: Snapshot, sources: Iterable[Families]) -> None:
        self._snapshot, self._sources = snapshot, sources

    def collect(self) -> Iterator[Metric]:
        for source in self._sources:
            yield from source(self._snapshot)


def exposition(snapshot: Snapshot, sources: Iterable[Families]) -> bytes:
    """Return the text of one scrape."""
    return generate_latest(_Scrape(snapshot, sources))


def gauge(name: str, text: str, rows: Iterable[tuple[Labels, float]], labels: tuple[str, ...] = ()) -> Metric:
    """Return a gauge."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for given, value in rows:
        family.add_metric([given[label] for label in labels], value)
    return family


def counter(name: str, text: str, rows: Iterable[tuple[Labels, float]], labels: tuple[str, ...] = ()) -> Metric:
    """Return a counter; `name` is without `_total`."""
    family = CounterMetricFamily(name, text, labels=labels)
    for given, value in rows:
        family.add_metric([given[label] for label in labels], value)
    return family


def histogram(name: str, text: str, rows: Iterable[tuple[Labels, Histogram]], labels: tuple[str, ...] = ()) -> Metric:
    """Return a histogram, with sum and count even where bounds are negative, as those of scores are."""
    family = Metric(name, text, "histogram")
    for given, values in rows:
        shown = {label: given[label] for label in labels}
        below = 0
        for bound, count in zip([*map(str, values.bounds), "+Inf"], values.buckets, strict=True):
            below += count
            family.add_sample(f"{name}_bucket", {**shown, "le": bound}, below)
        family.add_sample(f"{name}_count", shown, below)
        family.add_sample(f"{name}_sum", shown, values.total)
    return family


def router_families(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield `penstock_router_*`."""
    counted, view = snapshot.counters, snapshot.view
    yield gauge(_OURS + "policy_generation", "Generation of the policy in force; 0: none.", _one(snapshot.generation))
    yield gauge(_OURS + "policy_age_seconds", "Since when the policy is in force.", _one(snapshot.policy_age_s))
    yield counter(_OURS + "dispatch", "Requests sent to an endpoint.",
                  [({"generation": str(g)}, n) for g, n in counted.dispatched.items()], ("generation",))  # fmt: skip
    yield histogram(_OURS + "dispatch_seconds", "Our own time for one dispatch.", [({}, counted.decision)])
    yield histogram(_OURS + "queue_wait_seconds", "Wait of dispatched requests.",
                    [({"criticality": str(c)}, h) for c, h in counted.waits_by_criticality.items()],
                    ("criticality",))  # fmt: skip
    yield gauge(_OURS + "queue_size", "Requests that wait.", _one(view.queue_size))
    yield gauge(_OURS + "queue_bytes", "Bytes of requests that wait.", _one(view.queue_bytes))
    yield gauge(_OURS + "credit", "Requests that could be sent now.", _one(view.credit))
    yield counter(_OURS + "rejected", "Requests refused.",
                  [({"reason": r.value, "generation": str(g)}, n) for (g, r), n in counted.rejected.items()],
                  ("reason", "generation"))  # fmt: skip
    yield counter(_OURS + "lane_picks", "Dispatches of the oldest, whatever its score.",
                  [({"generation": str(g)}, n) for g, n in counted.lane_picks.items()], ("generation",))  # fmt: skip
    yield counter(_OURS + "header_invalid", "Headers that could not be used as they came.",
                  [({"cause": c}, n) for c, n in counted.header_invalid.items()], ("cause",))  # fmt: skip
    yield counter(_OURS + "log_facts_dropped", "Log lines lost to a slow reader.", _one(snapshot.dropped_facts))
    # known to be none: this version refuses policies of these two kinds
    yield counter(_OURS + "shadow_changed", "Dispatches that a shadow policy would change.", _one(0))
    yield gauge(_OURS + "programs", "Programs known.", _one(0))
    if view.starvation_bound_s is not None:
        yield gauge(_OURS + "starvation_bound_seconds", "Longest wait that the lane guarantees.",
                    _one(view.starvation_bound_s))  # fmt: skip


def workload_families(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield `workload_*` and the distribution of scores, by workload id; tenants of one id are added up."""
    rows = [({"workload_id": row.workload_id}, row) for row in _by_id(snapshot.workloads)]
    label = ("workload_id",)
    yield gauge("workload_active_requests", "Requests waiting or running.", [(w, r.active) for w, r in rows], label)
    yield gauge("workload_total_requests", "Requests since it was first seen.", [(w, r.total) for w, r in rows], label)
    yield gauge("workload_request_rate", "Requests per second over 60 s.", [(w, r.rate_per_s) for w, r in rows], label)
    yield gauge("workload_avg_wait_time", "Mean wait in seconds.", [(w, r.avg_wait_s) for w, r in rows], label)
    scores = snapshot.counters.scores.items()
    yield histogram("priority_score_distribution", "Scores of dispatched requests.",
                    [({"workload_id": name}, values) for name, values in scores], label)  # fmt: skip


def _by_id(workloads: Iterable[WorkloadView]) -> list[WorkloadView]:
    """Return one row for each id, the busiest thousand by name and the rest as `other`."""
    found: dict[str, WorkloadView] = {}
    for row in sorted(workloads, key=lambda row: -row.total):
        room = row.workload_id in found or len(found) < MOST_LABELS
        key = row.workload_id if room else OTHER_WORKLOAD
        known = found.get(key)
        found[key] = WorkloadView(
            tenant="",
            workload_id=key,
            active=row.active + (known.active if known else 0),
            total=row.total + (known.total if known else 0),
            rate_per_s=row.rate_per_s + (known.rate_per_s if known else 0.0),
            avg_wait_s=max(row.avg_wait_s, known.avg_wait_s if known else 0.0),
        )
    return list(found.values())


def _one(value: float) -> list[tuple[Labels, float]]:
    return [({}, value)]
