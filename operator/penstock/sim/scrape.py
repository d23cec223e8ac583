"""What a Prometheus makes of the fleet: rows as the operator's own queries would return them at scrape times.

Counters are read every `scrape_s`; a rate is what a counter grew by between the first and the last sample within the
window, as PromQL's `rate` extrapolates it, a slope the least-squares line over the same samples, as `deriv`; with
fewer than two samples the queries look four times as far back.
"""

from collections.abc import Callable, Iterable, Mapping, Reversible, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Final, TypeVar

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, PodMetrics, Scrape, ScrapeProblem, Spread
from penstock.domain.readings import ABSENT, Absent, Known, Reading
from penstock.domain.reasons import MetricsReason
from penstock.domain.slope import slope
from penstock.engine.scatter import scatter
from penstock.sim.balancer import Balancer
from penstock.sim.pools import Pool
from penstock.sim.replicas import BOUNDS, Replica, Stage, active
from penstock.sim.scene import Scene

NAMESPACE: Final = "sim"
_WIDER: Final = 4
_UNRATED: Final = Absent("one sample only, so there is no rate yet")
_GONE: Final = ScrapeProblem(
    reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="http://prometheus.monitoring.svc:9090", cause="timeout"
)
_T = TypeVar("_T")


@dataclass(slots=True)
class Scraper:
    """Scrapes every replica and the router; `scrape` and `inflow` are what a query answers until the next one."""

    scene: Scene
    pools: Sequence[Pool]
    balancer: Balancer
    chance: Random
    scrape: Scrape = field(default_factory=lambda: Scrape(at_s=0.0))
    inflow: Inflow | None = None
    _router: list[tuple[float, int, int]] = field(default_factory=list)

    def run(self, now_s: float) -> None:
        """Scrape, unless a fault keeps it from happening."""
        faults = self.scene.faults
        for pool in self.pools:
            for replica in pool.everything():
                if replica.outstanding:
                    self.balancer.catch_up(replica, now_s)
        stale = active(faults, "metrics-stale", now_s)
        if stale and self.chance.random() < stale.ratio:
            return
        gone = active(faults, "metrics-gone", now_s)
        if gone and not gone.variant:
            self.scrape, self.inflow = Scrape(at_s=now_s, problem=_GONE), None
            return
        self.scrape = Scrape(at_s=now_s, rows=tuple(self._rows(now_s)), spreads=self._spreads(now_s))
        self.inflow = self._inflow(now_s) if self.scene.router else None

    def _rows(self, now_s: float) -> Iterable[PodMetrics]:
        for replica in self._answering(now_s):
            replica.snapshots.append(replica.snapshot(now_s))
            yield self._row(replica, now_s)

    def _answering(self, now_s: float) -> Iterable[Replica]:
        for pool in self.pools:
            if not active(self.scene.faults, "metrics-gone", now_s, pool.spec.name):
                yield from (one for one in pool.everything() if one.stage in {Stage.READY, Stage.DRAINING})

    def _spreads(self, now_s: float) -> Mapping[ModelScope, Spread]:
        """Return how lengths scatter by the growth per second of all replicas' buckets."""
        ends = [
            (seen[0], seen[-1])
            for replica in self._answering(now_s)
            if len(seen := _within(replica.snapshots, lambda one: one.at_s, now_s, self.scene.window_s)) > 1
        ]
        prompts = [
            ((b - a) / (to.at_s - of.at_s) for a, b in zip(of.prompts, to.prompts, strict=True)) for of, to in ends
        ]
        answers = [
            ((b - a) / (to.at_s - of.at_s) for a, b in zip(of.answers, to.answers, strict=True)) for of, to in ends
        ]
        spread = Spread(input_cv=_scattered(prompts, now_s), output_cv=_scattered(answers, now_s))
        return {ModelScope(NAMESPACE, self.scene.model): spread}

    def _row(self, replica: Replica, now_s: float) -> PodMetrics:
        newest, *_ = reversed(replica.snapshots)
        seen = _within(replica.snapshots, lambda one: one.at_s, now_s, self.scene.window_s)
        first = seen[0]
        span_s = newest.at_s - first.at_s

        def mean(total: float, count: int) -> Reading:
            return Known(total / count, now_s) if count else ABSENT

        def now(value: float) -> Known:
            return Known(value, now_s)

        finished = newest.finished - first.finished
        capacity = replica.engine.kv_capacity_tokens
        return PodMetrics(
            namespace=NAMESPACE,
            pod=replica.name,
            model=self.scene.model,
            sampled_at_s=now_s,
            running=now(newest.running),
            waiting=now(newest.waiting),
            kv_usage_ratio=now(newest.kv_tokens / capacity if capacity else 0.0),
            completed_per_s=now(finished / span_s) if span_s else _UNRATED,
            backlog_growth_per_s=_slope([(one.at_s, one.running + one.waiting) for one in seen], now_s),
            input_tokens=mean(newest.input_tokens - first.input_tokens, finished),
            output_tokens=mean(newest.output_tokens - first.output_tokens, finished),
            ttft_s=mean(newest.ttft_s - first.ttft_s, newest.first_tokens - first.first_tokens),
            tpot_s=mean(newest.gap_s - first.gap_s, newest.gaps - first.gaps),
            prefill_s=mean(newest.prefill_s - first.prefill_s, newest.first_tokens - first.first_tokens),
            kv_capacity_tokens=now(capacity) if capacity else ABSENT,
        )

    def _inflow(self, now_s: float) -> Inflow:
        self._router.append((now_s, self.balancer.arrived, len(self.balancer.queue)))
        seen = _within(self._router, lambda one: one[0], now_s, self.scene.window_s)
        del self._router[: -max(len(seen), 2)]
        (then_s, before, _), (_, arrived, waiting) = seen[0], seen[-1]
        rated = now_s > then_s
        return Inflow(
            waiting=Known(waiting, now_s),
            growth_per_s=_slope([(one[0], one[2]) for one in seen], now_s),
            arrivals_per_s=Known((arrived - before) / (now_s - then_s), now_s) if rated else ABSENT,
        )


def _within(samples: Reversible[_T], time: Callable[[_T], float], now_s: float, window_s: float) -> list[_T]:
    """Return the samples within the window, the oldest first, or within four of them if there are fewer than two."""
    found: list[_T] = []
    for wide in (1, _WIDER):
        since_s = now_s - wide * window_s
        found = []
        for one in reversed(samples):  # in time order: what is older need not be looked at
            if time(one) <= since_s:
                break
            found.append(one)
        if len(found) > 1:
            break
    found.reverse()
    return found


def _scattered(grown: Sequence[Iterable[float]], now_s: float) -> Reading:
    """Return the scatter by what the buckets of each replica grew by."""
    totals = accumulate(map(sum, zip(*grown, strict=True)))
    found = scatter(dict(zip(BOUNDS, totals, strict=False)))
    return ABSENT if found is None else Known(found, now_s)


def _slope(points: Sequence[tuple[float, float]], now_s: float) -> Reading:
    found = slope(points)
    return ABSENT if found is None else Known(found, now_s)
