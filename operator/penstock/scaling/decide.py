"""The door of the room: one look at everything in, one decision for each variant out. Total: no input is refused."""

from collections.abc import Sequence
from types import MappingProxyType

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Verdict
from penstock.domain.observations import Inflow, Observation
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.scaling import slo, steps
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.close import close
from penstock.scaling.config import Config
from penstock.scaling.demand import demand
from penstock.scaling.gather import by_model, failed, gather, priced
from penstock.scaling.memory import Memory
from penstock.scaling.quotas import Claim, grant
from penstock.scaling.settle import Settled, hold, settle, within_quota

_UNAVAILABLE = Verdict(OptimizationReason.METRICS_UNAVAILABLE)


def decide(observation: Observation, memory: Memory, config: Config) -> tuple[tuple[Decision, ...], Memory]:
    """Answer how many replicas of each variant should run, and what must be remembered until the next pass.

    Variants of other controller instances get no decision. A variant whose numbers are absent, stale or impossible
    keeps what it has; an internal error does the same to its model alone.
    """
    cases: list[Case] = []
    settled: list[Settled] = []
    for group in by_model(gather(observation, memory, config)):
        with_prices = priced(group, observation.catalogue.unit_costs_per_h)
        cases += with_prices
        settled += _settled(with_prices, observation.inflows.get(_scope(with_prices)), config)
    granted = grant([_claim(case, number) for case, number in zip(cases, settled, strict=True)], config.quotas)
    closed = [close(case, within_quota(number, granted[case.key])) for case, number in zip(cases, settled, strict=True)]
    past = {decision.key: remembered for decision, remembered in closed if remembered is not None}
    return tuple(decision for decision, _ in closed), Memory(MappingProxyType(past))


def _scope(cases: Sequence[Case]) -> ModelScope:
    return ModelScope(cases[0].key.namespace, cases[0].variant.model)


def _settled(cases: Sequence[Case], backlog: Inflow | None, config: Config) -> list[Settled]:
    """Return a number for each case of one model, in their order."""
    try:
        proposals = _proposals(cases, backlog)
        return [_number(case, proposals.get(case.key), config) for case in cases]
    except Exception as error:  # whatever it is, it must not reach another model; the condition tells of it
        return [hold(case, case.blocked or failed(error)) for case in cases]


def _number(case: Case, proposal: Proposal | None, config: Config) -> Settled:
    if case.blocked is not None or proposal is None:
        return hold(case, case.blocked or _UNAVAILABLE)
    return settle(case, proposal, config.scale_down_window_s)


def _proposals(cases: Sequence[Case], backlog: Inflow | None) -> dict[ObjectKey, Proposal]:
    """Return what the analysers ask for; nothing for a variant about which nobody knows anything.

    Variants with a profile are sized for what they serve together; where that cannot be told, and for those without
    one, their gauges speak.
    """
    complete = all(case.load.complete for case in cases)
    free = [case for case in cases if case.blocked is None]
    profiled = [case for case in free if case.terms.profile is not None]
    wanted = demand((case.load for case in profiled), backlog)
    found = {} if wanted is None else slo.propose(profiled, wanted, complete=complete)
    found |= steps.propose([case for case in free if case.key not in found], complete=complete)
    silent = [case for case in free if case.key not in found and case.target.current == 0]
    return found | {case.key: _at_zero(case) for case in silent}


def _at_zero(case: Case) -> Proposal:
    """Return the least for a variant that does not run: nobody knows of any demand, and nothing can be lost."""
    return Proposal(
        replicas=case.terms.bounds.min_replicas,
        why="nothing runs, and nothing tells of any demand",
        optimization=Verdict(OptimizationReason.SUCCEEDED),
    )


def _claim(case: Case, number: Settled) -> Claim:
    running = case.target.current or 0
    return Claim(
        key=case.key,
        accelerator=case.terms.accelerator,
        accelerators_per_replica=case.terms.accelerators_per_replica,
        priority=case.terms.objective.priority,
        wanted=running if number.replicas is None else number.replicas,
        running=running,
        fixed=not number.computed or case.variant.paused,
    )
