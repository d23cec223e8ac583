"""All variants of one pass as cases: what is seen of each, what holds for it, and what stands in its way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation, Target
from penstock.domain.reasons import MetricsReason, OptimizationReason, TargetReason
from penstock.domain.variants import ObjectKey, TargetRef, Variant
from penstock.scaling.cases import Case
from penstock.scaling.config import Config
from penstock.scaling.join import Joined, join
from penstock.scaling.memory import Memory
from penstock.scaling.observe import Load, load
from penstock.scaling.prices import Item, prices
from penstock.scaling.terms import Circumstances, Terms, circumstances, terms, unresolved

LEARN_AT_ONCE: Final = 16
"""Variants of which a pass learns: each takes some milliseconds."""
TICK_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    observation: Observation
    memory: Memory
    around: Circumstances
    joined: Mapping[ObjectKey, Joined]
    owners: Mapping[tuple[str, TargetRef], ObjectKey]


def gather(observation: Observation, memory: Memory, config: Config) -> list[Case]:
    """Return a case for each variant of this controller instance, in the order of the observation."""
    this = _Pass(
        observation=observation,
        memory=memory,
        around=circumstances(observation.catalogue, config, observation.now_s),
        joined=join(observation.variants, observation.targets, observation.scrape.rows),
        owners=_owners(observation.variants),
    )
    ours = [v for v in observation.variants if v.controller_instance == config.controller_instance]
    return [_case(variant, this, may_learn=turn) for variant, turn in zip(ours, _turns(ours, this), strict=True)]


def _turns(variants: Sequence[Variant], this: _Pass) -> list[bool]:
    """Return whose turn it is to be learnt from: in a large fleet a few in each pass, all of them by and by."""
    groups = ceil(len(variants) / LEARN_AT_ONCE)
    tick = int(this.observation.now_s // TICK_S)
    return [(tick + number) % groups == 0 for number in range(len(variants))]


def failed(error: Exception) -> Verdict[OptimizationReason]:
    """Return the verdict on an internal error; its words are for the log."""
    return Verdict(OptimizationReason.FAILED, {"error": in_words(error)})


def in_words(error: Exception) -> str:
    """Return an internal error in the words of the log."""
    return f"{type(error).__name__}: {error}"


def by_model(cases: Iterable[Case]) -> list[list[Case]]:
    """Return the cases that share a model and a namespace."""
    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.key.namespace, case.variant.model].append(case)
    return list(groups.values())


def priced(cases: Sequence[Case], unit_costs_per_h: Mapping[str, float]) -> list[Case]:
    """Return the cases of one model with the prices of their replicas."""
    found = prices([_item(case) for case in cases], unit_costs_per_h)
    verdict = _unpriced(found.unpriced) if found.unpriced else None
    return [
        replace(case, weight=found.weights[case.key], cost_per_h=found.per_replica_per_h[case.key], unpriced=verdict)
        for case in cases
    ]


def _item(case: Case) -> Item:
    return Item(
        variant=case.variant,
        accelerator=case.terms.accelerator,
        accelerators_per_replica=case.terms.accelerators_per_replica,
    )


def _unpriced(items: Sequence[Item]) -> Verdict[OptimizationReason]:
    names = ", ".join(sorted(item.variant.key.name for item in items))
    accelerators = ", ".join(sorted({item.accelerator or "unknown" for item in items}))
    return Verdict(OptimizationReason.COST_MISSING, {"variants": names, "accelerator": accelerators})


def _owners(variants: Iterable[Variant]) -> dict[tuple[str, TargetRef], ObjectKey]:
    """Return who may scale each target: the oldest, the first by name among equals, whoever's controller it has."""
    eldest_last = sorted(variants, key=lambda variant: (variant.created_at_s, variant.key), reverse=True)
    return {(variant.key.namespace, variant.target): variant.key for variant in eldest_last}


def _case(variant: Variant, this: _Pass, *, may_learn: bool) -> Case:
    target = _target(variant, this)
    found, fault = _terms(variant, target, this.around)
    seen = _load(variant, this)
    return Case(
        variant=variant,
        target=target,
        load=seen,
        terms=found,
        last=this.memory.last(variant.key, variant.uid),
        now_s=this.observation.now_s,
        may_learn=may_learn,
        blocked=fault or _blocked(target, seen, found),
    )


def _target(variant: Variant, this: _Pass) -> Target:
    seen = this.observation.targets.get(variant.key)
    if seen is None:
        facts = {"error": "it was not read", "resource": variant.target.kind}
        return Target(ref=variant.target, state=TargetReason.UNREADABLE, facts=facts)
    owner = this.owners[variant.key.namespace, variant.target]
    if owner == variant.key or seen.state is not TargetReason.FOUND:
        return seen
    return replace(seen, state=TargetReason.SHARED, facts={"va": owner.name})


def _terms(variant: Variant, target: Target, around: Circumstances) -> tuple[Terms, Verdict[OptimizationReason] | None]:
    """Return the terms, and the error that kept them from being resolved; one variant's never stops the others."""
    try:
        return terms(variant, target, around), None
    except Exception as error:  # whatever it is, the last decision holds and the condition names the record
        return unresolved(variant, around.config), failed(error)


def _load(variant: Variant, this: _Pass) -> Load:
    try:
        return load(variant, this.joined[variant.key], this.observation, this.around.config.stale_after_s)
    except Exception as error:  # an impossible sample of one variant must not stop the others
        why = f"not understood ({type(error).__name__})"
        return Load(verdict=Verdict(MetricsReason.INVALID, {"series": "vllm:*", "why": why}))


def _blocked(target: Target, seen: Load, found: Terms) -> Verdict[OptimizationReason] | None:
    """Say why nothing is computed for a variant, if so."""
    if found.excluded:
        return Verdict(OptimizationReason.SKIPPED)
    if target.state is not TargetReason.FOUND:
        return Verdict(OptimizationReason.SKIPPED, {"target": target.state})
    if not seen.verdict.reason.available:
        return Verdict(OptimizationReason.METRICS_UNAVAILABLE)
    return None
