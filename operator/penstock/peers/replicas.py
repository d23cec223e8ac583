"""From a number that a law works out to replicas that may be asked for."""

from math import ceil

from penstock.sim.scene import VariantSpec


def whole(replicas: float) -> int:
    """Return the replicas rounded up; 6.000000000000001 are six: sums of floats must not buy a GPU."""
    return ceil(replicas - 1e-9)


def clamp(wanted: float, spec: VariantSpec, least: int = 1) -> int:
    """Return the wanted replicas within the variant's bounds and never fewer than `least`."""
    return max(spec.min_replicas, min(least, spec.max_replicas), min(int(wanted), spec.max_replicas))
