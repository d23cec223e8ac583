"""What the engines of one variant say: load, latency, and whether a decision may rest on it.

Every number is known or not; nothing that is absent, stale or impossible turns into a zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation, PodMetrics, Scrape, ScrapeProblem, Spread, Target
from penstock.domain.readings import known
from penstock.domain.reasons import MetricsReason, TargetReason
from penstock.domain.variants import Variant
from penstock.scaling.columns import Columns, are_plain, columns, mean, total
from penstock.scaling.join import Engine, Joined
from penstock.scaling.rows import Freshness, fault, freshness, never_counted, rate_per_s


class Gauges(NamedTuple):
    """How full one replica is: share of its KV cache, requests in line; None is unknown."""

    kv_ratio: float | None
    queue: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of one variant. None is unknown; rates per second, lengths in tokens, means over the scrape's window.

    `complete` says that every ready replica has fresh numbers: without it nothing may be lowered. `replicas` are those
    that the numbers speak for; `input_cv` and `output_cv`, how lengths scatter, are of the whole model.
    `sampled_at_s` is the newest sample of all, however old; `engines` are the fresh rows behind all this.
    """

    verdict: Verdict[MetricsReason]
    complete: bool = False
    gauges: tuple[Gauges, ...] = ()
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
    engines: tuple[Engine, ...] = ()


def load(variant: Variant, joined: Joined, observation: Observation, stale_after_s: float) -> Load:
    """Return the load of a variant from the rows that belong to it."""
    if observation.scrape.problem is not None:
        return Load(verdict=_broken(observation.scrape.problem))
    target = observation.targets.get(variant.key)
    if not joined.engines:
        silence = _silent(variant, joined, target)
        return Load(verdict=silence, complete=silence.reason is MetricsReason.NO_REPLICAS)
    rows = [engine.row for engine in joined.engines]
    now_s, times = observation.now_s, [row.sampled_at_s for row in rows]
    fresh, seen = joined.engines, columns(rows)
    if now_s - min(times) > stale_after_s or not are_plain(seen):  # something is amiss, so that each row is looked at
        states = [freshness(row, now_s=now_s, stale_after_s=stale_after_s) for row in rows]
        fresh = tuple([engine for engine, state in zip(fresh, states, strict=True) if state is Freshness.FRESH])
        if not fresh:
            return Load(verdict=_unusable(variant, rows, states), sampled_at_s=max(times))
        seen = columns([engine.row for engine in fresh])
    every = len(fresh) == len(rows) and _reporting(fresh) >= (target.ready if target else 0)
    return _measured(fresh, seen, _spread(variant, observation.scrape), sampled_at_s=max(times), every=every)


def _spread(variant: Variant, scrape: Scrape) -> Spread:
    """Return how the model's lengths scatter; series without a namespace label stand in."""
    scopes = (ModelScope(variant.key.namespace, variant.model), ModelScope("", variant.model))
    return next((scrape.spreads[scope] for scope in scopes if scope in scrape.spreads), Spread())


def _broken(problem: ScrapeProblem) -> Verdict[MetricsReason]:
    name = "url" if problem.reason is MetricsReason.PROMETHEUS_UNREACHABLE else "query"
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


def _measured(fresh: tuple[Engine, ...], seen: Columns, spread: Spread, *, sampled_at_s: float, every: bool) -> Load:
    """Add up what fresh rows say; `every` says that all ready replicas have one."""
    rows = [engine.row for engine in fresh]
    rates = seen.completed_per_s if None not in seen.completed_per_s else [rate_per_s(row) for row in rows]
    complete = every and None not in rates
    counted = [rate for rate in rates if rate is not None]
    weights = [rate or 0.0 for rate in rates]
    return Load(
        verdict=_available(rows, complete=complete),
        complete=complete,
        gauges=_gauges(fresh, seen),
        arrivals_per_s=max(sum(counted) + total(seen.backlog_growth_per_s), 0.0) if counted else None,
        waiting=total(seen.waiting),
        finished_per_s=sum(counted),
        input_tokens=mean(seen.input_tokens, weights),
        output_tokens=mean(seen.output_tokens, weights),
        input_cv=known(spread.input_cv),
        output_cv=known(spread.output_cv),
        ttft_s=mean(seen.ttft_s, weights),
        tpot_s=mean(seen.tpot_s, weights),
        prefill_s=mean(seen.prefill_s, weights),
        kv_capacity_tokens=mean(seen.kv_capacity_tokens, weights),
        replicas=_reporting(fresh),
        running=None if None in seen.running else total(seen.running),
        sampled_at_s=sampled_at_s,
        engines=fresh,
    )


def _available(rows: list[PodMetrics], *, complete: bool) -> Verdict[MetricsReason]:
    if not complete:
        return Verdict(MetricsReason.FOUND, {"partial": "some ready pods have no fresh series"})
    idle = all(never_counted(row) for row in rows)
    return Verdict(MetricsReason.NO_TRAFFIC if idle else MetricsReason.FOUND)


def _reporting(fresh: tuple[Engine, ...]) -> int:
    """Return how many replicas the rows speak for; several rows of one pod (one per engine) are one."""
    pods = {engine.row.pod for engine in fresh if engine.row.pod}
    return len(pods) or round(sum(engine.replicas for engine in fresh))


def _gauges(fresh: tuple[Engine, ...], seen: Columns) -> tuple[Gauges, ...]:
    """Return one for each replica that the rows speak for."""
    if {engine.replicas for engine in fresh} == {1.0}:
        return tuple(map(Gauges, seen.kv_usage_ratio, seen.waiting))
    return tuple(
        [
            Gauges(kv_ratio, None if line is None else line / engine.replicas)
            for engine, kv_ratio, line in zip(fresh, seen.kv_usage_ratio, seen.waiting, strict=True)
            for _ in range(max(round(engine.replicas), 1))
        ]
    )
