"""What the engines of one variant say: load, latency, and whether a decision may rest on it.

Every number is known or not; nothing that is absent, stale or impossible turns into a zero.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from operator import attrgetter
from typing import Final, NamedTuple

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Verdict
from penstock.domain.observations import (
    Column,
    Columns,
    Observation,
    PodMetrics,
    Scrape,
    ScrapeProblem,
    Spread,
    Target,
)
from penstock.domain.readings import known
from penstock.domain.reasons import MetricsReason, TargetReason
from penstock.domain.variants import Variant
from penstock.scaling.columns import are_plain, columns, means, total, whole_sum
from penstock.scaling.join import Joined
from penstock.scaling.rows import Freshness, fault, freshness, never_counted, rate_per_s


class Gauges(NamedTuple):
    """How full one replica is: share of its KV cache, requests in line; None is unknown."""

    kv_ratio: float | None
    queue: float | None


_POD: Final = attrgetter("pod")
_SAMPLED_AT_S: Final = attrgetter("sampled_at_s")
_UNTOLD: Final = Spread()
_FOUND: Final = Verdict(MetricsReason.FOUND)


class Load(NamedTuple):
    """The load of one variant. None is unknown; rates per second, lengths in tokens, means over the scrape's window.

    `complete` says that every ready replica has fresh numbers: without it nothing may be lowered. `replicas` are those
    that the numbers speak for, `kv_ratios` and `queues` the `Gauges` of each; `input_cv` and `output_cv`, how lengths
    scatter, are of the whole model. `sampled_at_s` is the newest sample of all, however old; `rows` are the fresh ones
    behind all this, each for `replicas_each`.
    """

    verdict: Verdict[MetricsReason]
    complete: bool = False
    kv_ratios: Column = ()
    queues: Column = ()
    arrivals_per_s: float | None = None
    waiting: float = 0.0
    finished_per_s: float = 0.0
    input_tokens: float | None = None
    output_tokens: float | None = None
    input_cv: float | None = None
    output_cv: float | None = None
    ttft_s: float | None = None
    tpot_s: float | None = None
    prefill_s: float | None = None
    kv_capacity_tokens: float | None = None
    replicas: int = 0
    running: float | None = None
    sampled_at_s: float | None = None
    rows: tuple[PodMetrics, ...] = ()
    replicas_each: float = 1.0

    @property
    def gauges(self) -> tuple[Gauges, ...]:
        """How full each replica is that the numbers speak for."""
        return tuple(map(Gauges, self.kv_ratios, self.queues))


class _Fresh(NamedTuple):
    """Rows that may be decided upon, also as columns, and for how many replicas one of them, and they all, speak."""

    rows: tuple[PodMetrics, ...]
    seen: Columns
    each: float
    replicas: int


def load(variant: Variant, joined: Joined, observation: Observation, stale_after_s: float) -> Load:
    """Return the load of a variant from the rows that belong to it."""
    if observation.scrape.problem is not None:
        return Load(verdict=_broken(observation.scrape.problem))
    target = observation.targets.get(variant.key)
    if not joined.rows:
        silence = _silent(variant, joined, target)
        return Load(verdict=silence, complete=silence.reason is MetricsReason.NO_REPLICAS)
    rows, now_s = joined.rows, observation.now_s
    times = set(map(_SAMPLED_AT_S, rows))
    fresh, seen = rows, columns(rows)
    if now_s - min(times) > stale_after_s or not are_plain(seen):  # something is amiss, so that each row is looked at
        states = [freshness(row, now_s=now_s, stale_after_s=stale_after_s) for row in rows]
        fresh = tuple([row for row, state in zip(rows, states, strict=True) if state is Freshness.FRESH])
        if not fresh:
            return Load(verdict=_unusable(variant, rows, states), sampled_at_s=max(times))
        seen = columns(fresh)
    found = _Fresh(fresh, seen, joined.replicas, len(fresh) if joined.apart else _reporting(fresh, joined.replicas))
    every = len(fresh) == len(rows) and found.replicas >= (target.ready if target else 0)
    return _measured(found, _spread(variant, observation.scrape), sampled_at_s=max(times), every=every)


def _spread(variant: Variant, scrape: Scrape) -> Spread:
    """Return how the model's lengths scatter; series without a namespace label stand in."""
    if not scrape.spreads:
        return _UNTOLD
    scopes = (ModelScope(variant.key.namespace, variant.model), ModelScope("", variant.model))
    return next((scrape.spreads[scope] for scope in scopes if scope in scrape.spreads), _UNTOLD)


def _broken(problem: ScrapeProblem) -> Verdict[MetricsReason]:
    name = "url" if problem.reason is MetricsReason.PROMETHEUS_UNREACHABLE else "query"
    if name == "url" and "://" not in problem.peer:  # it is the setting that names none
        return Verdict(problem.reason, {"unset": problem.peer})
    return Verdict(problem.reason, {name: problem.peer, "error": problem.cause})


def _silent(variant: Variant, joined: Joined, target: Target | None) -> Verdict[MetricsReason]:
    """Say why a variant has no series at all."""
    if joined.other_models:
        nearest = get_close_matches(variant.model, joined.other_models, n=1, cutoff=0.0)[0]
        return Verdict(MetricsReason.MODEL_NAME_MISMATCH, {"nearest": nearest, "model": variant.model})
    if target is None or target.state is TargetReason.UNREADABLE or target.ready_pods > 0:
        return _missing(variant)
    return Verdict(MetricsReason.NO_REPLICAS)


def _missing(variant: Variant) -> Verdict[MetricsReason]:
    facts = {"model": variant.model, "namespace": variant.key.namespace, "name": variant.key.name}
    return Verdict(MetricsReason.MISSING, facts)


def _unusable(variant: Variant, rows: Iterable[PodMetrics], states: Sequence[Freshness]) -> Verdict[MetricsReason]:
    """Say why none of a variant's rows may be decided upon; what is impossible weighs more than what is old."""
    for row, state in zip(rows, states, strict=True):
        found = fault(row) if state is Freshness.INVALID else None
        if found is not None:
            return Verdict(MetricsReason.INVALID, {"series": found.series, "why": found.why})
    return Verdict(MetricsReason.STALE) if Freshness.STALE in states else _missing(variant)


def _measured(fresh: _Fresh, spread: Spread, *, sampled_at_s: float, every: bool) -> Load:
    """Add up what fresh rows say; `every` says that all ready replicas have one."""
    seen = fresh.seen
    finished, rates, counted = _finished(fresh)
    complete = every and counted == len(fresh.rows)
    idle = not finished and whole_sum(seen.completed_per_s) is None and all(map(never_counted, fresh.rows))
    kv_ratios, queues = _gauges(fresh)
    fed, made, ttft_s, tpot_s, prefill_s, held = means(seen, rates, finished)
    return Load(
        verdict=_available(complete=complete, idle=idle),
        complete=complete,
        kv_ratios=kv_ratios,
        queues=queues,
        arrivals_per_s=max(finished + total(seen.backlog_growth_per_s), 0.0) if counted else None,
        waiting=total(seen.waiting),
        finished_per_s=finished,
        input_tokens=fed,
        output_tokens=made,
        input_cv=known(spread.input_cv),
        output_cv=known(spread.output_cv),
        ttft_s=ttft_s,
        tpot_s=tpot_s,
        prefill_s=prefill_s,
        kv_capacity_tokens=held,
        replicas=fresh.replicas,
        running=whole_sum(seen.running),
        sampled_at_s=sampled_at_s,
        rows=fresh.rows,
        replicas_each=fresh.each,
    )


def _finished(fresh: _Fresh) -> tuple[float, Sequence[float], int]:
    """Return the requests finished per second, in all and by row, and how many rows know theirs."""
    column = fresh.seen.completed_per_s
    finished = whole_sum(column)
    if finished is not None:
        rates: Sequence[float] = column  # type: ignore[assignment]  # what has a sum is known
        return finished, rates, len(rates)
    found = [rate_per_s(row) for row in fresh.rows]
    rates = [rate or 0.0 for rate in found]
    return sum(rates), rates, len(found) - found.count(None)


def _available(*, complete: bool, idle: bool) -> Verdict[MetricsReason]:
    if not complete:
        return Verdict(MetricsReason.FOUND, {"partial": "some ready pods have no fresh series"})
    return Verdict(MetricsReason.NO_TRAFFIC) if idle else _FOUND


def _reporting(fresh: tuple[PodMetrics, ...], each: float) -> int:
    """Return how many replicas the rows speak for; several rows of one pod (one per engine) are one."""
    pods = set(map(_POD, fresh))
    return len(pods) - ("" in pods) or round(sum([each] * len(fresh)))


def _gauges(fresh: _Fresh) -> tuple[Column, Column]:
    """Return how full each replica is that the rows speak for: caches, and lines."""
    if fresh.each == 1.0:
        return fresh.seen.kv_usage_ratio, fresh.seen.waiting
    times = max(round(fresh.each), 1)
    lines = [None if line is None else line / fresh.each for line in fresh.seen.waiting]
    return _repeated(fresh.seen.kv_usage_ratio, times), _repeated(lines, times)


def _repeated(column: Column, times: int) -> Column:
    return [value for value in column for _ in range(times)]
