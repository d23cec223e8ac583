"""The queue of one router: which request goes first and which one gives way, exact at every instant.

Inside a line the oldest is always the best and the youngest the worst, so the best of all is the best of the heads,
and finding it costs time per line at most, never per request.
"""

from typing import Generic, Protocol

from penstock.domain.policies import Ordering
from penstock.ordering.fcfs import Fcfs
from penstock.ordering.line import Admits, AnyItem, Line, LineKey
from penstock.ordering.score import Score, Standing
from penstock.ordering.workload_aware import WorkloadAware


class Order(Protocol[AnyItem]):
    """An ordering policy over the lines of one queue. Lines that have run empty count for nothing."""

    def opened(self, line: Line[AnyItem]) -> None:
        """Take in a line that has just got its first item."""
        ...

    def standing_changed(self, standing: Standing) -> None:
        """Note that scores of a workload may have risen within the second."""
        ...

    def first(self, now_s: float, admits: Admits | None) -> Line[AnyItem] | None:
        """Return the line whose head goes next among those that `admits` lets go, or None."""
        ...

    def last(self, now_s: float) -> Line[AnyItem]:
        """Return the line whose tail goes last of all; the queue is not empty."""
        ...

    def score(self, line: Line[AnyItem], item: AnyItem, now_s: float) -> Score | None:
        """Return what the item scores, where the policy scores."""
        ...


class Queue(Generic[AnyItem]):
    """Requests in lines; `ordering` is one that this version can run.

    Who changes a standing, other than by an arrival that is added next or by the passing of seconds, says so.
    """

    def __init__(self, ordering: Ordering) -> None:
        self._lines: dict[LineKey, Line[AnyItem]] = {}
        self._by_arrival = Fcfs(self._lines)
        scored: Order[AnyItem] = WorkloadAware(self._lines)
        self._order = self._by_arrival if ordering is Ordering.FCFS else scored
        self._head: AnyItem | None = None
        self._head_at_s = -1.0

    def add(self, item: AnyItem, key: LineKey) -> Line[AnyItem]:
        """Queue an item that came after all others of its line, and return the line."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key)
            line.append(item)
            self._order.opened(line)
        else:
            line.append(item)
        self._head = None
        return line

    def remove(self, item: AnyItem, line: Line[AnyItem]) -> None:
        """Take an item out of its line.

        Raises:
            KeyError: it is not there.
        """
        line.remove(item)
        if not line.items:
            del self._lines[line.key]
        self._head = None

    def standing_changed(self, standing: Standing) -> None:
        """Note that what a workload has done changed, by more than the arrival of what is added next."""
        self._order.standing_changed(standing)
        self._head = None

    def peek(self, now_s: float) -> AnyItem | None:
        """Return the first of all, whatever its gate; free when asked again at the same instant."""
        if self._head is None or self._head_at_s != now_s:
            line = self._order.first(now_s, None)
            self._head, self._head_at_s = line.head if line else None, now_s
        return self._head

    def first(self, now_s: float, admits: Admits) -> AnyItem | None:
        """Return the first among those whose gate `admits` lets go."""
        line = self._order.first(now_s, admits)
        return line.head if line else None

    def oldest(self, admits: Admits) -> AnyItem | None:
        """Return the one that came first among those whose gate `admits` lets go."""
        line = self._by_arrival.first(0.0, admits)
        return line.head if line else None

    def worst(self, now_s: float) -> AnyItem:
        """Return the one that would go last of all; the queue is not empty."""
        return self._order.last(now_s).tail

    def score(self, item: AnyItem, line: Line[AnyItem], now_s: float) -> Score | None:
        """Return what an item of a line scores now; None where the ordering has no score."""
        return self._order.score(line, item, now_s)
