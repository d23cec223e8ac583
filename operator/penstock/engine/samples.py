"""What an engine shows over a while: one sample of its series, whether it makes sense, and what it worked on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from penstock.engine.capacity import EngineShape, Lengths
from penstock.engine.lengths import aged, law
from penstock.engine.predicting import Load, Prediction, prompt_ms, token_ms
from penstock.engine.steptime import StepCost

LEAST_REQUESTS: Final = 1.0
"""Requests that a sample must stand for; the fewer, the less it weighs."""
MOST: Final = 1e7
"""Nothing beyond is a measurement."""

_LEAST: Final = 1e-6  # nor is anything below; comparisons with NaN are false
_TOKEN_MODEL, _PROMPT_MODEL = 0.04, 0.08  # how far the predictions are off by themselves
_TOKEN_CHANCE, _PROMPT_CHANCE = 0.5, 1.0  # deviation of one request's mean over the mean
_IMPLAUSIBLE_BATCH: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one replica, or the mean of several, showed over a while that no other sample covers.

    `requests` is how many finished in it, over all replicas; `prefill_s` the mean time from first step to first token;
    `cached_tokens` how many one replica's KV cache holds, and `running` how many requests are in its batch, both
    counted at one instant; the coefficients of variation are `Lengths`'.
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


def is_plausible(sample: Sample) -> bool:
    """Whether the sample makes sense and stands for enough requests."""
    values = (sample.rate_per_s, sample.input_tokens, sample.output_tokens, sample.tpot_s, sample.requests)
    if not all(_LEAST < value < MOST for value in values):
        return False
    return sample.requests >= LEAST_REQUESTS and sample.output_tokens >= 2 and sample.input_tokens >= 1


def load_of(sample: Sample, engine: EngineShape, age_ratio: float) -> Load | None:
    """Return what a sample worked on; None where more are in the batch than the engine has places for.

    `age_ratio` is that of `lengths.aged`.
    """
    lengths = Lengths(
        input_tokens=sample.input_tokens,
        output_tokens=sample.output_tokens,
        input_cv=sample.input_cv,
        output_cv=sample.output_cv,
    )
    its = law(aged(lengths, age_ratio))
    load = Load(sample.rate_per_s / 1000, sample.tpot_s * 1000, its, engine.token_budget)
    return load if load.batch <= _IMPLAUSIBLE_BATCH * engine.max_num_seqs else None


def shown(sample: Sample) -> Iterator[tuple[Callable[[StepCost, Load], Prediction], float, float]]:
    """Yield how each observation is predicted, its value in ms, and the variance of its logarithm."""
    yield token_ms, sample.tpot_s * 1000, _TOKEN_MODEL**2 + _TOKEN_CHANCE**2 / sample.requests
    prefill_s = sample.prefill_s
    if prefill_s is not None and _LEAST < prefill_s < MOST:
        yield prompt_ms, prefill_s * 1000, _PROMPT_MODEL**2 + _PROMPT_CHANCE**2 / sample.requests
