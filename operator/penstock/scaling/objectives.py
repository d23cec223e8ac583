"""Which latencies a variant must keep: its own, else those of its service class, else the operator's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from penstock.domain.catalogue import ServiceTarget
from penstock.domain.variants import Slo, SloOverride, SloSource, Variant

LOWEST_PRIORITY: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The targets in force and the priority of their class, 1 to 100, the first being the highest.

    `unlisted` says that `sloClassRef` is set, that no class lists the model, and that its targets were needed;
    `unused` that another class than the named one lists it.
    """

    slo: Slo
    priority: int
    unlisted: bool
    unused: bool = False


def by_default(default: Slo) -> Objective:
    """Return what holds where neither the owner nor a class says anything."""
    return Objective(slo=replace(default, source=SloSource.DEFAULT), priority=LOWEST_PRIORITY, unlisted=False)


def objective(variant: Variant, entries: Sequence[ServiceTarget], otherwise: Objective) -> Objective:
    """Resolve each target by itself from the classes that list the model; `source` names the best one used."""
    if not entries and variant.slo_class_ref is None and _is_unsaid(variant.slo):
        return otherwise
    found, own, default = service_target(variant, entries), variant.slo, otherwise.slo
    slo = Slo(
        ttft_s=own.ttft_s or (found and found.ttft_s) or default.ttft_s,
        tpot_s=own.tpot_s or (found and found.tpot_s) or default.tpot_s,
        attainment_ratio=own.attainment_ratio or default.attainment_ratio,
        source=_source(variant, found),
    )
    needed = own.ttft_s is None or own.tpot_s is None
    return Objective(
        slo=slo,
        priority=found.priority if found else LOWEST_PRIORITY,
        unlisted=variant.slo_class_ref is not None and found is None and needed,
        unused=variant.slo_class_ref is not None and found is not None and not _is_named(found, variant),
    )


def _is_unsaid(own: SloOverride) -> bool:
    return own.ttft_s is None and own.tpot_s is None and own.attainment_ratio is None


def service_target(variant: Variant, entries: Sequence[ServiceTarget]) -> ServiceTarget | None:
    """Return the entry of the class that `sloClassRef` names, else that of the highest priority, then first key."""
    if not entries:
        return None
    named = [entry for entry in entries if _is_named(entry, variant)]
    return min(named or entries, key=lambda entry: (entry.priority, entry.key), default=None)


def _is_named(entry: ServiceTarget, variant: Variant) -> bool:
    reference = variant.slo_class_ref
    configmap = entry.configmap.rpartition("/")[2]
    return reference is not None and (configmap, entry.key) == (reference.namespace, reference.name)


def _source(variant: Variant, found: ServiceTarget | None) -> SloSource:
    if variant.slo.ttft_s is not None or variant.slo.tpot_s is not None:
        return SloSource.SPEC
    listed = found is not None and (found.ttft_s is not None or found.tpot_s is not None)
    return SloSource.SERVICE_CLASS if listed else SloSource.DEFAULT
