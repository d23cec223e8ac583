"""ResourceQuotas on accelerators as quotas of ours: what a namespace may have, less what others of it use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.controller.hardware import RESOURCES
from penstock.controller.targets import Sight
from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Quota

_PREFIX: Final = "requests."  # the only form in which a quota can name an extended resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """At most `hard` accelerators of one resource in the namespace of `key`; `used` is None where it is not counted."""

    key: ObjectKey
    resource: str
    hard: int
    used: int | None


def allowances(body: Mapping[str, Any]) -> tuple[Allowance, ...] | None:
    """Reduce a ResourceQuota; None where it limits no accelerators, or only those of pods of some kind."""
    meta, spec = body["metadata"], body.get("spec") or {}
    if spec.get("scopes") or spec.get("scopeSelector"):
        return None
    used = (body.get("status") or {}).get("used") or {}
    key = ObjectKey(meta["namespace"], meta["name"])
    found = tuple(
        Allowance(key=key, resource=name.removeprefix(_PREFIX), hard=most, used=_count(used.get(name)))
        for name, text in sorted((spec.get("hard") or {}).items())
        if name.startswith(_PREFIX) and RESOURCES.fullmatch(name.removeprefix(_PREFIX))
        and (most := _count(text)) is not None
    )  # fmt: skip
    return found or None


def _count(text: object) -> int | None:
    return int(str(text)) if str(text).isascii() and str(text).isdecimal() else None


def quotas(found: Iterable[Allowance], sights: Mapping[ObjectKey, Sight]) -> tuple[Quota, ...]:
    """Return the quotas that these make for the variants.

    What runs is within them: the cluster evicts nobody for a quota, and its own count lags behind the pods. Where a
    namespace has accelerators of several resources, one limits each type of its own.
    """
    return tuple(quota for one in found for quota in _quotas(one, sights))


def _quotas(one: Allowance, sights: Mapping[ObjectKey, Sight]) -> Iterable[Quota]:
    here = {key: sight for key, sight in sights.items() if key.namespace == one.key.namespace and sight.resource}
    members = [sight for sight in here.values() if sight.resource == one.resource]
    if not members:
        return
    ours = sum(_accelerators(sight) for sight in members)
    others = max((one.used or 0) - ours, 0)
    alone = len({sight.resource for sight in here.values()}) == 1
    types = {""} if alone else {sight.target.accelerator for sight in members if sight.target.accelerator}
    for accelerator in sorted(types):
        yield Quota(
            accelerator=accelerator,
            max_accelerators=max(one.hard - others, ours),
            namespace=one.key.namespace,
            where=f"ResourceQuota {one.key}",
        )


def _accelerators(sight: Sight) -> int:
    return len(sight.pods) * (sight.target.accelerators_per_replica or 1)
