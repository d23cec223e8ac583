"""One variant's pass brought to an end: the decision as everybody sees it, and what is remembered of it."""

from dataclasses import replace
from hashlib import blake2b
from typing import Final

from penstock.domain.decisions import Allocation, Decision, Verdict
from penstock.domain.reasons import ActiveReason, DecisionReason, OptimizationReason, TargetReason
from penstock.domain.variants import Actuation
from penstock.scaling.cases import Case
from penstock.scaling.memory import Change, Remembered
from penstock.scaling.model import Model
from penstock.scaling.observe import Load
from penstock.scaling.phrases import change as words
from penstock.scaling.plan import Plan
from penstock.scaling.rates import Moves
from penstock.scaling.reasoning import Number, explanation
from penstock.scaling.settle import Settled

_FOUND: Final = Verdict(TargetReason.FOUND)


def close(
    case: Case, settled: Settled, model: Model | None = None, found: Plan | None = None
) -> tuple[Decision, Remembered | None]:
    """Return the decision and the past that the next pass starts from; no past before the first decision.

    `model` and `found` are what a plan rested on and the plan, where there is one.
    """
    desired = _desired(case, settled)
    change = _change(case, settled, desired)
    last = None if case.last is None else case.last.desired
    error_ratio, deviation_ratio, reasoning = explanation(
        Number(case, last, desired, settled.reason, settled.limited), model, found
    )
    decided_at_s = case.now_s if settled.computed or case.last is None else case.last.decided_at_s
    decision = Decision(
        key=case.key,
        model=case.variant.model,
        generation=case.variant.generation,
        target_ref=case.target.ref,
        mode=case.terms.mode,
        desired=desired,
        previous=last,
        computed=settled.computed,
        reason=change.reason if change else settled.reason,
        summary=change.summary if change else "",
        record_id=change.record_id if change else "",
        changed_at_s=change.at_s if change else case.now_s,
        decided_at_s=decided_at_s,
        target=_target(case),
        metrics=case.load.verdict,
        optimization=_named(settled.optimization, case),
        limited=settled.limited,
        active=_active(case, settled),
        alloc=_allocation(case),
        slo=case.terms.objective.slo,
        min_replicas=case.terms.bounds.min_replicas,
        max_replicas=case.terms.bounds.max_replicas,
        need_per_s=settled.need_per_s,
        capacity_per_s=settled.capacity_per_s,
        capacity_error_ratio=error_ratio,
        capacity_deviation_ratio=deviation_ratio,
        data_age_s=None if case.load.sampled_at_s is None else max(case.now_s - case.load.sampled_at_s, 0.0),
        this_pass=DecisionReason.HOLD if case.variant.paused else settled.reason,
        class_ref_unused=case.terms.objective.unused,
        reasoning=reasoning,
    )
    if desired is None or change is None:
        return decision, None
    return decision, Remembered(
        uid=case.variant.uid,
        desired=desired,
        decided_at_s=decided_at_s,
        change=change,
        recommendations=settled.history,
        moves=(Moves() if case.last is None else case.last.moves).adding(case.now_s, desired),
        starting_since_s=case.starting_since_s,
    )


def _desired(case: Case, settled: Settled) -> int | None:
    """Return the number in force; a paused variant keeps its own, whatever is computed."""
    if not case.variant.paused:
        return settled.replicas
    return None if case.last is None else case.last.desired


def _change(case: Case, settled: Settled, desired: int | None) -> Change | None:
    """Return the last decision that changed something: this one, if it did."""
    if desired is None or (case.last is not None and case.last.desired == desired):
        return None if case.last is None else case.last.change
    return Change(
        at_s=case.now_s,
        reason=settled.reason,
        summary=words(case.base, desired, settled.why),
        record_id=record_id(case, settled, desired),
    )


def record_id(case: Case, settled: Settled, desired: int) -> str:
    """Return eight hex digits over the change, its moment and its cause: a pass decided again gives the same."""
    of = (str(case.key), case.variant.uid, case.variant.generation, case.now_s)
    return _digest((*of, case.base, desired, settled.why, settled.need_per_s, settled.capacity_per_s))


def _digest(value: object) -> str:
    return blake2b(repr(value).encode(), digest_size=4).hexdigest()


def _target(case: Case) -> Verdict[TargetReason]:
    state, facts = case.target.state, case.target.facts
    return Verdict(state, facts) if facts or state is not TargetReason.FOUND else _FOUND


def _named(verdict: Verdict[OptimizationReason], case: Case) -> Verdict[OptimizationReason]:
    """Return the verdict; an internal error gets an id that stays as long as it does."""
    if verdict.reason is not OptimizationReason.FAILED:
        return verdict
    return replace(verdict, facts={**verdict.facts, "id": _digest((case.key, dict(verdict.facts)))})


def _active(case: Case, settled: Settled) -> Verdict[ActiveReason] | None:
    """Return what forbids handing the number over, None where nothing does."""
    if case.terms.foreign is not None:
        target = f"{case.target.ref.kind} {case.target.ref.name}"
        return Verdict(ActiveReason.FOREIGN_SCALER, {"manager": case.terms.foreign, "target": target})
    if case.variant.paused:
        return Verdict(ActiveReason.PAUSED)
    if case.terms.mode is Actuation.RECOMMEND:
        return Verdict(ActiveReason.RECOMMENDING)
    return None if settled.computed or settled.forced else Verdict(ActiveReason.HOLDING)


def _allocation(case: Case) -> Allocation:
    """Return what runs; load and latency only while they are known."""
    current, cost = case.target.current, case.cost_per_h
    placed = None if current is None else max(current - case.target.stuck, 0)
    seen = case.load if case.load.verdict.reason.available else Load(verdict=case.load.verdict)
    return Allocation(
        accelerator=case.terms.accelerator,
        replicas=current,
        max_batch=case.terms.max_batch,
        cost_per_h=None if placed is None or cost is None else placed * cost,
        cost_per_replica_per_h=cost,
        itl_s=seen.tpot_s,
        ttft_s=seen.ttft_s,
        arrival_per_s=seen.arrivals_per_s,
        input_tokens=seen.input_tokens,
        output_tokens=seen.output_tokens,
    )
