"""One model in one pass: what is asked of it, what its variants serve and cost, and what is remembered of both."""

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Final, NamedTuple

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow
from penstock.domain.readings import Known, known
from penstock.domain.reasons import MetricsReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.capacity import Cvs, lined, taught
from penstock.scaling.cases import Case
from penstock.scaling.config import Config
from penstock.scaling.demand import Demand, demand, lengths
from penstock.scaling.experience import Experience, following
from penstock.scaling.forecast import Forecast
from penstock.scaling.history import WINDOW_S, ModelPast
from penstock.scaling.members import Member, Seen, members_of
from penstock.scaling.memory import Memory
from penstock.scaling.outlook import Now, outlook, pace_of

Facts = Mapping[str, str]
NOTHING: Final[Mapping[ObjectKey, Facts]] = MappingProxyType({})


class Model(NamedTuple):
    """Everything that a plan for one model rests on.

    `ahead` is None where nobody knows the demand. `held_per_s` is the most needed within the last `window_s` seconds;
    nothing is given up unless `may_shed`, and not the last replica unless `may_sleep`. Where it `is_guessed` what
    engines serve was never measured, and those that run meet the targets. `lacks` says what keeps variants from being
    sized: nobody knows the `lengths` of requests, or the `capacity` of a replica.
    """

    scope: ModelScope
    members: tuple[Member, ...]
    ahead: Forecast | None
    held_per_s: float
    window_s: float
    is_complete: bool
    may_shed: bool
    may_sleep: bool
    is_guessed: bool
    is_seen: bool
    past: ModelPast
    experiences: Mapping[ObjectKey, Experience]
    lacks: Mapping[ObjectKey, Facts]


def study(cases: Sequence[Case], inflow: Inflow | None, memory: Memory, config: Config) -> Model:
    """Put together what is known of one model; a silence as long as data may be old interrupts what was known."""
    scope = ModelScope(cases[0].key.namespace, cases[0].variant.model)
    past, now_s, pace = memory.models.get(scope) or ModelPast(), cases[0].now_s, pace_of(config)
    seen = _lengths(cases, past, config)
    experiences = {case.key: _experience(case, memory, seen.cvs) for case in cases}
    members = members_of(cases, experiences, seen, inflow)
    asked = _asked(cases, members, inflow)
    lengthless = seen.means is None and asked is not None and bool(asked.arrivals_per_s or asked.backlog)
    if lengthless:
        asked = None  # something is asked for, but nobody knows how long it is
    complete = all(case.load.complete for case in cases)
    window_s = config.window_s(max([member.startup_s for member in members], default=inf))
    idle_since_s = (past.idle_since_s or now_s) if _nothing_asked(cases, inflow) else None
    ahead, past = outlook(Now(members, asked, seen, idle_since_s, now_s, window_s), past, config)
    return Model(
        scope=scope,
        members=members if ahead is not None else (),
        ahead=ahead,
        held_per_s=past.peaks.highest if ahead is not None else 0.0,
        window_s=window_s,
        is_complete=complete,
        may_shed=complete and past.knows_window(window_s * pace, now_s * pace),
        may_sleep=idle_since_s is not None and now_s - idle_since_s >= max(case.terms.idle_s for case in cases),
        is_guessed=not past.knows_window(WINDOW_S, now_s * pace) and _is_guessed(members),
        is_seen=inflow is not None and isinstance(inflow.waiting, Known),
        past=past,
        experiences=experiences,
        lacks=_lacks(cases, members, lengthless=lengthless),
    )


def _lacks(cases: Sequence[Case], members: Sequence[Member], *, lengthless: bool) -> Mapping[ObjectKey, Facts]:
    if len(members) == len(cases) and not lengthless:
        return NOTHING
    ours, found = {member.key for member in members}, {}
    for case in cases:
        if not case.terms.is_sized:
            continue
        if case.key not in ours:
            on = case.terms.accelerator or "an unknown accelerator"
            found[case.key] = {"capacity": "unknown", "model": case.variant.model, "accelerator": on}
        elif lengthless:
            found[case.key] = {"lengths": "unknown"}
    return found


def _lengths(cases: Sequence[Case], past: ModelPast, config: Config) -> Seen:
    pace = pace_of(config)
    after_s = _since_last(past, cases[0].now_s * pace) / pace
    sums, other = lengths(past.lengths, [case.load for case in cases], after_s, config.rate_window_s, past.moments)
    return Seen.of(sums, other=other)


def _is_guessed(members: Sequence[Member]) -> bool:
    """Whether all that is known of the engines that serve is what they are supposed to be, and none of them is late."""
    serving = [member for member in members if member.case.target.ready]
    return bool(serving) and all(_is_unmeasured(member) and _keeps_up(member.case) for member in serving)


def _is_unmeasured(member: Member) -> bool:
    return member.experience.learned is None and member.case.terms.profile is None


def _keeps_up(case: Case) -> bool:
    """Whether nothing tells of a line or of answers that are late on average."""
    load, slo = case.load, case.terms.objective.slo
    if load.waiting > load.replicas:
        return False
    return (load.ttft_s or 0.0) <= slo.ttft_s and (load.tpot_s or 0.0) <= slo.tpot_s


def _nothing_asked(cases: Sequence[Case], inflow: Inflow | None) -> bool:
    """Whether every source that could know says, from fresh data, that nothing waits, runs, starts or arrives."""
    if inflow is None or known(inflow.waiting) != 0 or known(inflow.arrivals_per_s) != 0:
        return False
    return all(_is_idle(case) for case in cases)


def _is_idle(case: Case) -> bool:
    load = case.load
    if case.blocked is not None or not load.complete or case.target.starting:
        return False
    silent = load.verdict.reason is MetricsReason.NO_REPLICAS
    return silent or (load.running == 0 and load.waiting == 0 and load.arrivals_per_s == 0)


def _since_last(past: ModelPast, now_s: float) -> float:
    if not past.moments:
        return 15.0
    return min(max(now_s - past.moments[-1].at_s, 0.0), 60.0)  # a clock that was set back must not unlearn


def _experience(case: Case, memory: Memory, cvs: Cvs) -> Experience:
    before = memory.experience(case.key, case.variant.uid)
    known = lined(case, following(before, case.target, case.base or 0, case.now_s))
    return taught(case, known, cvs)


def _asked(cases: Sequence[Case], members: Sequence[Member], inflow: Inflow | None) -> Demand | None:
    if len(members) == len(cases):
        return demand([case.load for case in cases], inflow)
    ours = {member.key for member in members}
    return demand(
        [case.load for case in cases if case.key in ours],
        inflow,
        [case.load for case in cases if case.key not in ours],
    )
