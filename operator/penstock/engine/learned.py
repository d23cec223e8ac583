"""What is known of an engine's step cost: its coefficients over those supposed, and how sure each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp
from typing import Final

from penstock.engine.kalman import Matrix, packed
from penstock.engine.priors import Doubt, Prior
from penstock.engine.steptime import StepCost

ENOUGH: Final = 5
"""Samples without which an engine of which nothing was known is not spoken of."""
SIZE: Final = 6
"""Coefficients: d0, d1, d2 of decoding, p0, p1, p2 of prompts."""

_DECODE: Final = (0, 1, 2)
_PROMPT: Final = (3, 4, 5)


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


def sound(base: Prior, learned: Learned | None) -> Learned:
    """Return what was learnt; where nothing was, or by a version with other coefficients, what is supposed."""
    if learned is not None and len(learned.logs) == SIZE and len(learned.covariance) == SIZE * (SIZE + 1) // 2:
        return learned
    return Learned((0.0,) * SIZE, packed(supposed(base.doubt)))


def cost_of(base: Prior, logs: Sequence[float]) -> StepCost:
    """Return the step cost whose coefficients are so many times those supposed, by their logarithms."""
    d0, d1, d2, p0, p1, p2 = (exp(value) for value in logs)
    return base.shape.cost.scaled((d0, d1, d2), (p0, p1, p2), floor=d0)


@lru_cache(maxsize=64)
def supposed(doubt: Doubt) -> Matrix:
    """Return the prior's covariance: what is wrong with one coefficient of a kind is mostly wrong with all of it."""
    matrix = [[0.0] * SIZE for _ in range(SIZE)]
    for kind, common in ((_DECODE, doubt.decode), (_PROMPT, doubt.prompt)):
        for i in kind:
            for j in kind:
                matrix[i][j] = common**2 + (doubt.each**2 if i == j else 0.0)
    return matrix
