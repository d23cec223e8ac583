"""All models under quotas together: what is too much is cut where least is lost by it, and need moves elsewhere.

First what is new, then what runs; of the least important class first; then where the fewest requests, and after them
the least money, are lost for each accelerator. What a cut sets free beyond need is given back in the opposite order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, NamedTuple

from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Quota
from penstock.scaling.members import Member
from penstock.scaling.model import Model
from penstock.scaling.plan import Plan
from penstock.scaling.quotas import Claim
from penstock.scaling.shares import Limits, Share, is_better, is_within, running

_ROUNDS: Final = 96
"""Cuts in one pass: far above what fleets of some models need; `grant` has the last word on what is left."""
_STRIDE: Final = 16
"""A large excess is cut in about so many steps."""
_FEW: Final = 16
_SWEEPS: Final = 2
"""So many ceilings are few enough to try, so many times, whether an exchange wins anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One share after one more ceiling, and what that costs. The least of all is made."""

    index: int
    share: Share
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
    shares = [Share(model=model, free=found, found=found) for model, found in plans]
    limits = Limits(quotas=quotas, others=others)
    shares = _fitted(shares, limits)
    if not any(one.rooms for one in shares):
        return Shared([found for _, found in plans])
    lack = f"{_ROUNDS} cuts were not enough" if _next_cut(shares, limits, None) is not None else ""
    better = _swapped(_given_back(shares, limits), limits)
    return Shared([one.plan for one in better], lack)


def _fitted(shares: Sequence[Share], limits: Limits, keep: ObjectKey | None = None) -> list[Share]:
    """Return the shares cut until no quota is exceeded; nothing is cut of `keep`, and what runs neither if one is."""
    fitted = list(shares)
    for _ in range(_ROUNDS):
        cut = _next_cut(fitted, limits, keep)
        if cut is None:
            break
        fitted[cut.index] = cut.share
    return fitted


def _next_cut(shares: Sequence[Share], limits: Limits, keep: ObjectKey | None) -> _Cut | None:
    """Return what is to be cut next; None where no quota is exceeded, or nothing can be cut."""
    over = next((pair for pair in zip(limits.quotas, limits.excesses(shares), strict=True) if pair[1]), None)
    return None if over is None else _least_cut(shares, *over, keep)


def _least_cut(shares: Sequence[Share], quota: Quota, excess: int, keep: ObjectKey | None) -> _Cut | None:
    """Return the cut that loses least, of the class and kind that come first; None where nothing can be cut."""
    open_ = [
        (_runs(member, one), -one.priority, index, member)
        for index, one in enumerate(shares)
        for member in one.model.members
        if is_within(quota, member) and _may_cut(member, one, keep)
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


def _may_cut(member: Member, of: Share, keep: ObjectKey | None) -> bool:
    least = _last(member) if keep is None else running(member)
    return member.key != keep and not member.fixed and of.counts(member) > least


def _runs(member: Member, of: Share) -> bool:
    return of.counts(member) <= running(member)


def _last(member: Member) -> int:
    """Return what no quota takes: the last replica of what runs."""
    return min(running(member), 1)


def _cuts(of: Share, index: int, member: Member, quota: Quota, excess: int, *, runs: bool) -> Iterable[_Cut]:
    """Yield fewer replicas of one variant: with need moved anywhere, and out of the quota alone."""
    now = of.counts(member)
    step = max(ceil(excess / member.case.terms.accelerators_per_replica) // _STRIDE, 1)
    left = max(now - step, _last(member) if runs else running(member))
    inside = {one.key: of.counts(one) for one in of.model.members if is_within(quota, one)}
    for rooms in ({member.key: left}, {**inside, member.key: left}):
        after = of.narrowed(rooms, quota)
        freed = of.taken(quota) - after.taken(quota)
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


def _given_back(shares: list[Share], limits: Limits) -> list[Share]:
    """Return the shares with every ceiling raised that quotas leave room for, the most important class first."""
    for index in sorted((i for i, one in enumerate(shares) if one.rooms), key=lambda i: (shares[i].priority, i)):
        for key in sorted(shares[index].rooms):
            while is_better(raised := _raised(shares, index, key), shares) and limits.hold(raised, shares):
                shares = raised
    return shares


def _swapped(shares: list[Share], limits: Limits) -> list[Share]:
    """Return the shares after exchanges of one replica for others, as long as one of them wins anything."""
    ceilings = [(index, key) for index, one in enumerate(shares) for key in sorted(one.rooms)]
    for index, key in ceilings * _SWEEPS if len(ceilings) <= _FEW else ():
        trial = _given_back(_fitted(_raised(shares, index, key), limits, key), limits)
        if is_better(trial, shares) and limits.hold(trial, shares):
            shares = trial
    return shares


def _raised(shares: list[Share], index: int, key: ObjectKey) -> list[Share]:
    """Return the shares with room for one more of a variant."""
    return [*shares[:index], shares[index].raised(key), *shares[index + 1 :]]
