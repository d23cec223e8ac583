"""A line of the queue: requests that only their own wait tells apart, in the order of their arrival."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from penstock.ordering.score import CRITICALITY_LEVELS, Standing, Terms


class Item(Protocol):
    """What the queue must know of a request: `seq` grows with each arrival, `arrived_s` never falls with it."""

    @property
    def seq(self) -> int:
        """Place in the order of arrival, unique."""
        ...

    @property
    def arrived_s(self) -> float:
        """Seconds of the router's clock."""
        ...


AnyItem = TypeVar("AnyItem", bound=Item)
# the gate is the caller's own: whoever put it into the key knows its type
Admits: TypeAlias = Callable[[Any], bool]


class LineKey(NamedTuple):
    """What all requests of a line share; `gate` is whatever decides for all of them whether they may go now."""

    standing: Standing
    criticality: int
    terms: Terms
    gate: Hashable


class Line(Generic[AnyItem]):
    """Never empty while it is in a queue. `head_seq` and `head_s` repeat what its oldest item says."""

    __slots__ = ("criticality_part", "head_s", "head_seq", "items", "key", "standing", "terms")

    def __init__(self, key: LineKey) -> None:
        self.key = key
        self.standing = key.standing
        self.terms = key.terms
        # the very expression of score(), so that both give the same bits
        self.criticality_part = key.terms.criticality * (key.criticality / CRITICALITY_LEVELS)
        self.items: OrderedDict[int, AnyItem] = OrderedDict()
        self.head_seq = -1
        self.head_s = 0.0

    @property
    def head(self) -> AnyItem:
        """The oldest item."""
        return self.items[self.head_seq]

    @property
    def tail(self) -> AnyItem:
        """The youngest item."""
        return self.items[next(reversed(self.items))]

    def append(self, item: AnyItem) -> None:
        """Take in an item younger than all others."""
        if not self.items:
            self.head_seq, self.head_s = item.seq, item.arrived_s
        self.items[item.seq] = item

    def remove(self, item: AnyItem) -> None:
        """Take out an item, wherever it stands.

        Raises:
            KeyError: it is not in this line.
        """
        del self.items[item.seq]
        if item.seq == self.head_seq and self.items:
            head = next(iter(self.items.values()))
            self.head_seq, self.head_s = head.seq, head.arrived_s
