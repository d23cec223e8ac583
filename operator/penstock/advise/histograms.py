"""What the buckets of a histogram tell: the share below a limit, and how widely values are spread."""

from collections.abc import Mapping
from typing import Final

from penstock.engine.scatter import scatter

Buckets = Mapping[float, float]
"""Cumulative counts by upper bound; the last bound is infinite."""

_LEAST: Final = 30  # counts below which no spread is told
_SPREADS: Final = (0.1, 4.0)
_HALF: Final = 0.5


def share_below(buckets: Buckets, limit: float) -> float | None:
    """Return the share of values up to a limit; None where nothing was counted.

    Within a bucket below the median values are taken to lie evenly, within one above it to grow rarer at an even rate,
    as those of an exponential law do. vLLM's buckets of the time to the first token go from 1 s to 2.5 s at once: of
    what is above 1 s, far more than two thirds are below 2 s.
    """
    total = max(buckets.values(), default=0.0)
    if total <= 0:
        return None
    below, before = 0.0, 0.0
    for bound in sorted(buckets):
        count = max(buckets[bound], before)  # increases are extrapolated each by itself and may cross
        if bound > limit:
            return _between(before, count, total, (limit - below) / (bound - below))
        below, before = bound, count
    return min(before / total, 1.0)


def _between(before: float, count: float, total: float, part: float) -> float:
    """Return the share up to a part of the way through a bucket; of an endless one nothing is known to be below."""
    if not part or before >= total:
        return min(before / total, 1.0)
    if before < total / 2:
        return (before + (count - before) * part) / total
    least = min(_HALF, total - before)  # above an empty rest there might as well be half a request
    return float(1 - ((total - before) ** (1 - part) * max(total - count, least) ** part) / total)


def variation(buckets: Buckets) -> float | None:
    """Return the coefficient of variation of lengths in tokens, as an operator works it out; None for too few."""
    total = max(buckets.values(), default=0.0)
    if total < _LEAST:
        return None
    cv = scatter(buckets)
    return None if cv is None else min(max(cv, _SPREADS[0]), _SPREADS[1])
