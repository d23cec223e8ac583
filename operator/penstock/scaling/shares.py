"""A model's share of quotas: its plan within the ceilings that they set, and what that takes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Quota
from penstock.scaling.members import Member
from penstock.scaling.model import Model
from penstock.scaling.plan import Plan, plan
from penstock.scaling.quotas import Claim, concerns

_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A model's plan within `rooms`, ceilings that quotas set; `by` is the quota of each, `free` the plan without."""

    model: Model
    free: Plan
    found: Plan
    rooms: Mapping[ObjectKey, int] = field(default_factory=dict)
    by: Mapping[ObjectKey, Quota] = field(default_factory=dict)

    @property
    def cost(self) -> float:
        """Money per hour once the plan is reached, what switching costs included."""
        return _cost(self.found)

    @property
    def priority(self) -> int:
        """Of the most important of its variants; 1 comes before 100."""
        return min(member.case.terms.objective.priority for member in self.model.members)

    @property
    def plan(self) -> Plan:
        """The plan, the quotas that keep variants from more, and how much less money it could take at most."""
        if not self.rooms:
            return self.found
        goal, free = self.found.goal, self.free.goal
        bound = {key: by for key, by in self.by.items() if goal[key] >= self.rooms[key] or goal[key] < free[key]}
        least, cost = _cost(self.free) * (1 - self.free.gap_ratio), self.cost
        return self.found._replace(bound=bound, gap_ratio=max(1 - least / cost, 0.0) if cost > 0 else 0.0)

    def counts(self, member: Member) -> int:
        """Return what is asked for beyond what runs, else what remains once everything serves."""
        asked, goal = self.found.replicas[member.key], self.found.goal[member.key]
        return asked if asked > running(member) else goal

    def taken(self, quota: Quota) -> int:
        """Return how many accelerators of a quota it takes."""
        return sum(
            self.counts(member) * member.case.terms.accelerators_per_replica
            for member in self.model.members
            if is_within(quota, member)
        )

    def narrowed(self, rooms: Mapping[ObjectKey, int], quota: Quota) -> "Share":
        """Return it planned again with rooms that are no larger than before."""
        narrower = {key: min(room, self.rooms.get(key, room)) for key, room in rooms.items()}
        by = {**self.by} | {key: quota for key, room in narrower.items() if room != self.rooms.get(key)}
        return self._planned({**self.rooms, **narrower}, by)

    def raised(self, key: ObjectKey) -> "Share":
        """Return it planned again with room for one more of a variant."""
        return self._planned({**self.rooms, key: self.rooms[key] + 1}, self.by)

    def _planned(self, rooms: Mapping[ObjectKey, int], by: Mapping[ObjectKey, Quota]) -> "Share":
        return replace(self, rooms=rooms, by=by, found=plan(self.model, rooms))


def _cost(found: Plan) -> float:
    return sum(offer.cost(found.goal[offer.key]) for offer in found.offers)


def is_within(quota: Quota, member: Member) -> bool:
    """Whether a variant takes of a quota."""
    return quota.accelerator in {"", member.case.terms.accelerator} and quota.namespace in {"", member.key.namespace}


def running(member: Member) -> int:
    """Return how many replicas there are."""
    return member.case.target.current or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Quotas, and what others take of them."""

    quotas: Sequence[Quota]
    others: Sequence[Claim]

    def excesses(self, shares: Sequence[Share]) -> list[int]:
        """Return by how many accelerators each quota is exceeded, 0 where it is not."""
        return [max(self._taken(quota, shares) - quota.max_accelerators, 0) for quota in self.quotas]

    def hold(self, shares: Sequence[Share], before: Sequence[Share]) -> bool:
        """Whether no quota is exceeded by more than before."""
        return all(now <= then for now, then in zip(self.excesses(shares), self.excesses(before), strict=True))

    def _taken(self, quota: Quota, shares: Iterable[Share]) -> int:
        fixed = sum(one.wanted * one.accelerators_per_replica for one in self.others if concerns(quota, one))
        return fixed + sum(one.taken(quota) for one in shares)


def is_better(shares: Sequence[Share], before: Sequence[Share]) -> bool:
    """Whether the most important class that differs serves more, or as much for less."""
    changes: dict[int, list[float]] = {}
    for new, old in zip(shares, before, strict=True):
        change = changes.setdefault(old.priority, [0.0, 0.0])
        change[0] += new.found.unserved_per_s - old.found.unserved_per_s
        change[1] += new.cost - old.cost
    first = next((part for _, pair in sorted(changes.items()) for part in pair if abs(part) > _TINY), 0.0)
    return first < 0
