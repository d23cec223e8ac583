"""All variants of one pass as cases: what is seen of each, what holds for it, and what stands in its way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Final, NamedTuple

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation, Target
from penstock.domain.reasons import MetricsReason, OptimizationReason, TargetReason
from penstock.domain.variants import ObjectKey, Variant
from penstock.scaling.cases import Case, standing
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
    owners: Mapping[ObjectKey, ObjectKey]


class _Known(NamedTuple):
    """What holds for a variant; `fault` is the error that kept its terms from being resolved."""

    variant: Variant
    target: Target
    terms: Terms
    fault: Verdict[OptimizationReason] | None


class _Price(NamedTuple):
    """What a replica costs, for choosing and in money; `missing` says which prices nobody knows."""

    weight: float
    per_h: float | None
    missing: Verdict[OptimizationReason] | None


def gather(observation: Observation, memory: Memory, config: Config) -> list[Case]:
    """Return a case for each variant of this controller instance, in the order of the observation."""
    this = _Pass(
        observation=observation,
        memory=memory,
        around=circumstances(observation.catalogue, config, observation.now_s),
        joined=join(observation.variants, observation.targets, observation.scrape.rows),
        owners=_owners(observation.variants),
    )
    ours = [_known(v, this) for v in observation.variants if v.controller_instance == config.controller_instance]
    prices, turns = _prices(ours, observation.catalogue.unit_costs_per_h), _turns(len(ours), observation.now_s)
    return [_case(one, price, this, may_learn=turn) for one, price, turn in zip(ours, prices, turns, strict=True)]


def _turns(variants: int, now_s: float) -> list[bool]:
    """Return whose turn it is to be learnt from: in a large fleet a few in each pass, all of them by and by."""
    groups = ceil(variants / LEARN_AT_ONCE)
    tick = int(now_s // TICK_S)
    return [(tick + number) % groups == 0 for number in range(variants)]


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


def _prices(variants: Sequence[_Known], unit_costs_per_h: Mapping[str, float]) -> list[_Price]:
    """Return the price of each variant, weighed against the others of its model and namespace."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(variants):
        groups[one.variant.key.namespace, one.variant.model].append(place)
    priced: dict[int, _Price] = {}
    for places in groups.values():
        found = prices([_item(variants[place]) for place in places], unit_costs_per_h)
        missing = _unpriced(found.unpriced) if found.unpriced else None
        for place, weight, per_h in zip(places, found.weights, found.per_replica_per_h, strict=True):
            priced[place] = _Price(weight, per_h, missing)
    return [priced[place] for place in range(len(variants))]


def _item(one: _Known) -> Item:
    return Item(one.variant, one.terms.accelerator, one.terms.accelerators_per_replica)


def _unpriced(items: Sequence[Item]) -> Verdict[OptimizationReason]:
    names = ", ".join(sorted(item.variant.key.name for item in items))
    accelerators = ", ".join(sorted({item.accelerator or "unknown" for item in items}))
    return Verdict(OptimizationReason.COST_MISSING, {"variants": names, "accelerator": accelerators})


def _owners(variants: Iterable[Variant]) -> dict[ObjectKey, ObjectKey]:
    """Return who may scale the target of each variant that shares it with others, whoever's controller they have.

    It is the oldest, the first by name among equals.
    """
    rivals: dict[tuple[str, str, str, str], list[Variant]] = defaultdict(list)
    for variant in variants:
        target = variant.target
        rivals[variant.key.namespace, target.api_version, target.kind, target.name].append(variant)
    return {
        variant.key: min(among, key=lambda one: (one.created_at_s, one.key)).key
        for among in rivals.values()
        if len(among) > 1
        for variant in among
    }


def _known(variant: Variant, this: _Pass) -> _Known:
    target = _target(variant, this)
    return _Known(variant, target, *_terms(variant, target, this.around))


def _case(one: _Known, price: _Price, this: _Pass, *, may_learn: bool) -> Case:
    variant, target, found, fault = one
    seen, last = _load(variant, this), this.memory.last(variant.key, variant.uid)
    return Case(
        variant=variant,
        target=target,
        load=seen,
        terms=found,
        last=last,
        now_s=this.observation.now_s,
        key=variant.key,
        base=standing(target, last),
        may_learn=may_learn,
        rate_window_s=this.around.config.rate_window_s,
        weight=price.weight,
        cost_per_h=price.per_h,
        unpriced=price.missing,
        blocked=fault or _blocked(target, seen, found),
    )


def _target(variant: Variant, this: _Pass) -> Target:
    seen = this.observation.targets.get(variant.key)
    if seen is None:
        facts = {"error": "it was not read", "resource": variant.target.kind}
        return Target(ref=variant.target, state=TargetReason.UNREADABLE, facts=facts)
    owner = this.owners.get(variant.key) if this.owners else None
    if owner is None or owner == variant.key or seen.state is not TargetReason.FOUND:
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
        return Verdict(OptimizationReason.SKIPPED, {"target": target.state.value})
    if not seen.verdict.reason.available:
        return Verdict(OptimizationReason.METRICS_UNAVAILABLE)
    return None
