"""Replicas from latency targets: what one replica serves within them by the queueing model, and how many that makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import DecisionReason, LimitReason, OptimizationReason
from penstock.domain.variants import ObjectKey, PerfProfile, Slo
from penstock.engine.queueing import Sizing, Work, size, size_for_throughput
from penstock.scaling.bounds import WITHIN
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.demand import Demand
from penstock.scaling.phrases import by_slo
from penstock.scaling.saturation import is_full
from penstock.scaling.split import Allotment, Share, allot


@dataclass(frozen=True, slots=True)
class Capacity:
    """Requests per second of one replica; `missed` names the target that it misses even when idle."""

    per_s: float
    missed: str = ""

    @property
    def verdict(self) -> Verdict[OptimizationReason]:
        """What the owner is told of it."""
        if self.missed:
            return Verdict(OptimizationReason.SLO_INFEASIBLE, {"field": self.missed})
        return Verdict(OptimizationReason.SUCCEEDED)


def capacity(profile: PerfProfile, slo: Slo, input_tokens: float, output_tokens: float) -> Capacity:
    """Size one replica; where the targets cannot be met, for throughput.

    Lengths count to three digits, which is finer than they are measured, and lets most passes reuse the last sizing.
    """
    work = Work(profile=profile, input_tokens=_three_digits(input_tokens), output_tokens=_three_digits(output_tokens))
    found = size(work, slo.ttft_s, slo.tpot_s)
    if isinstance(found, Sizing):
        return Capacity(found.capacity_per_s)
    return Capacity(size_for_throughput(work).capacity_per_s, missed=f"slo.{found.field}")


def propose(cases: Sequence[Case], wanted: Demand, *, complete: bool) -> dict[ObjectKey, Proposal]:
    """Return a proposal for each case of one model; all of them have a profile.

    Empty where something is asked for but not how long it is: then nobody can tell what a replica serves.
    """
    if wanted.input_tokens is None or not wanted.output_tokens:
        return {} if wanted.need_per_s else {case.key: _idle(case, complete=complete) for case in cases}
    lengths = wanted.input_tokens, wanted.output_tokens
    found = {case.key: capacity(profile, case.terms.objective.slo, *lengths) for case, profile in _profiled(cases)}
    allotment = allot(wanted.need_per_s, [_share(case, found[case.key].per_s) for case in cases])
    return {
        case.key: Proposal(
            replicas=allotment.replicas[case.key],
            why=by_slo(wanted, found[case.key].per_s, found[case.key].missed),
            optimization=found[case.key].verdict,
            limited=_limited(case, allotment),
            may_lower=complete,
            guarded=_is_guarded(case),
            reason=DecisionReason.SPILL if case.key in allotment.standing_in else None,
            need_per_s=wanted.need_per_s,
            capacity_per_s=found[case.key].per_s,
        )
        for case in cases
    }


def _profiled(cases: Sequence[Case]) -> list[tuple[Case, PerfProfile]]:
    return [(case, case.terms.profile) for case in cases if case.terms.profile is not None]


def _three_digits(tokens: float) -> float:
    return 0.0 if tokens <= 0 else round(tokens, 2 - floor(log10(tokens)))


def _share(case: Case, capacity_per_s: float) -> Share:
    bounds = case.terms.bounds
    return Share(
        key=case.key,
        capacity_per_s=capacity_per_s,
        weight=case.weight,
        floor=bounds.min_replicas,
        ceiling=0 if bounds.asleep else bounds.max_replicas,
        current=case.target.current or 0,
        ready=case.target.ready,
        stuck=case.target.stuck,
    )


def _idle(case: Case, *, complete: bool) -> Proposal:
    bounds = case.terms.bounds
    return Proposal(
        replicas=bounds.min_replicas,
        why="nothing arrives or waits",
        optimization=Verdict(OptimizationReason.SUCCEEDED),
        limited=bounds.least() if bounds.min_replicas else WITHIN,
        may_lower=complete,
        guarded=_is_guarded(case),
        need_per_s=0.0,
    )


def _is_guarded(case: Case) -> bool:
    """Whether an engine of this variant is full, whatever the profile says of it."""
    return any(is_full(engine, case.terms.thresholds) for engine in case.load.gauges)


def _limited(case: Case, allotment: Allotment) -> Verdict[LimitReason]:
    if case.key in allotment.full:
        return case.terms.bounds.most()
    return case.terms.bounds.least() if case.key in allotment.above_need else WITHIN
