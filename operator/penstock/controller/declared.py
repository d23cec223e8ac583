"""Variants that scalers declare by annotation: which of them count, and what is remembered of each.

They have no status of ours: what would stand there is kept here, so that events tell changes and nothing twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.controller.scalers import Scaler, same_target
from penstock.domain.variants import ObjectKey, Variant

Body = Mapping[str, Any]


@dataclass(slots=True)
class Declared:
    """`statuses` are by the scaler's uid, and `uids` by the variant that counts for it since the last pass."""

    statuses: dict[str, Body] = field(default_factory=dict)
    uids: dict[ObjectKey, str] = field(default_factory=dict)

    def bodies(self, scalers: Iterable[Scaler], variants: Iterable[Variant], instance: str) -> list[Body]:
        """Return the declarations of this controller instance with what was last told of them.

        An object that scales the same target, or has the same name, says more and counts alone; of two scalers that
        declare one name, the first by kind and name.
        """
        variants = tuple(variants)
        taken = {variant.key for variant in variants}
        found: dict[ObjectKey, Body] = {}
        for scaler in sorted(scalers, key=str):
            declared = scaler.declares
            if declared is None or scaler.declared_for != instance or _has_object(scaler, variants):
                continue
            key = ObjectKey(scaler.key.namespace, str(declared["variant"]))
            if key not in taken:
                taken.add(key)
                found[key] = {**declared, "status": self.statuses.get(scaler.uid, {})}
        self.uids = {key: str(body["metadata"]["uid"]) for key, body in found.items()}
        living = set(self.uids.values())
        self.statuses = {uid: status for uid, status in self.statuses.items() if uid in living}
        return list(found.values())

    def of(self, key: ObjectKey) -> Body | None:
        """Return what was last told of a variant that a scaler declares, as an object with a status, if one does."""
        uid = self.uids.get(key)
        return None if uid is None else {"status": self.statuses.get(uid, {})}

    def note(self, body: Body, status: Body) -> None:
        """Remember what was told of one."""
        self.statuses[str(body["metadata"]["uid"])] = status


def _has_object(scaler: Scaler, variants: Iterable[Variant]) -> bool:
    return any(
        variant.key.namespace == scaler.key.namespace and same_target(variant.target, scaler.target)
        for variant in variants
    )
