"""Traffic that is known beforehand, cut into slots: its rate, and what a replica of each variant serves then."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import ceil, sqrt
from typing import Final, NamedTuple

from penstock.engine.capacity import Lengths, capacity
from penstock.peers.profile import rounded
from penstock.sim.scene import Scene, VariantSpec
from penstock.sim.traces import Arrival

LENGTHS_S: Final = 600.0  # lengths are means over ten minutes around a slot, so that they drift and do not jitter


POOLS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""How many replicas share what comes in: the more, the more each of them serves within its targets."""

Rates = tuple[tuple[float, ...], ...]


class Slot(NamedTuple):
    """Requests per second, and what a replica of each variant serves in pools of each of `POOLS` of its kind."""

    need_per_s: float
    each_per_s: Rates


def served(fleet: Sequence[int], each_per_s: Sequence[Sequence[float]]) -> float:
    """Return what a fleet serves per second.

    Replicas of other variants count as so many of a variant's own as serve as much; a pool between two sizes counts
    as the larger, so that a fleet is never taken for weaker than it is.
    """
    alone = sum(count * rates[0] for count, rates in zip(fleet, each_per_s, strict=True))
    whole = 0.0
    for count, rates in zip(fleet, each_per_s, strict=True):
        if count and rates[0] > 0:
            whole += count * rates[min(bisect_left(POOLS, alone / rates[0] - 1e-9), len(POOLS) - 1)]
    return whole


class _Sums:
    """Running sums over arrivals, so that any window costs two look-ups."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self._at_s = [arrival.at_s for arrival in arrivals]
        self._fed = [0, *accumulate(arrival.input_tokens for arrival in arrivals)]
        self._made = [0, *accumulate(arrival.output_tokens for arrival in arrivals)]

    def over(self, from_s: float, to_s: float) -> tuple[int, int, int]:
        """Return requests, input and output tokens of a window."""
        low, high = bisect_left(self._at_s, from_s), bisect_left(self._at_s, to_s)
        return high - low, self._fed[high] - self._fed[low], self._made[high] - self._made[low]


def slots(scene: Scene, arrivals: Sequence[Arrival], *, slot_s: float, rate_s: float) -> list[Slot]:
    """Return the slots of the scene's length; a slot's rate is the mean over the `rate_s` around its middle.

    `arrivals` are in order. A variant that misses a target even when idle serves nothing.
    """
    sums, spread = (
        _Sums(arrivals),
        (_cv([one.input_tokens for one in arrivals]), _cv([one.output_tokens for one in arrivals])),
    )
    found = []
    each: Rates = ((0.0,) * len(POOLS),) * len(scene.variants)
    for number in range(max(1, ceil(scene.length_s / slot_s))):
        middle_s = (number + 0.5) * slot_s
        began_s, ended_s = _window(middle_s, max(rate_s, slot_s), scene.length_s)
        requests, _, _ = sums.over(began_s, ended_s)
        usual, fed, made = sums.over(*_window(middle_s, LENGTHS_S, scene.length_s))
        if usual:
            lengths = Lengths(
                input_tokens=rounded(fed / usual),
                output_tokens=rounded(made / usual),
                input_cv=spread[0],
                output_cv=spread[1],
            )
            each = tuple(rates(scene, spec, lengths) for spec in scene.variants)
        found.append(Slot(requests / (ended_s - began_s), each))
    return found


def rates(scene: Scene, spec: VariantSpec, lengths: Lengths) -> tuple[float, ...]:
    """Return what a replica serves within the targets in each size of pool; 0 where even an idle one misses them."""
    found = [capacity(spec.shape, lengths, scene.slo, replicas) for replicas in POOLS]
    return tuple(0.0 if one.missed else one.per_s for one in found)


def _window(middle_s: float, width_s: float, length_s: float) -> tuple[float, float]:
    """Return a window around a moment, moved inside the run."""
    width_s = min(width_s, length_s)
    from_s = min(max(0.0, middle_s - width_s / 2), length_s - width_s)
    return from_s, from_s + width_s


def _cv(lengths: Sequence[int]) -> float:
    """Return the coefficient of variation, rounded to .05."""
    if not lengths:
        return 0.0
    mean = sum(lengths) / len(lengths)
    variance = sum((length - mean) ** 2 for length in lengths) / len(lengths)
    return round(sqrt(variance) / mean * 20) / 20
