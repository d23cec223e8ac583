"""How far lengths scatter around their mean, from the buckets of a histogram: coarse ones, as engines have."""

from collections.abc import Iterator, Mapping
from math import erfc, exp, inf, isfinite, log, pi, sqrt
from typing import Final, NamedTuple

_ROUNDS: Final = 4
_LEAST_SIGMA: Final = 0.05
_BEYOND: Final = log(2.5)  # the last bound is followed by another one within such a step, or by the longest possible
_NOTHING: Final = 1e-9
_HALF: Final = 0.5  # tokens are whole: what counts up to a bound is below the next half


class _Bucket(NamedTuple):
    """Share of all, and the logarithms between which they lie."""

    share: float
    low: float
    high: float


def token_bounds(most: int) -> tuple[float, ...]:
    """Return 1, 2, 5, 10, … up to `most`, vLLM's buckets of token counts."""
    powers = (10**exponent for exponent in range(len(str(max(most, 1)))))
    return tuple(float(bound) for power in powers for bound in (power, 2 * power, 5 * power) if bound <= most)


def scatter(counts: Mapping[float, float]) -> float | None:
    """Return the coefficient of variation; `counts` holds how many tokens were at most each bound, as Prometheus does.

    The shares of the buckets are taken as they are; where lengths lie within one is that part of the log-normal law
    that fits all of them best, since buckets from 2,000 to 5,000 say little by their middle. None without requests.
    A single bucket, and so anything below about .3, tells no more than that lengths are much alike.
    """
    buckets = list(_buckets(counts))
    if not buckets:
        return None
    mean, sigma = _started(buckets)
    for _ in range(_ROUNDS):
        mean, sigma = _fitted(buckets, mean, sigma)
    first = sum(one.share * _moment(one, mean, sigma, 1) for one in buckets)
    second = sum(one.share * _moment(one, mean, sigma, 2) for one in buckets)
    return sqrt(max(second / first**2 - 1, 0.0))


def _buckets(counts: Mapping[float, float]) -> Iterator[_Bucket]:
    """Yield the buckets that hold something; a bound that only some engines have counts no less than those below it."""
    total = counts.get(inf, 0.0)
    if not 0 < total < inf:
        return
    below, low = 0.0, log(_HALF)
    for bound in sorted(bound for bound in counts if bound > 0):
        upto = min(max(counts[bound], below), total) if isfinite(counts[bound]) else below
        high = log(bound + _HALF) if bound < inf else low + _BEYOND
        if upto - below > _NOTHING * total:
            yield _Bucket((upto - below) / total, low, high)
        below, low = upto, high


def _started(buckets: list[_Bucket]) -> tuple[float, float]:
    """Return mean and deviation of the logarithms by the middles, with Sheppard's correction for the widths."""
    mean = sum(share * (low + high) / 2 for share, low, high in buckets)
    square = sum(share * (((low + high) / 2 - mean) ** 2 - (high - low) ** 2 / 12) for share, low, high in buckets)
    return mean, sqrt(max(square, _LEAST_SIGMA**2))


def _fitted(buckets: list[_Bucket], mean: float, sigma: float) -> tuple[float, float]:
    """One round of expectation and maximisation for a normal law of which only classes are seen."""
    first = second = 0.0
    for share, low, high in buckets:
        a, b = (low - mean) / sigma, (high - mean) / sigma
        within = _between(a, b)
        if within > _NOTHING:
            step = (_density(a) - _density(b)) / within
            square = 1 + (a * _density(a) - b * _density(b)) / within
        else:  # far from all others: it lies at its near edge
            step = a if a > 0 else b
            square = step * step
        first += share * step
        second += share * square
    return mean + sigma * first, max(sigma * sqrt(max(second - first * first, 0.0)), _LEAST_SIGMA)


def _moment(bucket: _Bucket, mean: float, sigma: float, power: int) -> float:
    """Return the mean of tokens to a power within a bucket."""
    a, b = (bucket.low - mean) / sigma, (bucket.high - mean) / sigma
    within, shifted = _between(a, b), _between(a - power * sigma, b - power * sigma)
    if within <= _NOTHING:
        return exp(power * (bucket.low if a > 0 else bucket.high))
    return exp(power * mean + (power * sigma) ** 2 / 2) * shifted / within


def _between(a: float, b: float) -> float:
    """P(a < Z < b) of a standard normal Z, exact in the tails."""
    if a > 0:
        return (erfc(a / sqrt(2)) - erfc(b / sqrt(2))) / 2
    return (erfc(-b / sqrt(2)) - erfc(-a / sqrt(2))) / 2


def _density(z: float) -> float:
    return exp(-z * z / 2) / sqrt(2 * pi)
