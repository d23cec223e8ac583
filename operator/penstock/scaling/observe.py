"""What the engines of one variant say: load, latency, and whether a decision may rest on it.

Every number is known or not; nothing that is absent, stale or impossible turns into a zero.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation, PodMetrics, Scrape, ScrapeProblem, Spread, Target
from penstock.domain.readings import Reading, known
from penstock.domain.reasons import MetricsReason, TargetReason
from penstock.domain.variants import Variant
from penstock.scaling.join import Engine, Joined
from penstock.scaling.rows import Freshness, fault, freshness, never_counted, rate_per_s


@dataclass(frozen=True, slots=True)
class Gauges:
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
    states = [
        (engine, freshness(engine.row, now_s=observation.now_s, stale_after_s=stale_after_s))
        for engine in joined.engines
    ]
    fresh = tuple(engine for engine, state in states if state is Freshness.FRESH)
    newest = max(engine.row.sampled_at_s for engine in joined.engines)
    if not fresh:
        return Load(verdict=_unusable(variant, states), sampled_at_s=newest)
    spread = _spread(variant, observation.scrape)
    return replace(
        _measured(fresh, every=len(fresh) == len(states), target=target),
        sampled_at_s=newest,
        input_cv=known(spread.input_cv),
        output_cv=known(spread.output_cv),
    )


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


def _unusable(variant: Variant, states: Iterable[tuple[Engine, Freshness]]) -> Verdict[MetricsReason]:
    """Say why none of a variant's rows may be decided upon; what is impossible weighs more than what is old."""
    states = tuple(states)
    for engine, state in states:
        found = fault(engine.row) if state is Freshness.INVALID else None
        if found is not None:
            return Verdict(MetricsReason.INVALID, {"series": found.series, "why": found.why})
    if any(state is Freshness.STALE for _, state in states):
        return Verdict(MetricsReason.STALE)
    return _missing(variant)


def _measured(fresh: tuple[Engine, ...], *, every: bool, target: Target | None) -> Load:
    rows = [engine.row for engine in fresh]
    rates = [rate_per_s(row) for row in rows]
    complete = every and None not in rates and _reporting(fresh) >= (target.ready if target else 0)
    counted = [rate for rate in rates if rate is not None]
    growth = sum(known(row.backlog_growth_per_s) or 0.0 for row in rows)
    return Load(
        verdict=_available(rows, complete=complete),
        complete=complete,
        gauges=tuple(gauges for engine in fresh for gauges in _gauges(engine)),
        arrivals_per_s=max(sum(counted) + growth, 0.0) if counted else None,
        waiting=sum(known(row.waiting) or 0.0 for row in rows),
        finished_per_s=sum(counted),
        input_tokens=_mean(rows, lambda row: row.input_tokens),
        output_tokens=_mean(rows, lambda row: row.output_tokens),
        ttft_s=_mean(rows, lambda row: row.ttft_s),
        tpot_s=_mean(rows, lambda row: row.tpot_s),
        prefill_s=_mean(rows, lambda row: row.prefill_s),
        kv_capacity_tokens=_mean(rows, lambda row: row.kv_capacity_tokens),
        replicas=_reporting(fresh),
        running=_sum(row.running for row in rows),
        engines=fresh,
    )


def _sum(readings: Iterable[Reading]) -> float | None:
    """Return the sum; None where one of them is unknown."""
    values = [known(each) for each in readings]
    return None if None in values else sum(value for value in values if value is not None)


def _available(rows: list[PodMetrics], *, complete: bool) -> Verdict[MetricsReason]:
    if not complete:
        return Verdict(MetricsReason.FOUND, {"partial": "some ready pods have no fresh series"})
    idle = all(never_counted(row) for row in rows)
    return Verdict(MetricsReason.NO_TRAFFIC if idle else MetricsReason.FOUND)


def _reporting(fresh: tuple[Engine, ...]) -> int:
    """Return how many replicas the rows speak for; several rows of one pod (one per engine) are one."""
    pods = {engine.row.pod for engine in fresh if engine.row.pod}
    return len(pods) or round(sum(engine.replicas for engine in fresh))


def _gauges(engine: Engine) -> tuple[Gauges, ...]:
    waiting = known(engine.row.waiting)
    each = Gauges(known(engine.row.kv_usage_ratio), None if waiting is None else waiting / engine.replicas)
    return (each,) * max(round(engine.replicas), 1)


def _mean(rows: Iterable[PodMetrics], value: Callable[[PodMetrics], Reading]) -> float | None:
    """Return the mean over finished requests; a plain one where none of the rows has finished any."""
    pairs = [(number, rate_per_s(row) or 0.0) for row in rows if (number := known(value(row))) is not None]
    if not pairs:
        return None
    weight = sum(rate for _, rate in pairs)
    if weight == 0:
        return sum(number for number, _ in pairs) / len(pairs)
    return sum(number * rate for number, rate in pairs) / weight
