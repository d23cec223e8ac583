"""Where the rate of arrivals went to another level at once: what was before tells nothing of what comes after.

The clearest cut of a series into two, again on what remains (binary segmentation, Scott and Knott, Biometrics 1974).
A rate is itself a mean over a window: a jump shows as a ramp one window long, whose moments belong to neither side.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import sqrt
from operator import mul
from typing import Final

from penstock.scaling.history import Moment

CLEAR: Final = 6.0
"""Standard deviations within the sides by which these must differ: the two ends of a steady ramp do by 3.5 to 5."""
ROSE_S: Final = 30.0
"""Seconds after which a rise that stays is another level."""
FELL_S: Final = 60.0
"""Seconds after which a fall that stays is: what is given up too early costs more than what stays a little longer."""
SIDE: Final = 3
"""Moments of which a side of a jump must have at least so many."""


def since_shift(moments: Sequence[Moment], window_s: float) -> Sequence[Moment]:
    """Return what came after the last jump of rates that are means over `window_s` seconds; all if there was none."""
    while (first := _after_jump(moments, window_s)) is not None:
        moments = moments[first:]
    return moments


def _after_jump(moments: Sequence[Moment], window_s: float) -> int | None:
    """Return the first moment after the clearest jump, None without a clear one."""
    rates = [moment.arrivals_per_s for moment in moments]
    if len(rates) < 2 * SIDE or max(rates) - min(rates) < CLEAR * sqrt(sum(rates) / len(rates) / window_s):
        return None
    times = [moment.at_s for moment in moments]
    sums, squares = [0.0, *accumulate(rates)], [0.0, *accumulate(map(mul, rates, rates))]
    count, found, most = len(rates), None, CLEAR
    for before in range(SIDE, count - SIDE + 1):
        after = bisect_left(times, times[before - 1] + window_s, before)
        later = count - after
        if later < SIDE:
            break
        old, new = sums[before] / before, (sums[-1] - sums[after]) / later
        apart, chance = abs(new - old), (old + new) / 2 / window_s
        if times[-1] - times[after] < (ROSE_S if new > old else FELL_S) or apart < most * sqrt(chance):
            continue
        spread = squares[before] - before * old**2 + squares[-1] - squares[after] - later * new**2
        each = sqrt(max(spread / (before + later), chance))
        if apart >= most * each > 0 and spread / (before + later) < _off_a_line(moments):
            found, most = after, apart / each
    return found


def _off_a_line(moments: Sequence[Moment]) -> float:
    """Return the variance around the best line: what is off it no more than off two levels may as well be a ramp."""
    count = len(moments)
    middle_s = sum([moment.at_s for moment in moments]) / count
    mean = sum([moment.arrivals_per_s for moment in moments]) / count
    offsets = [(moment.at_s - middle_s, moment.arrivals_per_s - mean) for moment in moments]
    both, along = sum([x * y for x, y in offsets]), sum([x * x for x, _ in offsets])
    return (sum([y * y for _, y in offsets]) - (both**2 / along if along else 0.0)) / count
