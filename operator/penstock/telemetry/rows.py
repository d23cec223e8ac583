"""Adds up what the engines of one pod said to one row of readings; Prometheus and direct scraping both end here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Final, NamedTuple

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import ABSENT, Absent, Reading, reading
from penstock.domain.series import Signal

UNRATED: Final = Absent("one sample only, so there is no rate yet")


@dataclass(slots=True, kw_only=True)
class Shard:
    """One engine of one pod, under one model name; None is a number that nobody gave.

    `counted` says that a counter of finished requests exists, whether or not it has a rate. `means` holds growth per
    second of a histogram's sum and count. `at_s` is the Unix time of its newest sample.
    """

    at_s: float | None = None
    running: float | None = None
    waiting: float | None = None
    kv_usage_ratio: float | None = None
    completed_per_s: float | None = None
    counted: bool = False
    backlog_growth_per_s: float | None = None
    kv_capacity_tokens: float | None = None
    means: dict[Signal, tuple[float | None, float | None]] = field(default_factory=dict)


class RowKey(NamedTuple):
    """What makes a row: `place` tells engines apart whose pod is unknown, and is empty where it is known."""

    namespace: str
    pod: str
    model: str
    place: str = ""


def combine(key: RowKey, shards: Sequence[Shard], *, now_s: float, stale_after_s: float) -> PodMetrics | None:
    """Return the row of a pod, or None where no sample has a time.

    Requests and rates add up, of KV usages the fullest counts, means are weighted by their counts. An engine that
    fell silent is left out while another one of the pod still speaks: it may be one that was replaced.
    """
    dated = [shard for shard in shards if shard.at_s is not None]
    if not dated:
        return None
    fresh = [shard for shard in dated if now_s - _time(shard) <= stale_after_s]
    used = fresh or dated
    at_s = max(map(_time, used))

    def read(value: float | None) -> Reading:
        return reading(value, at_s, now_s=now_s, stale_after_s=stale_after_s)

    return PodMetrics(
        namespace=key.namespace,
        pod=key.pod,
        model=key.model,
        sampled_at_s=at_s,
        running=read(_over(sum, [shard.running for shard in used])),
        waiting=read(_over(sum, [shard.waiting for shard in used])),
        kv_usage_ratio=read(_over(_largest, [shard.kv_usage_ratio for shard in used])),
        completed_per_s=_completed(used, read),
        backlog_growth_per_s=read(_over(sum, [shard.backlog_growth_per_s for shard in used])),
        input_tokens=_mean(used, Signal.INPUT_TOKENS, read),
        output_tokens=_mean(used, Signal.OUTPUT_TOKENS, read),
        ttft_s=_mean(used, Signal.TTFT, read),
        tpot_s=_mean(used, Signal.TPOT, read),
        prefill_s=_mean(used, Signal.PREFILL, read),
        kv_capacity_tokens=_capacity(used, read),
    )


def rows(groups: Mapping[RowKey, Sequence[Shard]], *, now_s: float, stale_after_s: float) -> tuple[PodMetrics, ...]:
    """Return one row per key, in the order of namespace, model and pod."""
    found = (combine(key, shards, now_s=now_s, stale_after_s=stale_after_s) for key, shards in groups.items())
    return tuple(sorted(filter(None, found), key=lambda row: (row.namespace, row.model, row.pod)))


def _time(shard: Shard) -> float:
    return shard.at_s if shard.at_s is not None else float("-inf")


def _over(fold: Callable[[Sequence[float]], float], values: Sequence[float | None]) -> float | None:
    if len(values) == 1:  # nearly every pod runs one engine
        return values[0]
    given = [value for value in values if value is not None]
    return fold(given) if given else None


def _largest(values: Sequence[float]) -> float:
    """Return the largest; NaN wins, because a number that is none must not hide behind others."""
    return next(filter(isnan, values), max(values))


def _completed(shards: Sequence[Shard], read: Callable[[float | None], Reading]) -> Reading:
    if any(shard.counted and shard.completed_per_s is None for shard in shards):
        return UNRATED
    return read(_over(sum, [shard.completed_per_s for shard in shards]))


def _capacity(shards: Sequence[Shard], read: Callable[[float | None], Reading]) -> Reading:
    """Return what the caches of all engines hold together; a part of them would be taken for a smaller one."""
    found = [shard.kv_capacity_tokens for shard in shards if shard.kv_capacity_tokens is not None]
    return read(sum(found)) if len(found) == len(shards) else ABSENT


def _mean(shards: Sequence[Shard], signal: Signal, read: Callable[[float | None], Reading]) -> Reading:
    parts = [shard.means.get(signal, (None, None)) for shard in shards]
    total, count = _over(sum, [part[0] for part in parts]), _over(sum, [part[1] for part in parts])
    if total is None or not count:  # 0/0: nothing finished
        return ABSENT
    return read(total / count)
