"""What rivals read out of one look at the fleet: their own pods' series, and quantiles of what was answered."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import TypeVar

from penstock.domain.observations import PodMetrics, Target
from penstock.domain.readings import Reading
from penstock.peers.engines import value as read
from penstock.sim.policies import FirstToken, Seen, Served
from penstock.sim.scene import Scene, VariantSpec

_T = TypeVar("_T", Served, FirstToken)


def sole(scene: Scene) -> VariantSpec:
    """Return the only variant of a scene; a law for one variant is asked about one."""
    (spec,) = scene.variants
    return spec


def unreachable(seen: Seen) -> bool:
    """Return whether the query itself failed, which everybody tells from an empty answer."""
    return seen.observation.scrape.problem is not None


def target(seen: Seen, name: str) -> Target | None:
    """Return the scaled object of a variant, as last read."""
    return next((found for key, found in seen.observation.targets.items() if key.name == name), None)


def rows(seen: Seen, name: str) -> list[PodMetrics]:
    """Return the last scraped series of a variant's live pods."""
    found = target(seen, name)
    return [row for row in seen.observation.scrape.rows if row.pod in found.pods] if found else []


def gauges(seen: Seen, name: str, field: Callable[[PodMetrics], Reading]) -> list[float]:
    """Return one gauge of a variant's live pods, of those that have it."""
    found = (read(field(row)) for row in rows(seen, name))
    return [number for number in found if number is not None]


def recent(happened: Sequence[_T], now_s: float, window_s: float) -> list[_T]:
    """Return what happened in the last `window_s`, latest first."""
    since = now_s - window_s
    return list(takewhile(lambda one: one.at_s > since, reversed(happened)))


def quantile(values: Iterable[float], share: float) -> float:
    """Return a quantile by linear interpolation; NaN of nothing, as `histogram_quantile` answers."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
