"""What rivals read out of one look at the fleet: their own pods' series, and quantiles of what was answered."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import TypeVar

from penstock.domain.observations import PodMetrics, Target
from penstock.domain.readings import Reading, last
from penstock.sim.policies import FirstToken, Seen, Served
from penstock.sim.scene import Scene, VariantSpec

Gauge = Callable[[PodMetrics], Reading]
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


def pools(seen: Seen) -> dict[str, tuple[PodMetrics, ...]]:
    """Return the rows of every variant's live pods, by variant name; empty where nothing reports."""
    owners = {pod: key.name for key, target in seen.observation.targets.items() for pod in target.pods}
    found: dict[str, list[PodMetrics]] = {key.name: [] for key in seen.observation.targets}
    for row in seen.observation.scrape.rows:
        if row.pod in owners:
            found[owners[row.pod]].append(row)
    return {name: tuple(rows) for name, rows in found.items()}


def gauges(seen: Seen, name: str, gauge: Gauge) -> list[float]:
    """Return one gauge of a variant's live pods, of those that have it."""
    return _values(rows(seen, name), gauge)


def _values(pods: Iterable[PodMetrics], gauge: Gauge) -> list[float]:
    return [number for row in pods if (number := last(gauge(row))) is not None]


def total(pods: Iterable[PodMetrics], gauge: Gauge) -> float | None:
    """Return the sum over the rows that say something; None where none does."""
    values = _values(pods, gauge)
    return sum(values) if values else None


def mean(pods: Iterable[PodMetrics], gauge: Gauge) -> float | None:
    """Return the mean over finished requests, a plain one while none has finished; None where nothing is known."""
    pairs = [(number, last(row.completed_per_s) or 0.0) for row in pods if (number := last(gauge(row))) is not None]
    weight = sum(rate for _, rate in pairs)
    if not pairs:
        return None
    if weight == 0:
        return sum(number for number, _ in pairs) / len(pairs)
    return sum(number * rate for number, rate in pairs) / weight


def ongoing(seen: Seen, name: str) -> int:
    """Return a variant's requests in flight and those that no engine has yet."""
    return seen.router.in_flight.get(name, 0) + seen.router.queued


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
