"""The signal of `saturation-v1`: one replica more or fewer from how full the engines are, to WVA's letter.

It has a known blind spot: full engines leave the average, so that three idle ones among seven full ask for fewer.
What may become of the signal is decided in `steps`, where nothing falls while any engine is full.
"""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Final

from penstock.domain.catalogue import SaturationThresholds
from penstock.scaling.columns import greatest
from penstock.scaling.observe import Gauges, Load

_ROUNDING: Final = 1e-9


def is_full(engine: Gauges, limits: SaturationThresholds) -> bool:
    """Whether a replica is saturated: its cache or its line has reached the threshold."""
    return any_full((engine,), limits)


def any_full(engines: Iterable[Gauges], limits: SaturationThresholds) -> bool:
    """Whether one of the replicas is saturated."""
    kv_most, queue_most = limits.kv_cache, limits.queue_length
    for kv_ratio, queue in engines:
        if (kv_ratio is not None and kv_ratio >= kv_most) or (queue is not None and queue >= queue_most):
            return True
    return False


def is_any_full(load: Load, limits: SaturationThresholds) -> bool:
    """Whether one of a variant's replicas is saturated; where all gauges are known, their greatest tell."""
    kv_ratio, queue = greatest(load.kv_ratios), greatest(load.queues)
    if kv_ratio is None or queue is None:
        return any_full(load.gauges, limits)
    return kv_ratio >= limits.kv_cache or queue >= limits.queue_length


def signal(engines: Sequence[Gauges], limits: SaturationThresholds) -> int:
    """Return +1, 0 or -1 replicas for a model.

    Up when the mean room of the replicas that are not full is below a trigger; down when at least two are not full
    and one fewer would leave room above both. What is unknown never argues for down.
    """
    free = [engine for engine in engines if not is_full(engine, limits)]
    kv = _room([engine.kv_ratio for engine in free], limits.kv_cache)
    queue = _room([engine.queue for engine in free], limits.queue_length)
    if _below(kv, limits.kv_spare) or _below(queue, limits.queue_spare):
        return 1
    if len(free) < 2 or kv is None or queue is None:
        return 0
    kv_left = _left(kv, limits.kv_cache, len(free))
    queue_left = _left(queue, limits.queue_length, len(free))
    return 0 if _below(kv_left, limits.kv_spare) or _below(queue_left, limits.queue_spare) else -1


def _room(values: Sequence[float | None], threshold: float) -> float | None:
    """Return the mean room below the threshold: 0 where no replica is left, None where all are unknown."""
    known = [threshold - value for value in values if value is not None]
    if not values:
        return 0.0
    return fmean(known) if known else None


def _left(room: float, threshold: float, replicas: int) -> float:
    """Return the room that one replica fewer would leave."""
    return threshold - (threshold - room) * replicas / (replicas - 1)


def _below(room: float | None, trigger: float) -> bool:
    return room is not None and room < trigger - _ROUNDING
