"""Replicas without a latency profile: the saturation signal of a model turned into one variant's step.

WVA froze a whole model while any number differed from what ran. Here a replica on its way keeps only its own variant
from rising, and no longer than a start may take; a number that nobody follows (a bound of an HPA, a pod without a
node) is forgotten then; nothing falls while any engine is full; a variant at zero may take what others cannot; and
what waits before the engines counts as if it stood in their lines.
"""

from collections.abc import Sequence

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.bounds import WITHIN
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.observe import Gauges
from penstock.scaling.phrases import by_saturation
from penstock.scaling.saturation import any_full, signal

_BY_SATURATION = Verdict(OptimizationReason.SATURATION_ONLY)
_GUARDED = Verdict(OptimizationReason.SATURATION_OVERRIDE)


def propose(cases: Sequence[Case], *, complete: bool, held_back: float = 0.0) -> dict[ObjectKey, Proposal]:
    """Return a proposal for each case of one model; none at all where no engine says anything.

    `held_back` requests wait before any engine.
    """
    reported = [engine for case in cases for engine in case.load.gauges]
    if not reported:
        return {}
    engines = [_with_line(engine, held_back / len(reported)) for engine in reported]
    limits = cases[0].terms.thresholds
    wanted = signal(engines, limits)
    full = any_full(engines, limits)
    measured = complete and all(engine.kv_ratio is not None and engine.queue is not None for engine in engines)
    mover, step = (_riser(cases), 1) if wanted > 0 else (None if full else _faller(cases, wanted), -1)
    return {
        case.key: Proposal(
            replicas=_replicas(case, step if case is mover else 0),
            why=by_saturation(engines),
            optimization=_GUARDED if wanted < 0 and full else _BY_SATURATION,
            limited=case.terms.bounds.most() if wanted > 0 and mover is None and _at_most(case) else WITHIN,
            may_lower=measured,
            guarded=full,
        )
        for case in cases
    }


def _with_line(engine: Gauges, waiting: float) -> Gauges:
    return Gauges(engine.kv_ratio, None if engine.queue is None else engine.queue + waiting)


def standing(case: Case) -> int:
    """Return the number to step from: what was decided while that is under way, what runs once it should be there."""
    current = case.target.current or 0
    if current == 0 or case.last is None or case.now_s - case.last.change.at_s > case.terms.settle_s:
        return current
    return case.last.desired


def _replicas(case: Case, step: int) -> int:
    """Return the number after the step; a rise counts from what runs, so that one nobody follows does not add up."""
    return max(standing(case), (case.target.current or 0) + 1) if step > 0 else standing(case) + step


def _riser(cases: Sequence[Case]) -> Case | None:
    """Return the cheapest variant that may have one more and has none under way; a paused one would only be told."""
    able = [
        case
        for case in cases
        if not (case.variant.paused or case.terms.bounds.asleep or _is_rising(case))
        and not (case.target.stuck or _at_most(case))
    ]
    return min(able, key=lambda case: (case.weight, case.key), default=None)


def _faller(cases: Sequence[Case], wanted: int) -> Case | None:
    """Return the dearest variant that may have one fewer, the last by name among equals.

    Without a signal it is one whose replica does not come: the engines that there are have room without it.
    """
    able = [
        case for case in cases if standing(case) > max(case.terms.bounds.min_replicas, 1) and not case.variant.paused
    ]
    idle = [case for case in able if wanted < 0 or _waits_in_vain(case)]
    return max(idle, key=lambda case: (case.weight, case.key), default=None)


def _is_rising(case: Case) -> bool:
    """Whether a replica is on its way and may still come: it starts, or was asked for, no longer than a start takes."""
    since_s = case.starting_since_s
    if case.last is not None and case.last.desired > (case.target.current or 0):
        since_s = max(case.last.change.at_s, since_s or 0.0)
    return since_s is not None and case.now_s - since_s <= case.terms.startup_s


def _waits_in_vain(case: Case) -> bool:
    return case.target.ready < (case.target.current or 0) and not _is_rising(case)


def _at_most(case: Case) -> bool:
    most = case.terms.bounds.max_replicas
    return most is not None and (case.target.current or 0) >= most
