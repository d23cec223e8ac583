"""What traffic varies by within minutes beyond chance: room for bursts like those of the last quarter of an hour."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from statistics import NormalDist
from typing import Final

from penstock.scaling.history import Moment, first_since

PAST_S: Final = 900.0
"""Seconds of the past in which bursts are looked for."""
AROUND_S: Final = 150.0
"""Seconds before and after a moment whose means a burst stands out from."""
SHORTEST_S: Final = 30.0
"""Shortest overload that latency targets of seconds notice."""
SKEW: Final = 4.0
"""Variance of what comes and goes, for each square by which it rises above both sides, which hold part of it."""
_KNOWN_S: Final = 45.0  # of a side, at least
_inverse: Final = lru_cache(maxsize=256)(NormalDist().inv_cdf)
_CHANCE: Final = 1.5  # times what a Poisson process varies by: less is no burst, since estimates vary, too
_PEAKED: Final = 1.5  # of a minute's highest mean: what a part of it may reach


def burst_room(moments: Sequence[Moment], ahead_per_s: float, attainment_ratio: float, window_s: float) -> float:
    """Return requests per second to keep free above `ahead_per_s`, where rates are means over `window_s` seconds.

    None for a silence: bursts are of the traffic that is there, and who comes back after minutes is no burst of it.
    """
    if ahead_per_s <= 0:
        return 0.0
    recent = moments[first_since(moments, moments[-1].at_s - PAST_S) :]
    chance = ahead_per_s / window_s
    beyond = max(SKEW * _rises(recent) - _CHANCE * chance, 0.0)
    quantile = max(_inverse(attainment_ratio), 0.0)
    highest = max([moment.arrivals_per_s for moment in recent])
    most = max(_PEAKED * highest - ahead_per_s, 0.0)
    return min(sqrt(chance + quantile**2 * window_s / SHORTEST_S * beyond), most)


def _rises(recent: Sequence[Moment]) -> float:
    """Return the mean square by which rates exceed both what came before and what came after; 0 for too few.

    A rate that went to another level exceeds one side only. Of the newest nobody knows what follows: they count as if
    it were as before, since one jump seldom comes alone.
    """
    times, rates = [moment.at_s for moment in recent], [moment.arrivals_per_s for moment in recent]
    sums, total, first = [0.0, *accumulate(rates)], 0.0, 0
    for here, at_s in enumerate(times):
        while times[first] < at_s - AROUND_S:
            first += 1
        beyond = rates[here] - (sums[here + 1] - sums[first]) / (here + 1 - first)
        if beyond > 0 and at_s - times[first] >= _KNOWN_S:
            last = bisect_right(times, at_s + AROUND_S)
            if times[last - 1] - at_s >= _KNOWN_S:
                beyond = min(beyond, rates[here] - (sums[last] - sums[here]) / (last - here))
            total += max(beyond, 0.0) ** 2
    return total / len(times)
