"""The door of the room: one look at everything in, one decision for each variant out. Total: no input is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Verdict
from penstock.domain.observations import Inflow, Observation
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.scaling import sized, tokenised, zero
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.close import close
from penstock.scaling.config import Config, Quota
from penstock.scaling.doubt import believed
from penstock.scaling.experience import Experience, Outage
from penstock.scaling.gather import by_model, failed, gather, in_words
from penstock.scaling.history import ModelPast
from penstock.scaling.joint import Shared, share
from penstock.scaling.memory import Memory
from penstock.scaling.model import Facts, Model, study
from penstock.scaling.plan import Plan, plan
from penstock.scaling.quotas import Claim, claimed, grant
from penstock.scaling.settle import Settled, hold, settle, within_quota

_UNAVAILABLE = Verdict(OptimizationReason.METRICS_UNAVAILABLE)


class _Study(NamedTuple):
    """What is known of one model, and its plan; no model where a `fault` kept that from being computed.

    `unshared` tells why the plan does not heed the quotas, where it should.
    """

    cases: Sequence[Case]
    model: Model | None = None
    found: Plan | None = None
    fault: Verdict[OptimizationReason] = _UNAVAILABLE
    unshared: str = ""


class _Answer(NamedTuple):
    """What came out for one model, in the order of its cases; no model where computing failed."""

    cases: Sequence[Case]
    settled: Sequence[Settled]
    past: ModelPast | None
    experiences: Mapping[ObjectKey, Experience]
    model: Model | None = None
    found: Plan | None = None


def decide(observation: Observation, memory: Memory, config: Config) -> tuple[tuple[Decision, ...], Memory]:
    """Answer how many replicas of each variant should run, and what must be remembered until the next pass.

    Variants of other controller instances get no decision. A variant whose numbers are absent, stale or impossible
    keeps what it has; an internal error does the same to its model alone.
    """
    groups = by_model(gather(observation, memory, config))
    studies = [_studied(group, observation, memory, config) for group in groups]
    answers = [_answer(study, observation, memory, config) for study in _within_quotas(studies, config.quotas)]
    cases = [case for answer in answers for case in answer.cases]
    settled = _granted(cases, [number for answer in answers for number in answer.settled], config.quotas)
    plans = [(answer.model, answer.found) for answer in answers for _ in answer.cases]
    closed = [
        close(case, number, model, found) for case, number, (model, found) in zip(cases, settled, plans, strict=True)
    ]
    return tuple([decision for decision, _ in closed]), Memory(
        MappingProxyType({decision.key: remembered for decision, remembered in closed if remembered is not None}),
        MappingProxyType({_scope(answer.cases): answer.past for answer in answers if answer.past is not None}),
        MappingProxyType({key: found for answer in answers for key, found in answer.experiences.items()}),
    )


def _scope(cases: Sequence[Case]) -> ModelScope:
    return ModelScope(cases[0].key.namespace, cases[0].variant.model)


def _studied(cases: Sequence[Case], observation: Observation, memory: Memory, config: Config) -> _Study:
    """Return what one model needs were there no quotas; whatever fails, it must not reach another one."""
    try:
        cases, inflow = believed(cases, observation.inflows.get(_scope(cases)), config)
        model = study(cases, inflow, memory, config)
        past = tokenised.remembering(model.past, cases)
        model = model if past is model.past else model._replace(past=past)
        return _Study(cases=cases, model=model, found=plan(model) if model.ahead is not None else None)
    except Exception as error:
        return _Study(cases=cases, fault=failed(error))


def _within_quotas(studies: Sequence[_Study], quotas: Sequence[Quota]) -> Sequence[_Study]:
    """Return the studies with plans that heed quotas together.

    Where that fails, `grant` holds the quotas by priority alone, and the verdicts on these models say so.
    """
    if not quotas:
        return studies
    planned = [study for study in studies if study.model is not None and study.found is not None]
    ours = {key for study in planned if study.found is not None for key in study.found.goal}
    others = [_standing(case) for study in studies for case in study.cases if case.key not in ours]
    plans = [(s.model, s.found) for s in planned if s.model is not None and s.found is not None]
    try:
        made = share(plans, others, quotas)
    except Exception as error:
        made = Shared([found for _, found in plans], in_words(error))
    heeding = dict(zip(map(id, planned), made.plans, strict=True))
    return [
        study._replace(found=heeding[id(study)], unshared=made.lack) if id(study) in heeding else study
        for study in studies
    ]


def _standing(case: Case) -> Claim:
    """Return what a variant takes of quotas that is not planned for: what was asked for, or runs."""
    asked = 0 if case.variant.paused else case.base or 0
    return claimed(case, max(asked, case.target.current or 0), fixed=True)


def _answer(study: _Study, observation: Observation, memory: Memory, config: Config) -> _Answer:
    """Return a number for each case of one model."""
    if study.model is None:
        return _failed(study, study.fault, memory)
    try:
        answer = _computed(study.cases, study.model, study.found, observation, config)
        return answer if not study.unshared else _doubted(answer, study.unshared)
    except Exception as error:
        return _failed(study, failed(error), memory)


def _doubted(answer: _Answer, why: str) -> _Answer:
    """Return the answer with verdicts that tell why quotas were not shared out, on those that were planned."""
    planned = answer.found.goal if answer.found is not None else {}
    numbers = zip(answer.cases, answer.settled, strict=True)
    return answer._replace(settled=[_unshared(one, why) if case.key in planned else one for case, one in numbers])


def _unshared(number: Settled, why: str) -> Settled:
    verdict = number.optimization
    return number._replace(optimization=replace(verdict, facts={**verdict.facts, "unshared": why}))


def _failed(study: _Study, fault: Verdict[OptimizationReason], memory: Memory) -> _Answer:
    return _Answer(
        cases=study.cases,
        settled=[hold(case, case.blocked or fault) for case in study.cases],
        past=memory.models.get(_scope(study.cases)),
        experiences={case.key: memory.experience(case.key, case.variant.uid) for case in study.cases},
    )


def _computed(
    cases: Sequence[Case], model: Model, found: Plan | None, observation: Observation, config: Config
) -> _Answer:
    proposals = _proposals(cases, model, found, observation.inflows.get(_scope(cases)))
    now_s, window_s = observation.now_s, config.window_s()
    return _Answer(
        cases=cases,
        settled=[_number(case, proposals.get(case.key), window_s) for case in cases],
        past=_past(model, found, now_s),
        experiences=_experiences(model, found, now_s, config.retry_after_s),
        model=model,
        found=found,
    )


def _past(model: Model, found: Plan | None, now_s: float) -> ModelPast:
    return model.past._replace(remixed_at_s=now_s) if found is not None and found.exchanged else model.past


def _experiences(model: Model, found: Plan | None, now_s: float, away_s: float) -> dict[ObjectKey, Experience]:
    """Return what was learnt, and from now on that a variant has no room, where its replicas are given up."""
    learnt = dict(model.experiences)
    for key in found.given_up if found is not None else ():
        before = learnt[key]
        if before.is_away(now_s):
            continue
        outage = Outage(now_s, now_s + away_s) if before.outage is None else before.outage.again(now_s, away_s)
        learnt[key] = replace(before, outage=outage, pending_since_s=None)
    return learnt


def _number(case: Case, proposal: Proposal | None, window_s: float) -> Settled:
    if proposal is None or (case.blocked is not None and not proposal.blind):
        return hold(case, case.blocked or _UNAVAILABLE)
    return settle(case, proposal, window_s)


def _proposals(
    cases: Sequence[Case], model: Model, found: Plan | None, inflow: Inflow | None
) -> dict[ObjectKey, Proposal]:
    """Return what is asked for; nothing for a variant about which nobody knows anything.

    Variants whose capacity is known serve together what is expected; the gauges of the others speak for them.
    """
    complete = model.is_complete
    free = [case for case in cases if case.blocked is None]
    known = sized.propose(model, found, model.ahead) if found is not None and model.ahead is not None else {}
    rest = [case for case in free if case.key not in known]
    if rest:
        known |= _with_lack(tokenised.propose(rest, model, inflow, complete=complete), model.lacks)
    known |= {case.key: _silent(case) for case in free if not case.target.ready and case.key not in known}
    known |= zero.sleep(cases, model)
    known |= zero.wake(cases, model, inflow)
    return known


def _with_lack(found: dict[ObjectKey, Proposal], lacks: Mapping[ObjectKey, Facts]) -> dict[ObjectKey, Proposal]:
    """Return proposals by gauges whose verdicts say what keeps a variant that should be from being sized."""
    for key, proposal in found.items():
        if key in lacks and proposal.optimization.reason is OptimizationReason.SATURATION_ONLY:
            verdict = Verdict(OptimizationReason.SATURATION_ONLY, lacks[key])
            found[key] = proposal._replace(optimization=verdict)
    return found


def _silent(case: Case) -> Proposal:
    """Return the least for a variant that does not run, and of one that starts, what was asked for.

    Nobody knows of any demand, and nothing can be lost.
    """
    return Proposal(
        replicas=(case.base or 0) if case.target.current else case.terms.bounds.min_replicas,
        why="nothing serves, and nothing tells of any demand",
        optimization=Verdict(OptimizationReason.SUCCEEDED),
    )


def _granted(cases: Sequence[Case], numbers: Sequence[Settled], quotas: Sequence[Quota]) -> Sequence[Settled]:
    """Return what remains of the numbers after the quotas."""
    if not quotas:
        return numbers
    granted = grant([_claim(case, number) for case, number in zip(cases, numbers, strict=True)], quotas)
    return [within_quota(number, granted[case.key]) for case, number in zip(cases, numbers, strict=True)]


def _claim(case: Case, number: Settled) -> Claim:
    """Return what a number takes; one that is held may not be handed over, so that what runs counts."""
    running, fixed = case.target.current or 0, not number.computed or case.variant.paused
    wanted = 0 if case.variant.paused else number.replicas or 0
    return claimed(case, max(wanted, running) if fixed else wanted, fixed=fixed)
