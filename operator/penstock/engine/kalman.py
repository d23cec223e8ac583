"""A small Kalman filter over plain numbers: scalar updates of a mean and a covariance, and how both are stored."""

from collections.abc import Sequence
from math import sqrt
from operator import add, mul

Matrix = list[list[float]]


def packed(matrix: Matrix) -> tuple[float, ...]:
    """Return the lower triangle, row by row."""
    return tuple(value for number, row in enumerate(matrix) for value in row[: number + 1])


def unpacked(triangle: Sequence[float], size: int) -> Matrix:
    """Return the symmetric matrix of a lower triangle."""
    rows = [list(triangle[row * (row + 1) // 2 : (row + 1) * (row + 2) // 2]) for row in range(size)]
    return [row + [below[number] for below in rows[number + 1 :]] for number, row in enumerate(rows)]


def variance(matrix: Matrix, weights: Sequence[float]) -> float:
    """Return the variance of a weighted sum."""
    total: float = sum(map(mul, weights, [sum(map(mul, row, weights)) for row in matrix]))
    return total


def update(mean: list[float], matrix: Matrix, weights: Sequence[float], innovation: float, noise: float) -> float:
    """Take in, in place, that a weighted sum is `innovation` more than thought; return the square over its variance.

    `noise` is the variance of the observation. The covariance stays symmetric by construction.
    """
    gains = [sum(map(mul, row, weights)) for row in matrix]
    total: float = sum(map(mul, gains, weights)) + noise
    for number, gain in enumerate(gains):
        share = gain / total
        mean[number] += share * innovation
        matrix[number] = [value - share * its for value, its in zip(matrix[number], gains, strict=True)]
    return innovation * innovation / total


def widened(matrix: Matrix, added: Matrix, most: Sequence[float]) -> Matrix:
    """Return the sum of two covariances, shrunk row by row where a variance passes its ceiling."""
    wide = [list(map(add, row, more)) for row, more in zip(matrix, added, strict=True)]
    if all(row[number] <= top for number, (row, top) in enumerate(zip(wide, most, strict=True))):
        return wide
    shrink = [sqrt(min(1.0, top / wide[number][number])) for number, top in enumerate(most)]
    return [[value * shrink[i] * shrink[j] for j, value in enumerate(row)] for i, row in enumerate(wide)]
