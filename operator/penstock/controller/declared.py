"""Scalers that declare a variant by annotation, as WVA lets them: told once each, since nothing here acts on them."""

import logging
from collections.abc import Iterable
from typing import Final

from penstock.api.kinds import HPAS, SCALED_OBJECTS
from penstock.api.names import ANNOTATION_MANAGED
from penstock.controller.about import about
from penstock.controller.ports import Objects
from penstock.controller.scalers import Scaler, same_target
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.variants import Variant

log = logging.getLogger("penstock.operator")

NOT_SUPPORTED: Final = "NotSupported"
MESSAGE: Final = (
    f"Declared by annotation {ANNOTATION_MANAGED}; this version needs a VariantAutoscaling object that names the target"
)
_KINDS: Final = {kind.name: kind for kind in (HPAS, SCALED_OBJECTS)}


class Declared:
    """Remembers whom it told; one that gets a variant and loses it again is told again."""

    def __init__(self) -> None:
        self._told: frozenset[str] = frozenset()

    async def tell(
        self, objects: Objects, scalers: Iterable[Scaler], variants: Iterable[Variant], instance: str
    ) -> None:
        """Log and post one Warning for each scaler that declares a variant of this operator which no object is for."""
        variants = tuple(variants)
        bare = {one.uid: one for one in scalers if one.declared_for == instance and not _has_variant(one, variants)}
        for uid in sorted(bare.keys() - self._told):
            await _warn(objects, bare[uid])
        self._told = frozenset(bare)


def _has_variant(scaler: Scaler, variants: Iterable[Variant]) -> bool:
    return any(
        variant.key.namespace == scaler.key.namespace and same_target(variant.target, scaler.target)
        for variant in variants
    )


async def _warn(objects: Objects, scaler: Scaler) -> None:
    log.warning(MESSAGE, extra={"object": str(scaler)})
    meta = {"namespace": scaler.key.namespace, "name": scaler.key.name, "uid": scaler.uid}
    try:
        await objects.event(about(_KINDS[scaler.kind], {"metadata": meta}), "Warning", NOT_SUPPORTED, f"{MESSAGE}.")
    except (Refused, Unreachable) as error:
        log.warning("Event not posted", extra={"object": str(scaler), "error": str(error)})
