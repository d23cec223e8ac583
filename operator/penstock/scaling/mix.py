"""The cheapest replicas of several variants that serve a need together: exact where that is small, else greedy.

Costs are per hour. A variant's cost is convex in its replicas: one that is started costs `start_cost` more, and one
that is kept `keep_gain` less, than its price, so that nothing is exchanged for a gain that the exchange eats up.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil, inf
from typing import Final, NamedTuple

from penstock.domain.variants import ObjectKey

MANY_VARIANTS: Final = 5
MANY_REPLICAS: Final = 20
_ROUNDING: Final = 1e-9
_NODES: Final = 4_000  # of the search tree: far above what such fleets need, a bound for what nobody foresaw


class Offer(NamedTuple):
    """What a variant gives: requests per second and price of a replica, and between which counts it may be.

    `base` replicas are there or on their way; `start_cost` is what starting one more adds to its price, `keep_gain`
    what keeping one saves.
    """

    key: ObjectKey
    capacity_per_s: float
    price: float
    floor: int
    ceiling: int | None
    base: int = 0
    start_cost: float = 0.0
    keep_gain: float = 0.0

    def cost(self, replicas: int) -> float:
        """Return what so many replicas cost, switching included."""
        started, kept = max(replicas - self.base, 0), min(replicas, self.base)
        return replicas * self.price + started * self.start_cost - kept * self.keep_gain

    def costs(self, top: int) -> list[float]:
        """Return what every number up to `top` costs."""
        price, base, start_cost, keep_gain = self.price, self.base, self.start_cost, self.keep_gain
        return [
            n * price + (n - base) * start_cost - base * keep_gain if n > base else n * price - n * keep_gain
            for n in range(top + 1)
        ]

    def serving(self, capacity_per_s: float) -> "Offer":
        """Return the offer with another capacity; this one if it is the same."""
        return self if capacity_per_s == self.capacity_per_s else self._replace(capacity_per_s=capacity_per_s)

    def within(self, floor: int, ceiling: int | None) -> "Offer":
        """Return the offer with other limits."""
        key, capacity_per_s, price, _, _, base, start_cost, keep_gain = self
        return Offer(key, capacity_per_s, price, floor, ceiling, base, start_cost, keep_gain)


@dataclass(frozen=True, slots=True)
class Mix:
    """Replicas by offer (in their order), their cost, the need they leave unserved, and the gap to the cheapest.

    `gap_ratio` is 0 where the search was exact, else by how much a cheaper mix could undercut this one at most.
    """

    replicas: tuple[int, ...]
    cost: float
    unserved_per_s: float = 0.0
    gap_ratio: float = 0.0


def capacity_of(offers: Sequence[Offer], replicas: Sequence[int]) -> float:
    """Return what so many replicas serve together, in requests per second."""
    return sum([offer.capacity_per_s * number for offer, number in zip(offers, replicas, strict=True)])


@lru_cache(maxsize=4096)
def cheapest(need_per_s: float, offers: tuple[Offer, ...]) -> Mix:
    """Return the cheapest mix that serves the need; everything there is where that does not suffice.

    More need never means less capacity: among the mixes that serve it the cheapest is taken, and of equals the first.
    """
    ceilings = tuple(_ceiling(offer, need_per_s) for offer in offers)
    most = capacity_of(offers, ceilings)
    if most < need_per_s - _ROUNDING:
        return Mix(ceilings, _cost(offers, ceilings), need_per_s - most)
    small = len(offers) <= MANY_VARIANTS and all(
        top - offer.floor <= MANY_REPLICAS for offer, top in zip(offers, ceilings, strict=True)
    )
    found = _greedy(need_per_s, offers, ceilings)
    if small:
        search = _Search(offers, ceilings, found)
        found = search.run(need_per_s)
        if search.nodes < _NODES:
            return Mix(found, _cost(offers, found))
    cost = _cost(offers, found)
    return Mix(found, cost, gap_ratio=_gap(need_per_s, offers, ceilings, cost))


def _gap(need_per_s: float, offers: Sequence[Offer], ceilings: Sequence[int], cost: float) -> float:
    """Return by how much of its cost a mix could be undercut at most: by replicas taken in parts."""
    floors = [offer.floor for offer in offers]
    bound = _cost(offers, floors) + _Parts(offers, ceilings).least(need_per_s - capacity_of(offers, floors))
    return max(cost - bound, 0.0) / cost if cost > 0 else 0.0


def _ceiling(offer: Offer, need_per_s: float) -> int:
    """Return the most that can be of use: what is written, or what serves the whole need alone."""
    alone = ceil(need_per_s / offer.capacity_per_s - _ROUNDING) if need_per_s > 0 else 0
    useful = max(offer.floor, alone)
    return useful if offer.ceiling is None else max(min(offer.ceiling, useful), offer.floor)


def _cost(offers: Sequence[Offer], replicas: Sequence[int]) -> float:
    return sum(offer.cost(number) for offer, number in zip(offers, replicas, strict=True))


def _marginal(offer: Offer, replicas: int) -> float:
    """Return what one more than `replicas` costs."""
    return offer.price - offer.keep_gain if replicas < offer.base else offer.price + offer.start_cost


class _Parts:
    """What replicas taken in parts would cost at least: the cheapest per request first, beyond what floors serve.

    `served` and `cost` add up the parts in that order, and `rates` is what a request per second costs in each.
    """

    def __init__(self, offers: Iterable[Offer], ceilings: Iterable[int]) -> None:
        parts = sorted(part for offer, top in zip(offers, ceilings, strict=True) for part in _segments(offer, top))
        self.rates = [rate for rate, _ in parts]
        self.served = [0.0, *accumulate(room for _, room in parts)]
        self.cost = [0.0, *accumulate(rate * room for rate, room in parts)]

    def least(self, need_per_s: float) -> float:
        """Return a cost that no mix undercuts; infinite where all of them together do not serve the need."""
        if need_per_s <= _ROUNDING:
            return 0.0
        place = bisect_left(self.served, need_per_s - _ROUNDING) - 1
        if place == len(self.rates):
            return inf
        return self.cost[place] + self.rates[place] * (need_per_s - self.served[place])


def _segments(offer: Offer, top: int) -> Iterator[tuple[float, float]]:
    """Yield what a request per second costs, and how many there are at that: with replicas kept, and with new ones."""
    kept = max(min(offer.base, top) - offer.floor, 0)
    if kept:
        yield (offer.price - offer.keep_gain) / offer.capacity_per_s, kept * offer.capacity_per_s
    fresh = top - offer.floor - kept
    if fresh:
        yield (offer.price + offer.start_cost) / offer.capacity_per_s, fresh * offer.capacity_per_s


def _greedy(need_per_s: float, offers: Sequence[Offer], ceilings: Sequence[int]) -> tuple[int, ...]:
    """Fill with the cheapest per request, then repair: leave out what is not needed, the dearest first."""
    numbers = [offer.floor for offer in offers]
    left = need_per_s - capacity_of(offers, numbers)
    steps = sorted(
        (_marginal(offer, at) / offer.capacity_per_s, index, at, stop)
        for index, (offer, top) in enumerate(zip(offers, ceilings, strict=True))
        for at, stop in ((offer.floor, min(max(offer.base, offer.floor), top)), (max(offer.base, offer.floor), top))
        if stop > at
    )
    for _, index, at, stop in steps:
        if left <= _ROUNDING:
            break
        added = min(stop - at, ceil(left / offers[index].capacity_per_s - _ROUNDING))
        numbers[index] += added
        left -= added * offers[index].capacity_per_s
    return _repaired(need_per_s, offers, numbers)


def _repaired(need_per_s: float, offers: Sequence[Offer], numbers: list[int]) -> tuple[int, ...]:
    spare = capacity_of(offers, numbers) - need_per_s + _ROUNDING
    for index in sorted(range(len(offers)), key=lambda i: -_marginal(offers[i], numbers[i] - 1)):
        offer = offers[index]
        unneeded = min(int(spare / offer.capacity_per_s), numbers[index] - offer.floor)
        numbers[index] -= unneeded
        spare -= unneeded * offer.capacity_per_s
    return tuple(numbers)


def _least_rate(offer: Offer) -> float:
    """Return the least that a request per second may cost with this offer."""
    each = offer.price - offer.keep_gain if offer.base > offer.floor else offer.price + offer.start_cost
    return each / offer.capacity_per_s


class _Search:
    """Branch and bound over replica counts, offers in order of what a request costs at best."""

    def __init__(self, offers: Sequence[Offer], ceilings: Sequence[int], first: tuple[int, ...]) -> None:
        self.offers, self.ceilings = offers, ceilings
        self.order = sorted(range(len(offers)), key=lambda i: (_least_rate(offers[i]), i))
        self.costs = [o.costs(top) for o, top in zip(offers, ceilings, strict=True)]
        self.best, self.best_cost = first, _cost(offers, first)
        self.numbers = [0] * len(offers)
        self.nodes = 0
        self.parts = [self._parts(depth) for depth in range(len(offers) + 1)]

    def _parts(self, depth: int) -> _Parts:
        """Return the offers from there on, taken in parts."""
        rest = self.order[depth:]
        return _Parts([self.offers[index] for index in rest], [self.ceilings[index] for index in rest])

    def run(self, need_per_s: float) -> tuple[int, ...]:
        """Return the cheapest counts."""
        floors = [offer.cost(offer.floor) for offer in self.offers]
        left = need_per_s - sum(offer.floor * offer.capacity_per_s for offer in self.offers)
        self._descend(0, left, sum(floors))
        return self.best

    def _descend(self, depth: int, left: float, cost: float) -> None:
        """Try every count of the offer at `depth`; `cost` holds the floors of those below."""
        self.nodes += 1
        if depth == len(self.order):
            self._keep(left, cost)
            return
        index = self.order[depth]
        offer, costs, below = self.offers[index], self.costs[index], self.parts[depth + 1]
        floor_cost = cost - costs[offer.floor]
        enough = offer.floor + max(ceil(left / offer.capacity_per_s - _ROUNDING), 0)
        before = inf
        for number in range(min(self.ceilings[index], enough), offer.floor - 1, -1):
            now = floor_cost + costs[number]
            rest = left - (number - offer.floor) * offer.capacity_per_s
            least = now + below.least(rest)
            if least < self.best_cost - _ROUNDING:
                if self.nodes < _NODES:
                    self.numbers[index] = number
                    self._descend(depth + 1, rest, now)
            elif least >= before:  # costs are convex: fewer replicas only cost more from here on
                break
            before = least

    def _keep(self, left: float, cost: float) -> None:
        if left <= _ROUNDING and cost < self.best_cost - _ROUNDING:
            self.best, self.best_cost = tuple(self.numbers), cost
