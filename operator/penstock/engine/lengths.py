"""How long prompts and answers are: mean tokens, and how single ones lie around the mean, as a few weighted sizes."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import erfc, exp, inf, log, sqrt
from statistics import NormalDist
from typing import Final

_NORMAL: Final = NormalDist()
_PROMPT_EDGES: Final = (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.88, 0.94, 0.97, 0.99, 0.997, 1.0)
_ANSWER_EDGES: Final = (0.0, 0.003, 0.01, 0.03, 0.07, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
# measured: means between those quantiles, over the mean of all; averages of Azure's two public traces of 2023
_PROMPTS: Final = (0.085, 0.228, 0.389, 0.758, 0.97, 1.199, 1.675, 2.8, 3.539, 3.593, 3.779, 4.482)
_ANSWERS: Final = (0.135, 0.14, 0.163, 0.205, 0.257, 0.344, 0.451, 0.777, 1.428, 2.049, 5.006)
_MEASURED_SQUARES: Final = (0.89, 1.16)  # of prompts' and answers' coefficients of variation
_LEAST_CV: Final = 0.2  # buckets tell no finer, and it takes little from a capacity
_MOST_CV: Final = 5.0

Sizes = tuple[tuple[float, float], ...]
"""(share, tokens) of each class of requests, rising."""

_Moments = tuple[Sizes, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Mean tokens of prompt and answer, and their coefficients of variation.

    Without a coefficient, lengths lie around their mean as in Azure's public traces of 2023 (conversation: .96 for
    prompts and .77 for answers, code: .96 and 2.1); with one, they are log-normal.
    """

    input_tokens: float
    output_tokens: float
    input_cv: float | None = None
    output_cv: float | None = None


@dataclass(frozen=True, slots=True)
class Law:
    """Lengths worked out: classes, moments, and what a decoding sequence holds in the KV cache.

    `spans` are how far the classes of prompts reach, to the middles between them and their neighbours, over their size;
    `decodes` is the mean number of tokens after the first; `age` what a decoding sequence has generated on average,
    long answers being seen more often; `held` and `held_variance` are of its cached tokens.
    """

    prompts: Sizes
    spans: tuple[float, ...]
    answers: Sizes
    prompt: float
    prompt_square: float
    prompt_cube: float
    decodes: float
    answer_cv: float
    age: float
    held: float
    held_variance: float


def aged(lengths: Lengths, age_ratio: float) -> Lengths:
    """Return the lengths with the scatter of answers that the age of running ones shows, if that is not the smaller.

    `age_ratio` is the mean number of tokens that a running sequence has generated over the mean of a whole answer,
    E[X²]/2E[X]² for answers X; 0: unknown. A coefficient that the lengths have was seen of finished answers, and the
    longest ones finish last.
    """
    if not age_ratio:
        return lengths
    shown = round(sqrt(max(2 * age_ratio - 1, 0.0)), 1)
    return lengths if shown < (lengths.output_cv or 0.0) else replace(lengths, output_cv=shown)


def cv_of(square: float) -> float:
    """Return the coefficient that `Lengths` takes by the square of a measured one: to a digit, within what is told."""
    return round(min(max(sqrt(square), _LEAST_CV), _MOST_CV), 1)


def prior_squares() -> tuple[float, float]:
    """Return the squared coefficients of variation of the measured traces, prompts' and answers'."""
    return _MEASURED_SQUARES


@lru_cache(maxsize=1024)
def law(lengths: Lengths) -> Law:
    """Return the law of lengths; nothing is shorter than one token."""
    prompts, prompt, prompt_square, prompt_cube = _scaled(
        _unit(_PROMPT_EDGES, _PROMPTS, lengths.input_cv), lengths.input_tokens
    )
    answers, answer, square, cube = _scaled(_unit(_ANSWER_EDGES, _ANSWERS, lengths.output_cv), lengths.output_tokens)
    age = square / answer / 2
    return Law(
        prompts=prompts,
        spans=_spans(prompts),
        answers=answers,
        prompt=prompt,
        prompt_square=prompt_square,
        prompt_cube=prompt_cube,
        decodes=max(answer - 1.0, 1e-3),
        answer_cv=sqrt(max(square / answer**2 - 1.0, 0.0)),
        age=age,
        held=prompt + age,
        held_variance=prompt_square - prompt**2 + max(cube / answer / 3 - age**2, 0.0),
    )


def _spans(sizes: Sizes) -> tuple[float, ...]:
    steps = [sqrt(above / below) for (_, below), (_, above) in pairwise(sizes)]
    lower, upper = [steps[0], *steps], [*steps, steps[-1]]
    return tuple([above - 1 / below for below, above in zip(lower, upper, strict=True)])


def _moments(sizes: Sizes) -> _Moments:
    first = second = third = 0.0
    for share, tokens in sizes:
        part = share * tokens
        first += part
        second += part * tokens
        third += part * tokens * tokens
    return sizes, first, second, third


def _scaled(unit: _Moments, mean: float) -> _Moments:
    sizes, _, second, third = unit
    scaled = tuple([(share, tokens * mean) for share, tokens in sizes])
    if scaled[0][1] >= 1.0:
        return scaled, mean, second * mean**2, third * mean**3
    return _moments(tuple([(share, max(tokens, 1.0)) for share, tokens in scaled]))


@lru_cache(maxsize=256)
def _unit(edges: tuple[float, ...], measured: tuple[float, ...], cv: float | None) -> _Moments:
    """Return classes of mean 1 between the quantiles `edges`, and their moments."""
    shares = [above - below for below, above in pairwise(edges)]
    sizes = measured if cv is None else _log_normal(edges, cv)
    mean = sum(share * size for share, size in zip(shares, sizes, strict=True))
    classes = tuple([(share, size / mean) for share, size in zip(shares, sizes, strict=True)])
    if cv is None:
        return _moments(classes)
    spread = 1 + cv * cv  # the classes have lost what lengths scatter within them
    return classes, 1.0, spread, spread**3


def _log_normal(edges: tuple[float, ...], cv: float) -> tuple[float, ...]:
    """Return the means between quantiles of a log-normal law of mean 1: a partial moment is a shifted normal share."""
    sigma = sqrt(log(1 + cv * cv))
    if sigma < 1e-6:
        return (1.0,) * (len(edges) - 1)
    cuts = [-inf if edge <= 0 else inf if edge >= 1 else _NORMAL.inv_cdf(edge) for edge in edges]
    below = [0.5 * erfc((sigma - cut) / sqrt(2)) for cut in cuts]
    pairs = zip(pairwise(below), pairwise(edges), strict=True)
    return tuple(max((b - a) / (q - p), exp(-6 * sigma)) for (a, b), (p, q) in pairs)
