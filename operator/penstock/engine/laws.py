"""Tails of the laws that waiting and decoding follow: normal, gamma, and gamma with normal noise."""

from math import erfc, sqrt
from typing import Final

_ROOT_2: Final = sqrt(2.0)
_STRAIGHT: Final = 0.02  # half the skewness, below which a law counts as normal


def normal_tail(z: float) -> float:
    """P(X > z) of the standard normal law."""
    return 0.5 * erfc(z / _ROOT_2)


def gamma_tail(value: float, mean: float, variance: float) -> float:
    """P(X > value) of a gamma law with these moments, by Wilson and Hilferty (1931)."""
    if value <= 0 or mean <= 0:
        return 1.0 if value <= 0 else 0.0
    shape = mean * mean / variance
    return normal_tail(((value / mean) ** (1 / 3) - 1 + 1 / (9 * shape)) * 3 * sqrt(shape))


def noisy_tail(value: float, mean: float, variance: float, noise: float) -> float:
    """P(X + N > value) of a gamma law and normal noise: the shifted gamma law with the three moments of the sum."""
    deviation = sqrt(variance + noise)
    half_skew = variance * variance / (mean * deviation**3)
    z = (value - mean) / deviation
    if half_skew < _STRAIGHT:
        return normal_tail(z)
    shape = half_skew**-2
    return gamma_tail(shape + z * sqrt(shape), shape, shape)
