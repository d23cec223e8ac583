"""Learn an engine's step cost from what it serves: an extended Kalman filter over the logarithms of its coefficients.

Each sample of ordinary series (mean time per token, mean prompt time, at a known rate and known lengths) weighs the
six coefficients as `predicting` says. A sample that does not fit (normalised innovation squared above 7.378, the 97.5 %
point of χ² with two degrees of freedom, as in WVA's tuner) is refused; where it goes on like that, the past is
doubted. Old samples fade. No coefficient leaves its prior by more than the prior's bound.
"""

from dataclasses import replace
from math import isfinite, log
from typing import Final

from penstock.engine.kalman import Matrix, packed, unpacked, update, widened
from penstock.engine.learned import SIZE, Learned, cost_of, sound, supposed
from penstock.engine.priors import Prior, generic
from penstock.engine.samples import MOST, Sample, is_plausible, load_of, shown

_GATE: Final = 7.378
_DOUBTED_AFTER: Final = 3
_DRIFT: Final = 1e-4  # variance per sample: a tenth in a hundred samples
_MOST_VARIANCE: Final = 1.0
_TELLING: Final = 0.5
_LEAST_AGE, _MOST_AGE = 0.5, 8.0
_AGE_MEMORY: Final = 30
_FILLING: Final = 10  # samples for which engines may still be filling with answers of minutes

_DRIFTED: Final = [[_DRIFT if i == j else 0.0 for j in range(SIZE)] for i in range(SIZE)]


def learn(prior: Prior | None, learned: Learned | None, sample: Sample) -> Learned:
    """Return what is known after a sample; unusable and unlikely ones change next to nothing."""
    base = prior or generic()
    before = sound(base, learned)
    if not is_plausible(sample):
        return before
    before = replace(before, age_ratio=_age_ratio(before, sample))
    load = load_of(sample, base.shape, before.age_ratio)
    if load is None:
        return before
    logs, matrix = list(before.logs), _faded(base, before)
    surprise = 0.0
    for predict, shown_ms, noise in shown(sample):
        found = predict(cost_of(base, logs), load)
        surprise += update(logs, matrix, found.weights, log(shown_ms / found.ms), noise)
    if surprise > _GATE:
        return _refusing(base, before)
    edge = log(base.bound)
    bounded = tuple(min(max(value, -edge), edge) for value in logs)
    if not all(map(isfinite, bounded)):
        return before
    return Learned(bounded, packed(matrix), before.samples + 1, 0, before.age_ratio)


def _age_ratio(before: Learned, sample: Sample) -> float:
    """Return the mean over the samples; short answers cannot be told from the scatter of their prompts."""
    cached, fed, made = sample.cached_tokens, sample.input_tokens, sample.output_tokens
    prefill_s = sample.prefill_s or 0.0
    fed_now = sample.rate_per_s * prefill_s if 0 <= prefill_s < MOST else 0.0  # not of NaN, which would stay
    batch = _decoding(before, sample, fed_now)
    if cached is None or not 0 < cached < MOST or made < _TELLING * fed or batch < 1:
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
    if running is None or not 0 <= running < MOST or before.samples < _FILLING:
        return sample.rate_per_s * sample.output_tokens * sample.tpot_s
    return running - prefilling


def _faded(base: Prior, before: Learned) -> Matrix:
    """Return the covariance before the next sample: grown a little, but not beyond the prior's where it held."""
    now = unpacked(before.covariance, SIZE)
    most = [max(row[i], now[i][i]) for i, row in enumerate(supposed(base.doubt))]
    return widened(now, _DRIFTED, most)


def _refusing(base: Prior, before: Learned) -> Learned:
    """Count a sample that does not fit; after some in a row, doubt what was known by as much again as at first."""
    refused = before.refused + 1
    if refused % _DOUBTED_AFTER:
        return replace(before, refused=refused)
    matrix = widened(unpacked(before.covariance, SIZE), supposed(base.doubt), [_MOST_VARIANCE] * SIZE)
    return replace(before, covariance=packed(matrix), refused=refused)
