"""Zero and back: asleep only when every source agrees that nothing is asked for, awake at the router's word alone."""

from collections.abc import Sequence
from math import ceil

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Inflow
from penstock.domain.readings import known
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.forecast import DRAIN_S
from penstock.scaling.members import Member
from penstock.scaling.model import Model

_WOKEN = Verdict(OptimizationReason.SCALE_FROM_ZERO)


def is_refused(replicas: int, current: int | None) -> bool:
    """Whether zero is asked for while something runs, or may run; a zero that somebody else chose stays."""
    return replicas == 0 and current != 0


def sleep(cases: Sequence[Case], model: Model) -> dict[ObjectKey, Proposal]:
    """Return zero for every variant of a model that may sleep, but for those of which somebody wants a replica."""
    if not model.may_sleep:
        return {}
    minutes = round(max(case.terms.idle_s for case in cases) / 60, 1)
    return {
        case.key: Proposal(
            replicas=0,
            why=f"nothing queued, running or arriving for {minutes:g} min in router and engines",
            optimization=Verdict(OptimizationReason.SUCCEEDED),
            steady=True,
            need_per_s=0.0,
        )
        for case in cases
        if case.blocked is None and not case.terms.bounds.min_replicas
    }


def wake(cases: Sequence[Case], model: Model, inflow: Inflow | None) -> dict[ObjectKey, Proposal]:
    """Return the cheapest variant that can serve, if a request waits for a model of which nothing runs.

    There are no engines to ask then: monitoring that fails must not leave a request waiting.
    """
    waiting, arriving = (known(inflow.waiting) or 0.0, known(inflow.arrivals_per_s) or 0.0) if inflow else (0.0, 0.0)
    if not (waiting or arriving) or any(case.base or case.target.ready for case in cases):
        return {}
    need = arriving + waiting / DRAIN_S
    able = [case for case in cases if _may_wake(case, model)]
    if not able:
        return {}
    members = {member.key: member for member in model.members}
    chosen = min(able, key=lambda case: _price(case, members.get(case.key), need))
    number = _replicas(members.get(chosen.key), need)
    why = f"{waiting:.0f} waiting and {arriving:.2g} req/s arriving for a model that does not run"
    return {
        case.key: Proposal(
            replicas=number if case is chosen else 0,
            why=why,
            optimization=_WOKEN,
            steady=True,
            blind=True,
            need_per_s=need,
        )
        for case in able
    }


def _may_wake(case: Case, model: Model) -> bool:
    bounds = case.terms.bounds
    away = model.experiences[case.key].is_away(case.now_s)
    reachable = case.blocked is None or case.blocked.reason is OptimizationReason.METRICS_UNAVAILABLE
    return reachable and not (bounds.asleep or away or bounds.max_replicas == 0)


def _price(case: Case, member: Member | None, need: float) -> tuple[bool, float, float, ObjectKey]:
    """Return what orders candidates: within the targets first, then money, then the time of a start."""
    startup_s = member.startup_s if member else case.terms.startup_s
    missed = bool(member and member.capacity.missed)
    return missed, _replicas(member, need) * case.weight, startup_s, case.key


def _replicas(member: Member | None, need: float) -> int:
    """Return how many serve what is known to come; one where nobody knows what a replica serves."""
    return max(ceil(need / member.capacity.per_s), 1) if member else 1
