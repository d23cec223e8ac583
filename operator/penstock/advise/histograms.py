"""What the buckets of a histogram tell: the share below a limit, and how widely values are spread."""

from collections.abc import Mapping
from typing import Final

from penstock.domain.buckets import share_between
from penstock.engine.scatter import scatter

Buckets = Mapping[float, float]
"""Cumulative counts by upper bound; the last bound is infinite."""

_LEAST: Final = 30  # counts below which no spread is told
_SPREADS: Final = (0.1, 4.0)


def share_below(buckets: Buckets, limit: float) -> float | None:
    """Return the share of values up to a limit; None where nothing was counted."""
    total = max(buckets.values(), default=0.0)
    if total <= 0:
        return None
    below, before = 0.0, 0.0
    for bound in sorted(buckets):
        count = max(buckets[bound], before)  # increases are extrapolated each by itself and may cross
        if bound > limit:
            return share_between(before, count, total, (limit - below) / (bound - below))
        below, before = bound, count
    return min(before / total, 1.0)


def variation(buckets: Buckets) -> float | None:
    """Return the coefficient of variation of lengths in tokens, as an operator works it out; None for too few."""
    total = max(buckets.values(), default=0.0)
    if total < _LEAST:
        return None
    cv = scatter(buckets)
    return None if cv is None else min(max(cv, _SPREADS[0]), _SPREADS[1])
