"""One model's demand spread over its variants, so that they serve it together and not each of them alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from penstock.domain.variants import ObjectKey
from penstock.engine.queueing import replicas_for

MOVING_IS_WORTH: Final = 0.9
"""A replica that serves already counts a tenth cheaper: WVA's penalty for moving, so that near ties do not swing."""


class Tranche(NamedTuple):
    """Replicas of one variant that cost the same; sorts by price, then name."""

    price: float
    key: ObjectKey
    capacity_per_s: float
    room: float
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A variant in the split: what a replica serves per second and costs, and between which counts it may move.

    `current` replicas were asked for, `ready` of them serve, `stuck` of them found no place.
    """

    key: ObjectKey
    capacity_per_s: float
    weight: float
    floor: int
    ceiling: int | None
    current: int = 0
    ready: int = 0
    stuck: int = 0

    @property
    def tranches(self) -> tuple[Tranche, Tranche]:
        """What may be added to the floor: replicas that serve already, which count a tenth cheaper, and new ones."""
        price, most = self.weight / self.capacity_per_s, float("inf") if self.ceiling is None else self.ceiling
        serving = max(min(self.ready, self.current, most), self.floor)
        return (
            Tranche(price * MOVING_IS_WORTH, self.key, self.capacity_per_s, serving - self.floor, is_last=False),
            Tranche(price, self.key, self.capacity_per_s, max(most - serving, 0), is_last=True),
        )

    @property
    def reachable(self) -> int | None:
        """The ceiling that can really be had."""
        if not self.stuck:
            return self.ceiling
        placed = max(self.current - self.stuck, self.floor)
        return placed if self.ceiling is None else min(placed, self.ceiling)


@dataclass(frozen=True, slots=True)
class Split:
    """Replicas per variant, requests per second that none could take, and who would have taken more."""

    replicas: Mapping[ObjectKey, int]
    unserved_per_s: float
    full: frozenset[ObjectKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allotment:
    """What a model needs of each variant; who is at its ceiling, who stands in for a stuck one, who has too much.

    `above_need` are those of which one replica fewer would do, were it not for their floor.
    """

    replicas: Mapping[ObjectKey, int]
    full: frozenset[ObjectKey]
    standing_in: frozenset[ObjectKey]
    above_need: frozenset[ObjectKey]


def allot(need_per_s: float, shares: Sequence[Share]) -> Allotment:
    """Spread the need; more of it never means fewer replicas of any variant.

    A stuck variant is asked for no more while others have room, but keeps what it has asked for. What is ready stays
    until that which shall take over is ready too.
    """
    plain = split(need_per_s, shares)
    around = _around(need_per_s, shares)
    ready = split(need_per_s, [replace(s, floor=0, ceiling=min(s.ready, s.current)) for s in shares]).replicas
    asked = {s.key: min(plain.replicas[s.key], s.current) if s.stuck else 0 for s in shares}
    spare = sum(s.floor * s.capacity_per_s for s in shares) - need_per_s
    return Allotment(
        replicas={key: max(number, ready[key], asked[key]) for key, number in around.replicas.items()},
        full=plain.full,
        standing_in=frozenset(key for key, number in around.replicas.items() if number > plain.replicas[key]),
        above_need=frozenset(s.key for s in shares if s.floor and spare >= s.capacity_per_s),
    )


def split(need_per_s: float, shares: Sequence[Share]) -> Split:
    """Give every variant its floor, and the rest to the cheapest per request served, each up to its ceiling."""
    replicas = {share.key: share.floor for share in shares}
    rest = need_per_s - sum(share.floor * share.capacity_per_s for share in shares)
    full: set[ObjectKey] = set()
    for tranche in sorted(tranche for share in shares for tranche in share.tranches):
        asked = max(replicas_for(rest, tranche.capacity_per_s), 0)
        added = min(asked, tranche.room)
        replicas[tranche.key] += int(added)
        if added == asked:  # what rounding leaves over is nobody's
            return Split(replicas, 0.0, frozenset(full))
        rest -= added * tranche.capacity_per_s
        if tranche.is_last:
            full.add(tranche.key)
    return Split(replicas, rest, frozenset(full))


def _around(need_per_s: float, shares: Sequence[Share]) -> Split:
    """Split over what can really be had, and what is left over even to those that are stuck: somebody must be asked."""
    first = split(need_per_s, [replace(share, ceiling=share.reachable) for share in shares])
    if not first.unserved_per_s:
        return first
    return split(need_per_s, [replace(share, floor=first.replicas[share.key]) for share in shares])
