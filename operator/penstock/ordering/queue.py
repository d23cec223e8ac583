"""The queue of one router: which request goes first and which one gives way, exact at every instant.

Inside a line the oldest is always the best and the youngest the worst, so the best of all is the best of the heads.
The keys of different lines drift against each other (capped waits, decaying means, moving rates): a heap that was
right a second ago is wrong now. So the heads are compared anew, which costs time per line and not per request.
"""

from collections.abc import Collection
from typing import Generic, Protocol

from penstock.domain.policies import Ordering
from penstock.ordering.fcfs import Fcfs
from penstock.ordering.line import Admits, AnyItem, Line, LineKey
from penstock.ordering.score import Score
from penstock.ordering.workload_aware import WorkloadAware


class Order(Protocol):
    """An ordering policy."""

    def first(self, lines: Collection[Line[AnyItem]], now_s: float, admits: Admits | None) -> Line[AnyItem] | None:
        """Return the line whose head goes next among those that `admits` lets go, or None."""
        ...

    def last(self, lines: Collection[Line[AnyItem]], now_s: float) -> Line[AnyItem]:
        """Return the line whose tail goes last of all."""
        ...

    def score(self, line: Line[AnyItem], item: AnyItem, now_s: float) -> Score | None:
        """Return what the item scores, where the policy scores."""
        ...


ORDERS: dict[Ordering, Order] = {Ordering.FCFS: Fcfs(), Ordering.WORKLOAD_AWARE: WorkloadAware()}
_BY_ARRIVAL = Fcfs()


class Queue(Generic[AnyItem]):
    """Requests in lines. Whoever changes a standing without adding or removing a request says so."""

    def __init__(self, ordering: Ordering) -> None:
        self._order = ORDERS[ordering]
        self._lines: dict[LineKey, Line[AnyItem]] = {}
        self._head: AnyItem | None = None
        self._head_at_s = -1.0

    def add(self, item: AnyItem, key: LineKey) -> None:
        """Queue an item that came after all others of its line."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key)
        line.append(item)
        self._head = None

    def remove(self, item: AnyItem, key: LineKey) -> None:
        """Take an item out.

        Raises:
            KeyError: it is not queued under this key.
        """
        line = self._lines[key]
        line.remove(item)
        if not line.items:
            del self._lines[key]
        self._head = None

    def standings_changed(self) -> None:
        """Note that what a workload has done changed."""
        self._head = None

    def peek(self, now_s: float) -> AnyItem | None:
        """Return the first of all, whatever its gate; free when asked again at the same instant."""
        if self._head is None or self._head_at_s != now_s:
            line = self._order.first(self._lines.values(), now_s, None)
            self._head, self._head_at_s = line.head if line else None, now_s
        return self._head

    def first(self, now_s: float, admits: Admits) -> AnyItem | None:
        """Return the first among those whose gate `admits` lets go."""
        line = self._order.first(self._lines.values(), now_s, admits)
        return line.head if line else None

    def oldest(self, admits: Admits) -> AnyItem | None:
        """Return the one that came first among those whose gate `admits` lets go."""
        line = _BY_ARRIVAL.first(self._lines.values(), 0.0, admits)
        return line.head if line else None

    def worst(self, now_s: float) -> AnyItem:
        """Return the one that would go last of all; the queue is not empty."""
        return self._order.last(self._lines.values(), now_s).tail

    def score(self, item: AnyItem, key: LineKey, now_s: float) -> Score | None:
        """Return what a queued item scores now; None where the ordering has no score."""
        return self._order.score(self._lines[key], item, now_s)
