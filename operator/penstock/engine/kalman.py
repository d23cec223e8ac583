"""A small Kalman filter over plain numbers: scalar updates of a mean and a covariance, and how both are stored."""

from collections.abc import Sequence
from math import sqrt

Matrix = list[list[float]]


def packed(matrix: Matrix) -> tuple[float, ...]:
    """Return the lower triangle, row by row."""
    return tuple(value for number, row in enumerate(matrix) for value in row[: number + 1])


def unpacked(triangle: Sequence[float], size: int) -> Matrix:
    """Return the symmetric matrix of a lower triangle."""
    rows = [list(triangle[row * (row + 1) // 2 : (row + 1) * (row + 2) // 2]) for row in range(size)]
    return [[rows[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]


def variance(matrix: Matrix, weights: Sequence[float]) -> float:
    """Return the variance of a weighted sum."""
    return sum(
        a * b * value for a, row in zip(weights, matrix, strict=True) for b, value in zip(weights, row, strict=True)
    )


def update(mean: list[float], matrix: Matrix, weights: Sequence[float], innovation: float, noise: float) -> float:
    """Take in, in place, that a weighted sum is `innovation` more than thought; return that over its variance, squared.

    `noise` is the variance of the observation. The covariance stays symmetric by construction.
    """
    gains = [sum(value * weight for value, weight in zip(row, weights, strict=True)) for row in matrix]
    total = sum(gain * weight for gain, weight in zip(gains, weights, strict=True)) + noise
    for number, gain in enumerate(gains):
        mean[number] += gain * innovation / total
        row = matrix[number]
        for other, its in enumerate(gains):
            row[other] -= gain * its / total
    return innovation * innovation / total


def widened(matrix: Matrix, added: Matrix, most: Sequence[float]) -> Matrix:
    """Return the sum of two covariances, shrunk row by row where a variance passes its ceiling."""
    wide = [[a + b for a, b in zip(row, more, strict=True)] for row, more in zip(matrix, added, strict=True)]
    shrink = [sqrt(min(1.0, top / wide[number][number])) for number, top in enumerate(most)]
    return [[value * shrink[i] * shrink[j] for j, value in enumerate(row)] for i, row in enumerate(wide)]
