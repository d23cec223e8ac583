"""`saturation-v2` on a fleet as it is: WVA's token law, within what holds for every analyser.

Of ours are: bounds and what finds no place leave the rise to the next variant; what is unknown is never nothing, so
that it forbids a fall; nothing falls while an engine is full; replicas on their way count only as long as they may
still come; lines in front of routers count; what one stuck line has taught is forgotten after a day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Inflow, PodMetrics
from penstock.domain.readings import known
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.scaling import steps, tokens
from penstock.scaling.bounds import WITHIN
from penstock.scaling.capacity import supposed
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.config import Analyzer
from penstock.scaling.experience import Pending, pending
from penstock.scaling.history import ModelPast
from penstock.scaling.members import NOMINAL
from penstock.scaling.model import Model
from penstock.scaling.phrases import by_tokens
from penstock.scaling.saturation import is_any_full

_KEPT_S: Final = 86_400.0
_LENGTHS: Final = (0.0, 0.0)
_BY_SATURATION: Final = Verdict(OptimizationReason.SATURATION_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A variant's part: replicas that report, tokens that one of them may hold, and what is on its way.

    `measured` says that everything was known that a fall needs.
    """

    case: Case
    replicas: tuple[tokens.Replica, ...]
    each: float
    pending: Pending
    away: bool
    measured: bool

    @property
    def pool(self) -> tokens.Pool:
        """The variant as the optimiser sees it; what sleeps, is paused or finds no place takes no more."""
        bounds, current = self.case.terms.bounds, steps.standing(self.case)
        fixed = bounds.asleep or self.case.variant.paused
        barred = fixed or self.away or self.pending.stuck
        return tokens.Pool(
            price=self.case.weight,
            each=self.each,
            current=current,
            floor=current if fixed else bounds.min_replicas,
            ceiling=current if barred else bounds.max_replicas,
        )


def remembering(past: ModelPast, cases: Iterable[Case]) -> ModelPast:
    """Return the past with the caches and full lines of engines that are judged by tokens."""
    for case in cases:
        if case.terms.analyzer is Analyzer.SATURATION_V2 and case.blocked is None:
            past = _remembering(past, case)
    return past


def _remembering(past: ModelPast, case: Case) -> ModelPast:
    engine, limits = _engine(case), case.terms.thresholds
    sizes = [size for row in case.load.rows if (size := known(row.kv_capacity_tokens))]
    caches = past.caches.adding(engine, max(sizes)) if sizes else past.caches
    past = past._replace(caches=caches)
    lines = past.full_lines.since(case.now_s - _KEPT_S)
    return past._replace(full_lines=tokens.learn(lines, engine, _replicas(case, past), limits, case.now_s))


def propose(cases: Sequence[Case], model: Model, inflow: Inflow | None, *, complete: bool) -> dict[ObjectKey, Proposal]:
    """Return a proposal for each case of a model that is judged by gauges: by tokens where that is chosen.

    Where the size of a cache is unknown only the shares in use count, as in `saturation-v1`.
    """
    held_back, found = 0.0, None
    if inflow is not None and model.ahead is None:  # else it is part of what sized variants are to serve
        held_back = known(inflow.waiting) or 0.0
    if any(case.terms.analyzer is Analyzer.SATURATION_V2 for case in cases):
        found = _by_tokens(cases, model, held_back, complete=complete)
    return steps.propose(cases, complete=complete, held_back=held_back) if found is None else found


def _by_tokens(
    cases: Sequence[Case], model: Model, held_back: float, *, complete: bool
) -> dict[ObjectKey, Proposal] | None:
    parts = [_part(case, model) for case in sorted(cases, key=lambda case: case.key)]
    if any(part.replicas and not part.each for part in parts):
        return None
    if not any(part.replicas for part in parts) and not (held_back and any(part.each for part in parts)):
        return None
    lengths = model.past.lengths.means or NOMINAL
    demand = sum(tokens.demand_tokens(replica) for part in parts for replica in part.replicas)
    demand += tokens.held_back_tokens(held_back, *lengths)
    return _proposals(parts, demand, complete=complete and all(part.measured for part in parts))


def _proposals(parts: Sequence[_Part], demand: float, *, complete: bool) -> dict[ObjectKey, Proposal]:
    supply = sum(part.case.target.ready * part.each for part in parts)
    coming = sum(part.pending.credited * part.each for part in parts)
    limits = parts[0].case.terms.thresholds
    pools = [part.pool for part in parts]
    found = tokens.room(demand, supply, supply + coming, limits)
    plan = tokens.optimise(found, pools)
    added = sum((number - pool.current) * pool.each for number, pool in zip(plan, pools, strict=True))
    short = found.required > max(added, 0.0)
    ready = sum(part.case.target.ready for part in parts)
    serving = {part.case.key for part, number in zip(parts, plan, strict=True) if number and part.case.target.ready}
    return {
        part.case.key: Proposal(
            replicas=number,
            why=by_tokens(demand, ready, supply),
            optimization=_BY_SATURATION,
            limited=part.case.terms.bounds.most() if short and number == pool.ceiling else WITHIN,
            may_lower=complete,
            guarded=_any_full(parts),
            spared=bool(serving - {part.case.key}),
        )
        for part, pool, number in zip(parts, pools, plan, strict=True)
    }


def _any_full(parts: Sequence[_Part]) -> bool:
    return any(is_any_full(part.case.load, part.case.terms.thresholds) for part in parts)


def _part(case: Case, model: Model) -> _Part:
    past, experience = model.past, model.experiences[case.key]
    replicas = _replicas(case, past)
    startup_s = experience.starts.cautious_s(case.terms.startup_s)
    shown = replicas or (_unseen(case, past),)
    target = case.target
    batches = tokens.Batches(target.token_budget or tokens.TOKEN_BUDGET, target.max_batch or tokens.MAX_NUM_SEQS)
    return _Part(
        case=case,
        replicas=replicas,
        each=tokens.per_replica_tokens(shown, _engine(case), batches, past.full_lines, case.terms.thresholds),
        pending=pending(target, steps.standing(case), experience, startup_s, case.now_s),
        away=experience.is_away(case.now_s),
        measured=all(_is_measured(row, past) for row in case.load.rows),
    )


def _engine(case: Case) -> str:
    """Return the kind of engine whose experience counts for another: same accelerator, and as many."""
    return f"{case.terms.accelerator or ''}x{case.terms.accelerators_per_replica}"


def _replicas(case: Case, past: ModelPast) -> tuple[tokens.Replica, ...]:
    size = past.caches.of(_engine(case)) or 0.0
    each = case.load.replicas_each
    return tuple(replica for row in case.load.rows for replica in _replica(row, each, size, past))


def _replica(row: PodMetrics, each: float, size: float, past: ModelPast) -> tuple[tokens.Replica, ...]:
    """Return what one row speaks for; a line of unknown lengths is as long as usual."""
    means = past.lengths.means
    waiting = known(row.waiting) or 0.0
    usual = means or ((NOMINAL[0], 0.0) if waiting else _LENGTHS)
    one = tokens.Replica(
        kv_ratio=known(row.kv_usage_ratio) or 0.0,
        queue=waiting / each,
        capacity_tokens=known(row.kv_capacity_tokens) or size,
        input_tokens=_or(known(row.input_tokens), usual[0]),
        output_tokens=_or(known(row.output_tokens), usual[1]),
    )
    return (one,) * max(round(each), 1)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _is_measured(row: PodMetrics, past: ModelPast) -> bool:
    kv, waiting = known(row.kv_usage_ratio), known(row.waiting)
    long = known(row.input_tokens) is not None or past.lengths.means is not None
    return kv is not None and waiting is not None and (long or not waiting)


def _unseen(case: Case, past: ModelPast) -> tokens.Replica:
    """Return an empty replica of a variant that does not report: its cache as last seen, else by data sheets."""
    size = past.caches.of(_engine(case))
    if size is None:
        engine = supposed(case)
        size = float(engine.shape.kv_tokens or engine.shape.cost.kv_tokens) if engine is not None else 0.0
    fed, made = past.lengths.means or _LENGTHS
    return tokens.Replica(kv_ratio=0.0, queue=0.0, capacity_tokens=size, input_tokens=fed, output_tokens=made)
