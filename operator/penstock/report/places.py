"""Who came when: the mean place of each workload in an order of dispatch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from penstock.report.model import Order


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload, and its mean place in each order (from 1); None where it had no request."""

    name: str
    criticality: int
    places: tuple[float | None, ...]


def workloads(orders: Iterable[Order]) -> tuple[Workload, ...]:
    """Return all workloads of several orders, the most critical first."""
    orders = tuple(orders)
    criticality = {one.workload: one.criticality for order in orders for one in order.dispatched}
    means = [_means(order) for order in orders]
    names = sorted(criticality, key=lambda name: (-criticality[name], name))
    return tuple(Workload(name, criticality[name], tuple(mean.get(name) for mean in means)) for name in names)


def _means(order: Order) -> Mapping[str, float]:
    places: dict[str, list[int]] = {}
    for place, one in enumerate(order.dispatched, start=1):
        places.setdefault(one.workload, []).append(place)
    return {name: sum(found) / len(found) for name, found in places.items()}
