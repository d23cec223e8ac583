"""Learn an engine's step cost from what it serves: an extended Kalman filter over the logarithms of its coefficients.

Each sample of ordinary series (mean time per token, mean prompt time, at a known rate and known lengths) weighs the
six coefficients as `predicting` says. A sample that does not fit (normalised innovation squared above 7.378, the 97.5 %
point of χ² with two degrees of freedom, as in WVA's tuner) is refused; where it goes on like that, the past is
doubted. Old samples fade. No coefficient leaves its prior by more than the prior's bound.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, isfinite, log, sqrt
from typing import Final, NamedTuple

from penstock.domain.variants import Slo
from penstock.engine.capacity import Binding, Capacity, EngineShape, Lengths, capacity
from penstock.engine.kalman import Matrix, packed, unpacked, update, variance, widened
from penstock.engine.lengths import aged, law
from penstock.engine.predicting import Load, Prediction, prompt_ms, token_ms
from penstock.engine.priors import Doubt, Prior, generic
from penstock.engine.steptime import StepCost

ENOUGH: Final = 5
"""Samples without which an engine of which nothing was known is not spoken of."""
LEAST_REQUESTS: Final = 1.0
"""Requests that a sample must stand for; the fewer, the less it weighs."""

_SIZE: Final = 6
_DECODE: Final = (0, 1, 2)
_PROMPT: Final = (3, 4, 5)
_GATE: Final = 7.378
_DOUBTED_AFTER: Final = 3
_REFUSAL: Final = 0.05  # of a capacity's error, for each sample in a row that did not fit
_MOST_REFUSALS: Final = 10
_DRIFT: Final = 1e-4  # variance per sample: a tenth in a hundred samples
_MOST_VARIANCE: Final = 1.0
_TOKEN_MODEL, _PROMPT_MODEL = 0.04, 0.08  # how far the predictions are off by themselves
_TOKEN_CHANCE, _PROMPT_CHANCE = 0.5, 1.0  # deviation of one request's mean over the mean
_CAPACITY_MODEL: Final = 0.06
_MOST_STEEP: Final = 4.0
_FLAT: Final = 1.3
_IMPLAUSIBLE_BATCH: Final = 1.5
_TELLING: Final = 0.5
_LEAST_AGE, _MOST_AGE = 0.5, 8.0
_AGE_MEMORY: Final = 30
_FILLING: Final = 10  # samples for which engines may still be filling with answers of minutes
_LEAST, _MOST = 1e-6, 1e7  # beyond them nothing is a measurement; comparisons with NaN are false

_DRIFTED: Final = [[_DRIFT if i == j else 0.0 for j in range(_SIZE)] for i in range(_SIZE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one replica, or the mean of several, showed over a while that no other sample covers.

    `requests` is how many finished in it, over all replicas; `prefill_s` the mean time from first step to first token;
    `cached_tokens` how many one replica's KV cache holds, and `running` how many requests are in its batch, on average
    at the same instant; the coefficients of variation are `Lengths`'.
    """

    rate_per_s: float
    input_tokens: float
    output_tokens: float
    tpot_s: float
    prefill_s: float | None = None
    requests: float = 30.0
    cached_tokens: float | None = None
    input_cv: float | None = None
    output_cv: float | None = None
    running: float | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """Logarithms of the coefficients over the prior's, the lower triangle of their covariance, and counts.

    `samples` were taken, `refused` is how many in a row were not, now. `age_ratio` is that of `lengths.aged`, 0 while
    unknown.
    """

    logs: tuple[float, ...]
    covariance: tuple[float, ...]
    samples: int = 0
    refused: int = 0
    age_ratio: float = 0.0


class Spent(NamedTuple):
    """Milliseconds from a mean request's first step to its last token: expected of the engine, and measured."""

    expected_ms: float
    measured_ms: float


@dataclass(frozen=True, slots=True)
class Belief:
    """A capacity, and one standard deviation of it, relative."""

    capacity: Capacity
    error_ratio: float


def learn(prior: Prior | None, learned: Learned | None, sample: Sample) -> Learned:
    """Return what is known after a sample; unusable and unlikely ones change next to nothing."""
    base = prior or generic()
    before = _sound(base, learned)
    if not _is_plausible(sample):
        return before
    before = replace(before, age_ratio=_age_ratio(before, sample))
    load = _load(base, before, sample)
    if load is None:
        return before
    logs, matrix = list(before.logs), _faded(base, before)
    surprise = 0.0
    for predict, shown_ms, noise in _shown(sample):
        found = predict(_cost(base, logs), load)
        surprise += update(logs, matrix, found.weights, log(shown_ms / found.ms), noise)
    if surprise > _GATE:
        return _refusing(base, before)
    edge = log(base.bound)
    bounded = tuple(min(max(value, -edge), edge) for value in logs)
    if not all(map(isfinite, bounded)):
        return before
    return Learned(bounded, packed(matrix), before.samples + 1, 0, before.age_ratio)


def spent(prior: Prior | None, learned: Learned | None, sample: Sample) -> Spent | None:
    """Return what was expected of the batch and the lengths of a sample before it teaches anything, and what it shows.

    By Little's law the rate of an engine with a given batch is inverse to that time. None where nothing was expected,
    or the sample makes no sense; one that is too unlikely to learn from counts.
    """
    if (prior is None and (learned is None or learned.samples < ENOUGH)) or not _is_plausible(sample):
        return None
    base = prior or generic()
    before = _sound(base, learned)
    load = _load(base, before, sample)
    if load is None:
        return None
    cost, expected_ms, measured_ms = _cost(base, before.logs), 0.0, 0.0
    for times, (predict, shown_ms, _) in zip((load.law.decodes, 1.0), _shown(sample), strict=False):
        expected_ms += times * predict(cost, load).ms
        measured_ms += times * shown_ms
    return Spent(expected_ms, measured_ms)


def shape(prior: Prior | None, learned: Learned | None, kv_tokens: float = 0.0) -> EngineShape | None:
    """Return the engine as it is taken for now; None while nothing is known. `kv_tokens` is what it says it holds."""
    if prior is None and (learned is None or learned.samples < ENOUGH):
        return None
    base = prior or generic()
    cost = _cost(base, _sound(base, learned).logs)
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
    known = _sound(base, learned)
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
    own = variance(unpacked(known.covariance, _SIZE), at.weights)
    doubted = _REFUSAL * min(known.refused, _MOST_REFUSALS)
    return sqrt(_CAPACITY_MODEL**2 + steep**2 * own + doubted**2)


def _sound(base: Prior, learned: Learned | None) -> Learned:
    if learned is not None and len(learned.logs) == _SIZE and len(learned.covariance) == _SIZE * (_SIZE + 1) // 2:
        return learned
    return Learned((0.0,) * _SIZE, packed(_supposed(base.doubt)))


def _is_plausible(sample: Sample) -> bool:
    """Whether the sample makes sense and stands for enough requests."""
    values = (sample.rate_per_s, sample.input_tokens, sample.output_tokens, sample.tpot_s, sample.requests)
    if not all(_LEAST < value < _MOST for value in values):
        return False
    return sample.requests >= LEAST_REQUESTS and sample.output_tokens >= 2 and sample.input_tokens >= 1


def _age_ratio(before: Learned, sample: Sample) -> float:
    """Return the mean over the samples; short answers cannot be told from the scatter of their prompts."""
    cached, fed, made = sample.cached_tokens, sample.input_tokens, sample.output_tokens
    fed_now = sample.rate_per_s * (sample.prefill_s or 0.0)
    batch = _decoding(before, sample, fed_now)
    if cached is None or not 0 < cached < _MOST or made < _TELLING * fed or batch < 1:
        return before.age_ratio
    held = (cached - fed_now * fed / 2) / batch
    shown = min(max((held - fed) / made, _LEAST_AGE), _MOST_AGE)
    if not before.age_ratio:
        return shown
    return before.age_ratio + (shown - before.age_ratio) / min(before.samples + 2, _AGE_MEMORY)


def _decoding(before: Learned, sample: Sample, prefilling: float) -> float:
    """Return how many sequences decode: those that were counted together with what they hold.

    At first by Little's law from those that finish: engines that fill run more than finish, and younger ones than they
    will, so that long answers would be found out only when the cache is full of them.
    """
    running = sample.running
    if running is None or not 0 <= running < _MOST or before.samples < _FILLING:
        return sample.rate_per_s * sample.output_tokens * sample.tpot_s
    return running - prefilling


def _load(base: Prior, before: Learned, sample: Sample) -> Load | None:
    """Return what the sample worked on; None where more are in the batch than it has places for."""
    lengths = Lengths(
        input_tokens=sample.input_tokens,
        output_tokens=sample.output_tokens,
        input_cv=sample.input_cv,
        output_cv=sample.output_cv,
    )
    its = law(aged(lengths, before.age_ratio))
    load = Load(sample.rate_per_s / 1000, sample.tpot_s * 1000, its, base.shape.token_budget)
    return load if load.batch <= _IMPLAUSIBLE_BATCH * base.shape.max_num_seqs else None


def _shown(sample: Sample) -> Iterator[tuple[Callable[[StepCost, Load], Prediction], float, float]]:
    """Yield how each observation is predicted, its value in ms, and the variance of its logarithm."""
    yield token_ms, sample.tpot_s * 1000, _TOKEN_MODEL**2 + _TOKEN_CHANCE**2 / sample.requests
    prefill_s = sample.prefill_s
    if prefill_s is not None and _LEAST < prefill_s < _MOST:
        yield prompt_ms, prefill_s * 1000, _PROMPT_MODEL**2 + _PROMPT_CHANCE**2 / sample.requests


def _cost(base: Prior, logs: Sequence[float]) -> StepCost:
    d0, d1, d2, p0, p1, p2 = (exp(value) for value in logs)
    return base.shape.cost.scaled((d0, d1, d2), (p0, p1, p2), floor=d0)


@lru_cache(maxsize=64)
def _supposed(doubt: Doubt) -> Matrix:
    """Return the prior's covariance: what is wrong with one coefficient of a kind is mostly wrong with all of it."""
    matrix = [[0.0] * _SIZE for _ in range(_SIZE)]
    for kind, common in ((_DECODE, doubt.decode), (_PROMPT, doubt.prompt)):
        for i in kind:
            for j in kind:
                matrix[i][j] = common**2 + (doubt.each**2 if i == j else 0.0)
    return matrix


def _faded(base: Prior, before: Learned) -> Matrix:
    """Return the covariance before the next sample: grown a little, but not beyond the prior's where it held."""
    now = unpacked(before.covariance, _SIZE)
    most = [max(row[i], now[i][i]) for i, row in enumerate(_supposed(base.doubt))]
    return widened(now, _DRIFTED, most)


def _refusing(base: Prior, before: Learned) -> Learned:
    """Count a sample that does not fit; after some in a row, doubt what was known by as much again as at first."""
    refused = before.refused + 1
    if refused % _DOUBTED_AFTER:
        return replace(before, refused=refused)
    matrix = widened(unpacked(before.covariance, _SIZE), _supposed(base.doubt), [_MOST_VARIANCE] * _SIZE)
    return replace(before, covariance=packed(matrix), refused=refused)
