"""Makes series over a grid of instants out of events; what is unknown stays unknown."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from penstock.report.model import Numbers, VariantTrack


def grid(length_s: float, step_s: float) -> tuple[float, ...]:
    """Return the instants 0, step, 2 step, … up to the end of a run, the end included."""
    return tuple(round(number * step_s, 6) for number in range(math.ceil(length_s / step_s - 1e-9) + 1))


def rate_per_s(times_s: Iterable[float], grid_s: Sequence[float], window_s: float) -> Numbers:
    """Return events per second over the window before each instant (shorter at the start); unknown at 0."""
    ordered = sorted(times_s)

    def at(now_s: float) -> float | None:
        length_s = min(window_s, now_s)
        return (bisect_right(ordered, now_s) - bisect_right(ordered, now_s - length_s)) / length_s if length_s else None

    return tuple(at(now_s) for now_s in grid_s)


def share(events: Iterable[tuple[float, bool]], grid_s: Sequence[float], window_s: float) -> Numbers:
    """Return the share of events that came out well in the window before each instant; unknown where none came."""
    ordered = sorted(events)
    times_s = [at_s for at_s, _ in ordered]

    def at(now_s: float) -> float | None:
        seen = ordered[bisect_right(times_s, now_s - window_s) : bisect_right(times_s, now_s)]
        return sum(good for _, good in seen) / len(seen) if seen else None

    return tuple(at(now_s) for now_s in grid_s)


def held(points: Iterable[tuple[float, float | None]], grid_s: Sequence[float]) -> Numbers:
    """Return at each instant what was last said by then; unknown before the first word."""
    ordered = sorted(points, key=lambda point: point[0])
    times_s = [at_s for at_s, _ in ordered]
    found = (bisect_right(times_s, now_s) - 1 for now_s in grid_s)
    return tuple(ordered[index][1] if index >= 0 else None for index in found)


def capacity_per_s(variants: Sequence[VariantTrack], counts: str, instants: int) -> Numbers:
    """Return what all variants together serve at each of so many instants; unknown where one of them is, or none is.

    `counts` says of which replicas: `ready` or `desired`.
    """
    if not variants:
        return (None,) * instants
    per_variant = [
        [_times(count, each) for count, each in zip(getattr(one, counts), one.each_per_s, strict=True)]
        for one in variants
    ]
    return tuple(_sum(column) for column in zip(*per_variant, strict=True))


def _times(count: float | None, each: float | None) -> float | None:
    if count == 0:
        return 0.0
    return None if count is None or each is None else count * each


def _sum(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total
