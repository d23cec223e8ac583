"""How far off what was expected turned out to be, and the mean of that over about ten times: one form for all of it."""

from math import isfinite
from typing import Final

WEIGHT: Final = 0.1
"""Of the newest error in the mean."""


def off_ratio(expected: float, came: float) -> float | None:
    """Return the distance of two rates or times by the larger of them; None where neither is anything."""
    larger = max(expected, came)
    return abs(expected - came) / larger if isfinite(expected + came) and larger > 0 else None


def mean_ratio(before: float | None, newest: float | None) -> float | None:
    """Return the mean with one more error, which is the first where none was known; None tells nothing."""
    if before is None or newest is None:
        return before if newest is None else newest
    return before + WEIGHT * (newest - before)
