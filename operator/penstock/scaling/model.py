"""One model in one pass: what is asked of it, what its variants serve and cost, and what is remembered of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final, NamedTuple

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow
from penstock.domain.readings import Known, known
from penstock.domain.reasons import MetricsReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.capacity import Capacity, Cvs, capacity, lined, taught
from penstock.scaling.cases import Case
from penstock.scaling.config import Config
from penstock.scaling.demand import Demand, demand, lengths
from penstock.scaling.experience import Experience, Pending, following, pending
from penstock.scaling.forecast import Forecast, forecast
from penstock.scaling.history import WINDOW_S, LengthSums, ModelPast, Moment
from penstock.scaling.memory import Memory

NOMINAL: Final = (512.0, 256.0)
"""Tokens in and out of a model that never finished anything: they say which variants could serve, and nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A variant of which somebody knows what a replica serves. `fixed`: its number is not ours to choose now."""

    case: Case
    capacity: Capacity
    experience: Experience
    pending: Pending
    startup_s: float
    fixed: bool = False

    @property
    def key(self) -> ObjectKey:
        """Namespace and name."""
        return self.case.key

    @property
    def base(self) -> int:
        """What was asked for."""
        return self.case.base or 0

    @property
    def counted(self) -> int:
        """What serves or will: asked for, without what finds no place, within bounds."""
        placed = max(self.base - self.pending.stuck, 0)
        return placed if self.fixed else self.case.terms.bounds.clamp(placed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Everything that a plan for one model rests on.

    `ahead` is None where nobody knows the demand. `held_per_s` is the most needed within the last `window_s` seconds;
    nothing is given up unless `may_shed`, and not the last replica unless `may_sleep`. Where it `is_guessed` what
    engines serve was never measured, and those that run meet the targets.
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


class _Seen(NamedTuple):
    """The lengths of a model's requests, and their means and coefficients of variation worked out."""

    sums: LengthSums
    means: tuple[float, float] | None
    cvs: Cvs

    @classmethod
    def of(cls, sums: LengthSums) -> "_Seen":
        """Work them out, once for all variants of the model."""
        return cls(sums, sums.means, sums.cvs)


def study(cases: Sequence[Case], inflow: Inflow | None, memory: Memory, config: Config) -> Model:
    """Put together what is known of one model; a silence as long as data may be old interrupts what was known."""
    scope = ModelScope(cases[0].key.namespace, cases[0].variant.model)
    past, now_s = memory.models.get(scope) or ModelPast(), cases[0].now_s
    seen = _lengths(cases, past, config)
    experiences = {case.key: _experience(case, memory, seen.cvs) for case in cases}
    members = _members(cases, experiences, seen, inflow)
    asked = _asked(cases, members, inflow)
    if seen.means is None and asked is not None and (asked.arrivals_per_s or asked.backlog):
        asked = None  # something is asked for, but nobody knows how long it is
    complete, pace = all(case.load.complete for case in cases), _pace(config)
    window_s = config.window_s(max([member.startup_s for member in members], default=inf))
    ahead, past = _outlook(members, asked, past, window_s, config)
    idle_since_s = (past.idle_since_s or now_s) if _nothing_asked(cases, inflow) else None
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
        past=replace(past, lengths=seen.sums, idle_since_s=idle_since_s),
        experiences=experiences,
    )


def _pace(config: Config) -> float:
    """Return how much faster than on a cluster all goes by: forecasts reckon in windows of rates."""
    return WINDOW_S / config.rate_window_s


def _lengths(cases: Sequence[Case], past: ModelPast, config: Config) -> _Seen:
    pace = _pace(config)
    after_s = _since_last(past, cases[0].now_s * pace) / pace
    return _Seen.of(lengths(past.lengths, [case.load for case in cases], after_s, config.rate_window_s))


def _outlook(
    members: Sequence[Member], asked: Demand | None, past: ModelPast, window_s: float, config: Config
) -> tuple[Forecast | None, ModelPast]:
    """Return what will be asked for, None where nobody knows, and the past with this moment and its need in it."""
    if asked is None or not members:
        return None, replace(past, lead_s=None)
    pace, now_s = _pace(config), members[0].case.now_s
    moment = Moment(now_s * pace, asked.arrivals_per_s / pace, asked.backlog)
    past = past.seeing(moment, gap_s=config.stale_after_s * pace)
    lead_s, attained, patience_s = _lead_s(members) * pace, _attainment(members), _patience_s(members) * pace
    ahead = forecast(past.moments, lead_s=lead_s, attainment_ratio=attained, patience_s=patience_s).faster(pace)
    return ahead, replace(past, peaks=past.peaks.adding(now_s, ahead.need_per_s, window_s, ahead.fall), lead_s=lead_s)


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


def _members(
    cases: Sequence[Case],
    experiences: Mapping[ObjectKey, Experience],
    seen: _Seen,
    inflow: Inflow | None,
) -> tuple[Member, ...]:
    """Return the variants whose capacity is known; a blind one only where a router counts what it serves."""
    counted = inflow is not None and known(inflow.arrivals_per_s) is not None
    means, found = seen.means or NOMINAL, []
    for case in cases:
        if case.blocked is not None and not counted:
            continue
        experience = experiences[case.key]
        each = capacity(case, experience, *means, seen.cvs)
        if each is not None and each.per_s > 0:
            found.append(_member(case, each, experience))
    return tuple(found)


def _member(case: Case, each: Capacity, experience: Experience) -> Member:
    startup_s = experience.starts.cautious_s(case.terms.startup_s)
    return Member(
        case=case,
        capacity=each,
        experience=experience,
        startup_s=startup_s,
        pending=pending(case.target, case.base or 0, experience, startup_s, case.now_s),
        fixed=case.blocked is not None or case.variant.paused,
    )


def _asked(cases: Sequence[Case], members: Sequence[Member], inflow: Inflow | None) -> Demand | None:
    if len(members) == len(cases):
        return demand([case.load for case in cases], inflow)
    ours = {member.key for member in members}
    return demand(
        [case.load for case in cases if case.key in ours],
        inflow,
        [case.load for case in cases if case.key not in ours],
    )


def _lead_s(members: Sequence[Member]) -> float:
    """Return the start-up time of the variant that would be asked for more: the cheapest per request with room."""
    able = [member for member in members if not member.fixed and not member.experience.is_away(member.case.now_s)]
    best = min(able or members, key=lambda member: (member.case.weight / member.capacity.per_s, member.key))
    return best.startup_s


def _patience_s(members: Sequence[Member]) -> float:
    """Return for how long a first token may be waited for, by the strictest target."""
    return min(member.case.terms.objective.slo.ttft_s for member in members)


def _attainment(members: Sequence[Member]) -> float:
    return max(member.case.terms.objective.slo.attainment_ratio for member in members)
