"""From what an analyser asks for to the number that may be had: each rule may only narrow what the one above allowed.

Bounds first; then nothing falls on incomplete data or while engines are full; zero is refused while nothing could wake
the model; and nothing falls below the highest number asked for within the window.
"""

from typing import NamedTuple

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import DecisionReason, LimitReason, OptimizationReason
from penstock.scaling.bounds import WITHIN, Bounds
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.quotas import Grant, in_words, limit
from penstock.scaling.rates import Moves, paced
from penstock.scaling.stabilise import Recommendations, stabilised
from penstock.scaling.zero import is_refused


class Settled(NamedTuple):
    """A number for one variant, why, and the history with what was asked for in it.

    `computed` is false where the last number is held. `forced` says that a person's bound moves it without any data.
    """

    replicas: int | None
    computed: bool
    reason: DecisionReason
    why: str
    optimization: Verdict[OptimizationReason]
    limited: Verdict[LimitReason]
    history: Recommendations
    forced: bool = False
    need_per_s: float | None = None
    capacity_per_s: float | None = None


def settle(case: Case, proposal: Proposal, window_s: float) -> Settled:
    """Narrow a proposal."""
    bounds = case.terms.bounds
    asked = bounds.clamp(proposal.replicas)
    refused = not (proposal.steady or proposal.spared) and is_refused(asked, case.target.current)
    kept = _kept(case, proposal, max(asked, int(refused)))
    wanted = max(asked, int(refused), kept or 0)
    steady, history = stabilised(
        wanted, _history(case), window_s=0.0 if proposal.steady else window_s, now_s=case.now_s
    )
    moves = case.last.moves if case.last else Moves()
    allowed, rate = paced(steady, steady if case.base is None else case.base, moves, case.now_s)
    replicas = allowed if allowed == asked else bounds.clamp(allowed)
    overruled = kept is not None and proposal.guarded
    return Settled(
        replicas=replicas,
        computed=True,
        reason=_reason(case, proposal, replicas, kept=kept is not None or proposal.kept),
        why=_why(case, proposal, replicas, from_window=steady > max(asked, kept or 0)),
        optimization=_optimization(case, proposal, overruled=overruled),
        limited=_limited(case, proposal, refused=refused, rate=rate if replicas == allowed else ""),
        history=history,
        need_per_s=proposal.need_per_s,
        capacity_per_s=proposal.capacity_per_s,
    )


def hold(case: Case, optimization: Verdict[OptimizationReason]) -> Settled:
    """Keep the last number. Bounds that a person moved since still count, since they need no data."""
    last = None if case.last is None else case.last.desired
    trusted = optimization.reason is OptimizationReason.METRICS_UNAVAILABLE and last is not None
    replicas = case.terms.bounds.clamp(last) if trusted and last is not None else last
    moved = replicas != last
    return Settled(
        replicas=replicas,
        computed=False,
        reason=DecisionReason.BOUND if moved else DecisionReason.HOLD,
        why=_bound_words(case.terms.bounds, last or 0) if moved else "",
        optimization=optimization,
        limited=_stuck(case) or WITHIN,
        history=case.last.recommendations if case.last else Recommendations(),
        forced=trusted and (moved or _runs_outside(case)),
    )


def within_quota(settled: Settled, granted: Grant) -> Settled:
    """Return what remains of a number after the quotas."""
    if granted.by is None:
        return settled
    return settled._replace(
        replicas=granted.replicas,
        why=f"{settled.why}; quota of {in_words(granted.by)}",
        limited=limit(granted.by),
    )


def _bound_words(bounds: Bounds, before: int) -> str:
    """Return which bound moves a number that lies outside."""
    if before < bounds.min_replicas:
        return f"minReplicas {bounds.min_replicas}, {_by(bounds.min_where)}"
    return f"maxReplicas {bounds.max_replicas}, {_by(bounds.max_where)}"


def _by(where: str) -> str:
    return f"set in {where}" if where else "the default"


def _kept(case: Case, proposal: Proposal, wanted: int) -> int | None:
    """Return the number that may not be lowered now, None where nothing keeps it."""
    if case.base is None or not (proposal.guarded or not proposal.may_lower):
        return None
    base = case.terms.bounds.clamp(case.base)
    return base if wanted < base else None


def _history(case: Case) -> Recommendations:
    """Return past recommendations; at first what runs counts as one, and a zero that somebody chose ends them."""
    if case.last is not None and case.target.current != 0:
        return case.last.recommendations
    return Recommendations().adding(case.now_s, case.target.current or 0)


def _reason(case: Case, proposal: Proposal, replicas: int, *, kept: bool) -> DecisionReason:
    base = replicas if case.base is None else case.base
    if replicas == base:
        return _unmoved(proposal) if kept else DecisionReason.STEADY
    if replicas == case.terms.bounds.clamp(base):
        return DecisionReason.BOUND
    if replicas > base:
        return proposal.reason or (DecisionReason.DEMAND_UP if base else DecisionReason.FROM_ZERO)
    return proposal.lowered or (DecisionReason.DEMAND_DOWN if replicas else DecisionReason.TO_ZERO)


def _unmoved(proposal: Proposal) -> DecisionReason:
    return DecisionReason.GUARD if proposal.guarded else DecisionReason.HOLD


def _why(case: Case, proposal: Proposal, replicas: int, *, from_window: bool) -> str:
    bounds, base = case.terms.bounds, case.base
    if base is not None and replicas != base and replicas == bounds.clamp(base):
        return _bound_words(bounds, base)
    return f"{proposal.why}; the most asked for within the window" if from_window else proposal.why


def _optimization(case: Case, proposal: Proposal, *, overruled: bool) -> Verdict[OptimizationReason]:
    """Return the fault that its owner has to mend, else how the number came about."""
    terms = case.terms
    if terms.problem is not None:
        problem = terms.problem
        facts = {"configmap": problem.configmap, "key": problem.key, "field": problem.field, "value": problem.value}
        return Verdict(OptimizationReason.INVALID_CONFIGURATION, {**facts, "remedy": problem.remedy})
    if terms.objective.unlisted and case.variant.slo_class_ref is not None:
        facts = {"model": case.variant.model, "configmap": case.variant.slo_class_ref.namespace}
        return Verdict(OptimizationReason.NOT_IN_SERVICE_CLASS, facts)
    if not proposal.optimization.reason.ready:
        return proposal.optimization
    if overruled:
        return Verdict(OptimizationReason.SATURATION_OVERRIDE)
    return case.unpriced or proposal.optimization


def _limited(case: Case, proposal: Proposal, *, refused: bool, rate: str) -> Verdict[LimitReason]:
    if refused:
        return Verdict(LimitReason.NO_WAKE_SOURCE)
    if rate:
        return Verdict(LimitReason.RATE_LIMITED, {"limit": rate, "where": "penstock-operator"})
    return _stuck(case) or proposal.limited


def _stuck(case: Case) -> Verdict[LimitReason] | None:
    return Verdict(LimitReason.STUCK_PENDING) if case.target.stuck else None


def _runs_outside(case: Case) -> bool:
    current = case.target.current
    return current is not None and case.terms.bounds.clamp(current) != current
