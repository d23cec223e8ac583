"""Every fleet that may stand at one moment, as a grid of replica counts, and the cheapest change from any to any other.

A fleet is a point with one axis per variant. Values over the grid are flat lists in the order of `states`; the cost of
a change is a sum over axes, so that the best change from every point to every other is found axis by axis in two sweeps
(a distance transform: Felzenszwalb and Huttenlocher, 2012), in time proportional to the grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, prod

State = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Counts from `least` to `most` on each axis."""

    least: State
    most: State

    @property
    def states(self) -> list[State]:
        """Return every point, the last axis fastest."""
        return list(product(*(range(low, high + 1) for low, high in zip(self.least, self.most, strict=True))))

    def index(self, state: State) -> int:
        """Return the place of a point in `states`."""
        place = 0
        for count, low, high in zip(state, self.least, self.most, strict=True):
            place = place * (high - low + 1) + count - low
        return place

    def clip(self, state: State) -> State:
        """Return the nearest point of the grid."""
        return tuple(min(max(count, low), high) for count, low, high in zip(state, self.least, self.most, strict=True))

    def before(self, values: Sequence[float], rise_usd: Sequence[float]) -> list[float]:
        """Return, for every fleet, the least of the cost of a change plus the value of the fleet that it leads to.

        A replica more on axis i costs `rise_usd[i]` (inf: cannot be had), one fewer costs nothing.
        """
        best = list(values)
        sizes = [high - low + 1 for low, high in zip(self.least, self.most, strict=True)]
        for axis, size in enumerate(sizes):
            stride = prod(sizes[axis + 1 :])
            for start in range(0, len(best), stride * size):
                _sweep(best, start, stride, size, rise_usd[axis])
        return best


def _sweep(best: list[float], start: int, stride: int, size: int, rise_usd: float) -> None:
    for place in range(1, size):
        here = start + place * stride
        best[here : here + stride] = map(min, best[here : here + stride], best[here - stride : here])
    if rise_usd == inf:
        return
    for place in range(size - 2, -1, -1):
        here = start + place * stride
        above = [value + rise_usd for value in best[here + stride : here + 2 * stride]]
        best[here : here + stride] = map(min, best[here : here + stride], above)


def changed_usd(before: State, after: State, rise_usd: Sequence[float]) -> float:
    """Return the cost of a change."""
    more = (max(new - old, 0) for old, new in zip(before, after, strict=True))
    return sum(count * usd for count, usd in zip(more, rise_usd, strict=True) if count)
