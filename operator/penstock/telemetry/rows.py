"""Adds up what the engines of one pod said to one row of readings; Prometheus and direct scraping both end here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Final, NamedTuple

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import ABSENT, Absent, Reading, reader
from penstock.domain.series import Signal

_Read = Callable[[float | None], Reading]
_Mean = tuple[float | None, float | None]
_UNTOLD: Final[_Mean] = (None, None)
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
    means: dict[Signal, _Mean] = field(default_factory=dict)


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
    used = [shard for shard in dated if now_s - _time(shard) <= stale_after_s] or dated
    at_s = max(map(_time, used))
    whole = used[0] if len(used) == 1 else _together(used)  # nearly every pod runs one engine
    return _row(key, whole, at_s, reader(at_s, now_s=now_s, stale_after_s=stale_after_s))


def _row(key: RowKey, shard: Shard, at_s: float, read: _Read) -> PodMetrics:
    unrated = shard.counted and shard.completed_per_s is None
    means = shard.means
    return PodMetrics(
        namespace=key.namespace,
        pod=key.pod,
        model=key.model,
        sampled_at_s=at_s,
        running=read(shard.running),
        waiting=read(shard.waiting),
        kv_usage_ratio=read(shard.kv_usage_ratio),
        completed_per_s=UNRATED if unrated else read(shard.completed_per_s),
        backlog_growth_per_s=read(shard.backlog_growth_per_s),
        input_tokens=_mean(means.get(Signal.INPUT_TOKENS), read),
        output_tokens=_mean(means.get(Signal.OUTPUT_TOKENS), read),
        ttft_s=_mean(means.get(Signal.TTFT), read),
        tpot_s=_mean(means.get(Signal.TPOT), read),
        prefill_s=_mean(means.get(Signal.PREFILL), read),
        kv_capacity_tokens=read(shard.kv_capacity_tokens),
    )


def _together(shards: Sequence[Shard]) -> Shard:
    """Return several engines of a pod as one; a rate that one of them lacks yet makes the whole unknown."""
    unrated = any(shard.counted and shard.completed_per_s is None for shard in shards)
    told = {signal: None for shard in shards for signal in shard.means}
    return Shard(
        running=_over(sum, [shard.running for shard in shards]),
        waiting=_over(sum, [shard.waiting for shard in shards]),
        kv_usage_ratio=_over(_largest, [shard.kv_usage_ratio for shard in shards]),
        completed_per_s=None if unrated else _over(sum, [shard.completed_per_s for shard in shards]),
        counted=any(shard.counted for shard in shards),
        backlog_growth_per_s=_over(sum, [shard.backlog_growth_per_s for shard in shards]),
        kv_capacity_tokens=_all([shard.kv_capacity_tokens for shard in shards]),
        means={signal: _added([shard.means.get(signal, _UNTOLD) for shard in shards]) for signal in told},
    )


def rows(groups: Mapping[RowKey, Sequence[Shard]], *, now_s: float, stale_after_s: float) -> tuple[PodMetrics, ...]:
    """Return one row per key, in the order of namespace, model and pod."""
    found = (combine(key, shards, now_s=now_s, stale_after_s=stale_after_s) for key, shards in groups.items())
    return tuple(sorted(filter(None, found), key=lambda row: (row.namespace, row.model, row.pod)))


def _time(shard: Shard) -> float:
    return shard.at_s if shard.at_s is not None else float("-inf")


def _over(fold: Callable[[Sequence[float]], float], values: Sequence[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return fold(given) if given else None


def _largest(values: Sequence[float]) -> float:
    """Return the largest; NaN wins, because a number that is none must not hide behind others."""
    return next(filter(isnan, values), max(values))


def _all(values: Sequence[float | None]) -> float | None:
    """Return what the caches of all engines hold together; a part of them would be taken for a smaller one."""
    return None if None in values else _over(sum, values)


def _added(parts: Sequence[_Mean]) -> _Mean:
    return _over(sum, [total for total, _ in parts]), _over(sum, [count for _, count in parts])


def _mean(part: _Mean | None, read: _Read) -> Reading:
    total, count = part or _UNTOLD
    if total is None or not count:  # 0/0: nothing finished
        return ABSENT
    return read(total / count)
