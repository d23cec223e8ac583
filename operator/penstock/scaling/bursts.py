"""What traffic varies by within minutes beyond chance: room for bursts like those of the last quarter of an hour."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import sqrt
from statistics import NormalDist
from typing import Final

from penstock.scaling.history import Moment

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
    since_s = moments[-1].at_s - PAST_S
    recent = [moment for moment in moments if moment.at_s >= since_s]
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
    count = len(recent)
    sums = [0.0, *accumulate([moment.arrivals_per_s for moment in recent])]
    total, first, last = 0.0, 0, 0
    for here, moment in enumerate(recent):
        while last < count and recent[last].at_s <= moment.at_s + AROUND_S:
            last += 1
        while recent[first].at_s < moment.at_s - AROUND_S:
            first += 1
        if moment.at_s - recent[first].at_s >= _KNOWN_S:
            side = (sums[here + 1] - sums[first]) / (here + 1 - first)
            if recent[last - 1].at_s - moment.at_s >= _KNOWN_S:
                side = max(side, (sums[last] - sums[here]) / (last - here))
            total += max(moment.arrivals_per_s - side, 0.0) ** 2
    return total / count
