"""What happens when, apart from traffic: a heap of calls under virtual time."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

NEVER: Final = float("inf")


class Rank(IntEnum):
    """Who goes first at one instant: the platform, then the scrape that sees it, then the policy that decides on it."""

    PLATFORM = 0
    SCRAPE = 1
    POLICY = 2


@dataclass(slots=True)
class Agenda:
    """Calls in the order of their times; each is told its time. `next_s` is when the next one is due."""

    next_s: float = NEVER
    _heap: list[tuple[float, Rank, int, Callable[[float], None]]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    def at(self, when_s: float, rank: Rank, action: Callable[[float], None]) -> None:
        """Have `action` called at a time."""
        heapq.heappush(self._heap, (when_s, rank, next(self._order), action))
        self.next_s = self._heap[0][0]

    def step(self) -> None:
        """Make the next call."""
        when_s, _, _, action = heapq.heappop(self._heap)
        self.next_s = self._heap[0][0] if self._heap else NEVER
        action(when_s)
