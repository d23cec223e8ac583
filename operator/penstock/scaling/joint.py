"""All models under quotas together: what is too much is cut where least is lost by it, and need moves elsewhere.

First what is new, then what runs; of the least important class first; then where the fewest requests, and after them
the least money, are lost for each accelerator. What a cut sets free beyond need is given back in the opposite order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Final, NamedTuple

from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Quota
from penstock.scaling.model import Member, Model
from penstock.scaling.plan import Plan, plan
from penstock.scaling.quotas import Claim, concerns

_ROUNDS: Final = 96
"""Cuts in one pass: far above what fleets of some models need; `grant` has the last word on what is left."""
_STRIDE: Final = 16
"""A large excess is cut in about so many steps."""
_FEW: Final = 16
_SWEEPS: Final = 2
"""So many ceilings are few enough to try, so many times, whether an exchange wins anything."""
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
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
        return replace(self.found, bound=bound, gap_ratio=max(1 - least / cost, 0.0) if cost > 0 else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One share after one more ceiling, and what that costs. The least of all is made."""

    index: int
    share: _Share
    key: ObjectKey
    runs: bool
    unserved: float
    money: float

    @property
    def order(self) -> tuple[bool, int, float, float, ObjectKey, int]:
        """What is cut first."""
        return self.runs, -self.share.priority, self.unserved, self.money, self.key, self.index


class Shared(NamedTuple):
    """Plans within the quotas; `lack` tells why they are not, where more could have been cut."""

    plans: Sequence[Plan]
    lack: str = ""


def share(plans: Sequence[tuple[Model, Plan]], others: Sequence[Claim], quotas: Sequence[Quota]) -> Shared:
    """Return the plans, in their order, within the quotas as far as that can be; `others` only take of them.

    Without a quota that binds, the plans as they are, at no cost.
    """
    shares = [_Share(model=model, free=found, found=found) for model, found in plans]
    limits = _Limits(quotas=quotas, others=others)
    shares = _fitted(shares, limits)
    if not any(one.rooms for one in shares):
        return Shared([found for _, found in plans])
    lack = f"{_ROUNDS} cuts were not enough" if _next_cut(shares, limits, None) is not None else ""
    better = _swapped(_given_back(shares, limits), limits)
    return Shared([one.plan for one in better], lack)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Quotas, and what others take of them."""

    quotas: Sequence[Quota]
    others: Sequence[Claim]

    def excesses(self, shares: Sequence[_Share]) -> list[int]:
        """Return by how many accelerators each quota is exceeded, 0 where it is not."""
        return [max(self._taken(quota, shares) - quota.max_accelerators, 0) for quota in self.quotas]

    def _taken(self, quota: Quota, shares: Iterable[_Share]) -> int:
        fixed = sum(one.wanted * one.accelerators_per_replica for one in self.others if concerns(quota, one))
        return fixed + sum(_taken(quota, one) for one in shares)


def _fitted(shares: Sequence[_Share], limits: _Limits, keep: ObjectKey | None = None) -> list[_Share]:
    """Return the shares cut until no quota is exceeded; nothing is cut of `keep`, and what runs neither if one is."""
    fitted = list(shares)
    for _ in range(_ROUNDS):
        cut = _next_cut(fitted, limits, keep)
        if cut is None:
            break
        fitted[cut.index] = cut.share
    return fitted


def _next_cut(shares: Sequence[_Share], limits: _Limits, keep: ObjectKey | None) -> _Cut | None:
    """Return what is to be cut next; None where no quota is exceeded, or nothing can be cut."""
    over = next((pair for pair in zip(limits.quotas, limits.excesses(shares), strict=True) if pair[1]), None)
    return None if over is None else _least_cut(shares, *over, keep)


def _cost(found: Plan) -> float:
    return sum(offer.cost(found.goal[offer.key]) for offer in found.offers)


def _taken(quota: Quota, of: _Share) -> int:
    return sum(
        _counts(member, of.found) * member.case.terms.accelerators_per_replica
        for member in of.model.members
        if _within(quota, member)
    )


def _within(quota: Quota, member: Member) -> bool:
    return quota.accelerator in {"", member.case.terms.accelerator} and quota.namespace in {"", member.key.namespace}


def _counts(member: Member, found: Plan) -> int:
    """Return what is asked for beyond what runs, else what remains once everything serves."""
    asked, goal = found.replicas[member.key], found.goal[member.key]
    return asked if asked > _running(member) else goal


def _running(member: Member) -> int:
    return member.case.target.current or 0


def _least_cut(shares: Sequence[_Share], quota: Quota, excess: int, keep: ObjectKey | None) -> _Cut | None:
    """Return the cut that loses least, of the class and kind that come first; None where nothing can be cut."""
    open_ = [
        (_runs(member, one.found), -one.priority, index, member)
        for index, one in enumerate(shares)
        for member in one.model.members
        if _within(quota, member) and _may_cut(member, one.found, keep)
    ]
    for kind in sorted({entry[:2] for entry in open_}):
        cuts = [
            cut
            for runs, _, index, member in (entry for entry in open_ if entry[:2] == kind)
            for cut in _cuts(shares[index], index, member, quota, excess, runs=runs)
        ]
        if cuts:
            return min(cuts, key=lambda cut: cut.order)
    return None


def _may_cut(member: Member, found: Plan, keep: ObjectKey | None) -> bool:
    least = _last(member) if keep is None else _running(member)
    return member.key != keep and not member.fixed and _counts(member, found) > least


def _runs(member: Member, found: Plan) -> bool:
    return _counts(member, found) <= _running(member)


def _last(member: Member) -> int:
    """Return what no quota takes: the last replica of what runs."""
    return min(_running(member), 1)


def _cuts(of: _Share, index: int, member: Member, quota: Quota, excess: int, *, runs: bool) -> Iterable[_Cut]:
    """Yield fewer replicas of one variant: with need moved anywhere, and out of the quota alone."""
    now = _counts(member, of.found)
    step = max(ceil(excess / member.case.terms.accelerators_per_replica) // _STRIDE, 1)
    left = max(now - step, _last(member) if runs else _running(member))
    inside = {one.key: _counts(one, of.found) for one in of.model.members if _within(quota, one)}
    for rooms in ({member.key: left}, {**inside, member.key: left}):
        after = _planned(of, rooms, quota)
        freed = _taken(quota, of) - _taken(quota, after)
        if freed > 0:
            unserved = max(after.found.unserved_per_s - of.found.unserved_per_s, 0.0)
            yield _Cut(
                index=index,
                share=after,
                key=member.key,
                runs=runs,
                unserved=round(unserved / freed, 9),
                money=round((after.cost - of.cost) / freed, 9),
            )


def _planned(of: _Share, rooms: Mapping[ObjectKey, int], quota: Quota) -> _Share:
    """Return the share planned again with rooms that are no larger than before."""
    narrower = {key: min(room, of.rooms.get(key, room)) for key, room in rooms.items()}
    by = {**of.by} | {key: quota for key, room in narrower.items() if room != of.rooms.get(key)}
    return _replanned(replace(of, rooms={**of.rooms, **narrower}, by=by))


def _replanned(of: _Share) -> _Share:
    return replace(of, found=plan(of.model, of.rooms))


def _given_back(shares: list[_Share], limits: _Limits) -> list[_Share]:
    """Return the shares with every ceiling raised that quotas leave room for, the most important class first."""
    for index in sorted((i for i, one in enumerate(shares) if one.rooms), key=lambda i: (shares[i].priority, i)):
        for key in sorted(shares[index].rooms):
            while _is_better(raised := _raised(shares, index, key), shares) and _fits(raised, shares, limits):
                shares = raised
    return shares


def _swapped(shares: list[_Share], limits: _Limits) -> list[_Share]:
    """Return the shares after exchanges of one replica for others, as long as one of them wins anything."""
    ceilings = [(index, key) for index, one in enumerate(shares) for key in sorted(one.rooms)]
    for index, key in ceilings * _SWEEPS if len(ceilings) <= _FEW else ():
        trial = _given_back(_fitted(_raised(shares, index, key), limits, key), limits)
        if _is_better(trial, shares) and _fits(trial, shares, limits):
            shares = trial
    return shares


def _raised(shares: list[_Share], index: int, key: ObjectKey) -> list[_Share]:
    """Return the shares with room for one more of a variant."""
    of = shares[index]
    return [*shares[:index], _replanned(replace(of, rooms={**of.rooms, key: of.rooms[key] + 1})), *shares[index + 1 :]]


def _fits(trial: list[_Share], before: list[_Share], limits: _Limits) -> bool:
    return all(now <= then for now, then in zip(limits.excesses(trial), limits.excesses(before), strict=True))


def _is_better(trial: Sequence[_Share], before: Sequence[_Share]) -> bool:
    """Whether the most important class that differs serves more, or as much for less."""
    changes: dict[int, list[float]] = {}
    for new, old in zip(trial, before, strict=True):
        change = changes.setdefault(old.priority, [0.0, 0.0])
        change[0] += new.found.unserved_per_s - old.found.unserved_per_s
        change[1] += new.cost - old.cost
    first = next((part for _, pair in sorted(changes.items()) for part in pair if abs(part) > _TINY), 0.0)
    return first < 0
