"""What a replica costs, in a unit that all variants of one model share; unlike units are never compared."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.domain.variants import Variant

ABSENT_VARIANT_COST: Final = 10.0
"""WVA's default of `variantCost`, which counts where another variant of the model has one."""


class Item(NamedTuple):
    """A variant, its accelerator if known, and how many of them one replica takes."""

    variant: Variant
    accelerator: str | None
    accelerators_per_replica: int


class Prices(NamedTuple):
    """Cost of one replica per hour, None unknown; and the weights for choosing, equal where one is unknown.

    Both are in the order of the items. `unpriced` are those that make it so, where there is a choice at all.
    """

    per_replica_per_h: Sequence[float | None]
    weights: Sequence[float]
    unpriced: tuple[Item, ...] = ()


def prices(items: Sequence[Item], unit_costs_per_h: Mapping[str, float]) -> Prices:
    """Price all variants of one model in one namespace."""
    if any(item.variant.cost_per_replica_per_h is not None for item in items):
        own = [_own(item) for item in items]
        return Prices(per_replica_per_h=own, weights=own)
    found = [_by_accelerator(item, unit_costs_per_h) for item in items]
    known = [cost for cost in found if cost is not None]
    if len(known) == len(items):
        return Prices(per_replica_per_h=found, weights=known)
    unpriced = tuple(item for item, cost in zip(items, found, strict=True) if cost is None)
    return Prices(
        per_replica_per_h=found,
        weights=[1.0] * len(items),
        unpriced=unpriced if len(items) > 1 else (),
    )


def _own(item: Item) -> float:
    cost = item.variant.cost_per_replica_per_h
    return ABSENT_VARIANT_COST if cost is None else cost


def _by_accelerator(item: Item, unit_costs_per_h: Mapping[str, float]) -> float | None:
    unit = unit_costs_per_h.get(item.accelerator) if item.accelerator else None
    return None if unit is None else unit * item.accelerators_per_replica
