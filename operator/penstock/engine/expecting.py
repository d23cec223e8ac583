"""What is expected of an engine by what is known of it: shape, capacity and how sure that is, time of a request."""

from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Final, NamedTuple

from penstock.domain.variants import Slo
from penstock.engine.capacity import Binding, Capacity, EngineShape, Lengths, capacity
from penstock.engine.kalman import unpacked, variance
from penstock.engine.learned import ENOUGH, SIZE, Learned, cost_of, sound
from penstock.engine.lengths import aged, law
from penstock.engine.predicting import Load, token_ms
from penstock.engine.priors import Prior, generic
from penstock.engine.samples import Sample, is_plausible, load_of, shown

_REFUSAL: Final = 0.05  # of a capacity's error, for each sample in a row that did not fit
_MOST_REFUSALS: Final = 10
_CAPACITY_MODEL: Final = 0.06
_MOST_STEEP: Final = 4.0
_FLAT: Final = 1.3


@dataclass(frozen=True, slots=True)
class Belief:
    """A capacity, and one standard deviation of it, relative."""

    capacity: Capacity
    error_ratio: float


class Spent(NamedTuple):
    """Milliseconds from a mean request's first step to its last token: expected of the engine, and measured."""

    expected_ms: float
    measured_ms: float


def shape(prior: Prior | None, learned: Learned | None, kv_tokens: float = 0.0) -> EngineShape | None:
    """Return the engine as it is taken for now; None while nothing is known. `kv_tokens` is what it says it holds."""
    if _is_unknown(prior, learned):
        return None
    base = prior or generic()
    cost = cost_of(base, sound(base, learned).logs)
    tokens = int(kv_tokens) if isfinite(kv_tokens) and kv_tokens > 0 else base.shape.kv_tokens
    return replace(base.shape, cost=cost, kv_tokens=tokens)


def believed(
    prior: Prior | None, learned: Learned | None, lengths: Lengths, slo: Slo, replicas: int = 1, kv_tokens: float = 0.0
) -> Belief | None:
    """Return what one replica serves within its targets, and how sure that is; None while nothing is known."""
    engine = shape(prior, learned, kv_tokens)
    if engine is None:
        return None
    seen = aged(lengths, learned.age_ratio if learned else 0.0)
    found = capacity(engine, seen, slo, replicas)
    return Belief(found, error_ratio(prior, learned, seen, found))


def error_ratio(prior: Prior | None, learned: Learned | None, lengths: Lengths, found: Capacity) -> float:
    """Return one standard deviation of a capacity, relative: the coefficients' and the model's own.

    A capacity bound by the time per token moves more than the coefficients do: at T of which T0 is there without load,
    by T/(T - T0). Samples that lately did not fit add to it.
    """
    base = prior or generic()
    known = sound(base, learned)
    engine = shape(base, known)
    if engine is None or found.per_s <= 0:
        return 1.0
    its = law(lengths)
    per_ms = found.per_s / 1000
    batch = max(found.concurrency, 1e-3)
    at = token_ms(engine.cost, Load(per_ms, batch / per_ms / its.decodes, its, engine.token_budget))
    idle = engine.cost.step_s(0, 0.0, 1, int(its.held)) * 1000
    steep = _FLAT
    if found.binding is Binding.TPOT:
        steep = min(at.ms / max(at.ms - idle, 1e-9), _MOST_STEEP)
    own = variance(unpacked(known.covariance, SIZE), at.weights)
    doubted = _REFUSAL * min(known.refused, _MOST_REFUSALS)
    return sqrt(_CAPACITY_MODEL**2 + steep**2 * own + doubted**2)


def spent(prior: Prior | None, learned: Learned | None, sample: Sample) -> Spent | None:
    """Return what was expected of the batch and the lengths of a sample before it teaches anything, and what it shows.

    By Little's law the rate of an engine with a given batch is inverse to that time. None where nothing was expected,
    or the sample makes no sense; one that is too unlikely to learn from counts.
    """
    if _is_unknown(prior, learned) or not is_plausible(sample):
        return None
    base = prior or generic()
    before = sound(base, learned)
    load = load_of(sample, base.shape, before.age_ratio)
    if load is None:
        return None
    cost, expected_ms, measured_ms = cost_of(base, before.logs), 0.0, 0.0
    for times, (predict, shown_ms, _) in zip((load.law.decodes, 1.0), shown(sample), strict=False):
        expected_ms += times * predict(cost, load).ms
        measured_ms += times * shown_ms
    return Spent(expected_ms, measured_ms)


def _is_unknown(prior: Prior | None, learned: Learned | None) -> bool:
    return prior is None and (learned is None or learned.samples < ENOUGH)
