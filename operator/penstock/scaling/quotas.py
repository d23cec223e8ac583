"""At most so many accelerators: quotas granted by priority, what runs before what is new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import LimitReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.cases import Case
from penstock.scaling.config import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Replicas that a variant wants and that it has; priority 1 comes before 100. A `fixed` claim only counts."""

    key: ObjectKey
    accelerator: str | None
    accelerators_per_replica: int
    priority: int
    wanted: int
    running: int
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Replicas allowed; `by` is the quota that allowed no more, or None."""

    replicas: int
    by: Quota | None = None


def claimed(case: Case, wanted: int, *, fixed: bool) -> Claim:
    """Return the claim of a variant."""
    return Claim(
        key=case.key,
        accelerator=case.terms.accelerator,
        accelerators_per_replica=case.terms.accelerators_per_replica,
        priority=case.terms.objective.priority,
        wanted=wanted,
        running=case.target.current or 0,
        fixed=fixed,
    )


def in_words(quota: Quota) -> str:
    """Return how many of what."""
    return f"{quota.max_accelerators} {quota.accelerator or 'accelerators'}"


def limit(quota: Quota) -> Verdict[LimitReason]:
    """Return the verdict on a variant that a quota allows no more."""
    return Verdict(LimitReason.QUOTA, {"limit": f"quota {in_words(quota)}", "where": quota.where})


def grant(claims: Sequence[Claim], quotas: Sequence[Quota]) -> Mapping[ObjectKey, Grant]:
    """Return what each claim gets. No quota takes the last replica of what runs: only idleness leads to zero."""
    granted = {claim.key: Grant(claim.wanted) for claim in claims}
    ordered = sorted(claims, key=lambda claim: (not claim.fixed, claim.priority, claim.key))
    for quota in quotas:
        concerned = [claim for claim in ordered if concerns(quota, claim)]
        granted |= _within(quota, concerned, granted)
    return granted


def concerns(quota: Quota, claim: Claim) -> bool:
    """Whether a claim takes of a quota."""
    return quota.accelerator in {"", claim.accelerator} and quota.namespace in {"", claim.key.namespace}


def _within(quota: Quota, claims: Sequence[Claim], granted: Mapping[ObjectKey, Grant]) -> dict[ObjectKey, Grant]:
    wanted = {claim.key: granted[claim.key].replicas for claim in claims}
    left, given = quota.max_accelerators, dict.fromkeys(wanted, 0)
    for already_running in (True, False):
        for claim in claims:
            goal = min(wanted[claim.key], claim.running) if already_running else wanted[claim.key]
            more = _affordable(claim, goal - given[claim.key], left, given[claim.key])
            given[claim.key] += more
            left -= more * claim.accelerators_per_replica
    return {key: Grant(number, quota if number < wanted[key] else granted[key].by) for key, number in given.items()}


def _affordable(claim: Claim, more: int, left: int, given: int) -> int:
    if claim.fixed:
        return more
    last_one = 1 if more > 0 and claim.running > 0 and given == 0 else 0
    return max(min(more, max(left, 0) // claim.accelerators_per_replica), last_one)
