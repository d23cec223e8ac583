"""The variants of one model of which somebody knows what a replica serves, and what holds for all of them together."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.domain.observations import Inflow
from penstock.domain.readings import known
from penstock.domain.variants import ObjectKey
from penstock.scaling.capacity import Capacity, Cvs, Typical, capacity, typical
from penstock.scaling.cases import Case
from penstock.scaling.experience import Experience, Pending, pending
from penstock.scaling.history import LengthSums

NOMINAL: Final = (512.0, 256.0)
"""Tokens in and out of a model that never finished anything: they say which variants could serve, and nothing else."""


class Member(NamedTuple):
    """A variant of which somebody knows what a replica serves.

    `away`: it is not to be asked for more now. `fixed`: its number is not ours to choose now.
    """

    key: ObjectKey
    case: Case
    capacity: Capacity
    experience: Experience
    pending: Pending
    startup_s: float
    away: bool = False
    fixed: bool = False

    @property
    def base(self) -> int:
        """What was asked for."""
        return self.case.base or 0

    @property
    def counted(self) -> int:
        """What serves or will: asked for, without what finds no place, within bounds."""
        placed = max((self.case.base or 0) - self.pending.stuck, 0)
        return placed if self.fixed else self.case.terms.bounds.clamp(placed)


class Seen(NamedTuple):
    """The lengths of a model's requests, their means and coefficients of variation, and whether they are others now.

    `typical` are these, or the nominal ones of a model that never finished anything, as capacities are for.
    """

    sums: LengthSums
    means: tuple[float, float] | None
    cvs: Cvs
    typical: Typical
    other: bool

    @classmethod
    def of(cls, sums: LengthSums, *, other: bool) -> "Seen":
        """Work them out, once for all variants of the model."""
        means, cvs = sums.means, sums.cvs
        return cls(sums, means, cvs, typical(*(means or NOMINAL), cvs), other)


def members_of(
    cases: Sequence[Case],
    experiences: Mapping[ObjectKey, Experience],
    seen: Seen,
    inflow: Inflow | None,
) -> tuple[Member, ...]:
    """Return the variants whose capacity is known; a blind one only where a router counts what it serves."""
    counted = inflow is not None and known(inflow.arrivals_per_s) is not None
    found = []
    for case in cases:
        if case.blocked is not None and not counted:
            continue
        experience = experiences[case.key]
        each = capacity(case, experience, seen.typical)
        if each is not None and each.per_s > 0:
            found.append(_member(case, each, experience))
    return tuple(found)


def _member(case: Case, each: Capacity, experience: Experience) -> Member:
    startup_s = experience.starts.cautious_s(case.terms.startup_s)
    coming = pending(case.target, case.base or 0, experience, startup_s, case.now_s)
    away, fixed = experience.is_away(case.now_s), case.blocked is not None or case.variant.paused
    return Member(case.key, case, each, experience, coming, startup_s, away, fixed)


def asked_first(members: Sequence[Member]) -> Member:
    """Return the variant that would be asked for more: the cheapest per request with room."""
    able = [member for member in members if not (member.fixed or member.away)]
    return min(able or members, key=lambda member: (member.case.weight / member.capacity.per_s, member.key))


def patience_s_of(members: Sequence[Member]) -> float:
    """Return for how long a first token may be waited for, by the strictest target."""
    return min([member.case.terms.objective.slo.ttft_s for member in members])


def attainment_of(members: Sequence[Member]) -> float:
    """Return the share of requests to serve in time, by the strictest target."""
    return max([member.case.terms.objective.slo.attainment_ratio for member in members])
