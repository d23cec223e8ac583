"""The published workload-aware order: highest score first, at every instant, ties by arrival.

Scores of different lines drift against each other, so a heap of scores is wrong a moment later. What is kept in a
heap instead are bounds. Within one second of the clock rates stand still, or rise with arrivals, and waits only grow:
what a head would score at the end of the second, it cannot exceed before. Lines are tried from the highest bound
down, with their exact scores, until no bound that is left reaches the best score found: nothing better can be there.
A few lines are simply all tried.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import count
from typing import Final, Generic

from penstock.ordering.line import Admits, AnyItem, Line, LineKey
from penstock.ordering.score import Score, Standing, score

# far above what rounding can do to a score, far below what a second of waiting does
ROUNDING: Final = 1e-9
SPARE: Final = 64
FEW: Final = 8
UNKEPT: Final = -1


class WorkloadAware(Generic[AnyItem]):
    """Ranks the lines of a queue by `score.score`.

    `_bounds` holds (−bound, serial, line) for `_second`, or nothing while the bounds are not kept. A line may stand
    there more than once, and with a bound that is too high; what it never has is none that is high enough.
    """

    def __init__(self, lines: Mapping[LineKey, Line[AnyItem]]) -> None:
        self._lines = lines
        self._second = UNKEPT
        self._serial = count()
        self._bounds: list[tuple[float, int, Line[AnyItem]]] = []
        self._by_standing: defaultdict[Standing, list[Line[AnyItem]]] = defaultdict(list)

    def opened(self, line: Line[AnyItem]) -> None:
        """Take in a line that has just got its first item."""
        if self._second != UNKEPT:
            self._by_standing[line.standing].append(line)
            self._push(line)

    def standing_changed(self, standing: Standing) -> None:
        """Renew the bounds of a workload whose mean wait may have risen."""
        if self._second != UNKEPT:
            for line in tuple(self._by_standing.get(standing, ())):
                if line.items:
                    self._push(line)

    def first(self, now_s: float, admits: Admits | None) -> Line[AnyItem] | None:
        """Return the line whose head scores highest, among those that `admits` lets go."""
        if len(self._lines) <= FEW:
            self._second = UNKEPT
            return self._first_of_few(now_s, admits)
        if int(now_s) != self._second:
            self._renew(int(now_s))
        best: Line[AnyItem] | None = None
        best_rank = (-math.inf, 0)
        tried: set[Line[AnyItem]] = set()
        while self._bounds and -self._bounds[0][0] + ROUNDING >= best_rank[0]:
            line = heapq.heappop(self._bounds)[2]
            if line in tried or not line.items:
                continue
            tried.add(line)
            rank = (_value(line, now_s - line.head_s, self._second), -line.head_seq)
            if rank > best_rank and (admits is None or admits(line.key.gate)):
                best, best_rank = line, rank
        for line in tried:
            heapq.heappush(self._bounds, self._bound(line))
        return best

    def last(self, now_s: float) -> Line[AnyItem]:
        """Return the line whose tail scores lowest, the youngest of equals; there is one."""
        second = int(now_s)

        def rank(line: Line[AnyItem]) -> tuple[float, int]:
            tail = line.tail
            return _value(line, now_s - tail.arrived_s, second), -tail.seq

        return min(self._lines.values(), key=rank)

    def score(self, line: Line[AnyItem], item: AnyItem, now_s: float) -> Score | None:
        """Return an item's score with all its components."""
        line.standing.refresh(int(now_s))
        return score(
            line.terms,
            criticality=line.key.criticality,
            own_wait_s=now_s - item.arrived_s,
            avg_wait_s=line.standing.avg_wait_s,
            rate_per_s=line.standing.rate_per_s,
        )

    def _first_of_few(self, now_s: float, admits: Admits | None) -> Line[AnyItem] | None:
        """Return what `first` does, from trying every line."""
        best: Line[AnyItem] | None = None
        best_rank = (-math.inf, 0)
        second = int(now_s)
        for line in self._lines.values():
            rank = (_value(line, now_s - line.head_s, second), -line.head_seq)
            if rank > best_rank and (admits is None or admits(line.key.gate)):
                best, best_rank = line, rank
        return best

    def _push(self, line: Line[AnyItem]) -> None:
        """Add a bound; what lines left behind is swept out before it outweighs the rest."""
        heapq.heappush(self._bounds, self._bound(line))
        if len(self._bounds) > 2 * len(self._lines) + SPARE:
            self._renew(self._second)

    def _renew(self, second: int) -> None:
        """Set every bound anew: another second has begun, in which rates may have fallen."""
        self._second = second
        self._by_standing.clear()
        for line in self._lines.values():
            self._by_standing[line.standing].append(line)
        self._bounds = [self._bound(line) for line in self._lines.values()]
        heapq.heapify(self._bounds)

    def _bound(self, line: Line[AnyItem]) -> tuple[float, int, Line[AnyItem]]:
        """Return what the line's head scores at the end of the second."""
        return -_value(line, self._second + 1 - line.head_s, self._second), next(self._serial), line


def _value(line: Line[AnyItem], own_wait_s: float, second: int) -> float:
    """Return the final score alone: the arithmetic of `score`, step by step, so that both give the same bits."""
    standing, terms = line.standing, line.terms
    if standing.second != second:
        standing.refresh(second)
    wait = min(1.0, max(own_wait_s, standing.avg_wait_s) / terms.max_wait_s)
    rate = standing.rate_per_s
    return terms.wait_time * wait + line.criticality_part - terms.request_rate * (rate / (rate + terms.rate_half_per_s))
