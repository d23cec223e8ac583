"""Asks Prometheus everything that one scaling pass needs, at one instant, and makes rows of the answers."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from penstock.domain.errors import PenstockError, Refused, Unreachable
from penstock.domain.observations import Scrape, ScrapeProblem
from penstock.domain.reasons import MetricsReason
from penstock.domain.series import Signal, kv_tokens
from penstock.telemetry.answers import Answer, Queries, Sample
from penstock.telemetry.labels import address_of, bound_of, namespace_of, pod_of, scope_of
from penstock.telemetry.pickers import inflows
from penstock.telemetry.queries import BUCKETS, GROWTH, MEANS, NEWEST, PART, PICKERS, SAMPLE_TIME, Query, queries
from penstock.telemetry.rows import RowKey, Shard, rows
from penstock.telemetry.spreads import BucketCounts, spreads

WINDOW_S: Final = 60.0
PARTIAL: Final = "partial answer"


class _ShardKey(NamedTuple):
    row: RowKey
    engine: str
    place: str


async def collect(
    prometheus: Queries, namespaces: Iterable[str], now_s: float, stale_after_s: float, window_s: float = WINDOW_S
) -> Scrape:
    """Return what Prometheus knows about the engines of these namespaces (none: of all) at Unix time `now_s`.

    One query that fails, or is answered in part, makes a problem of the whole scrape: half of the data looks like
    less load. Rates and means are over `window_s` seconds, or over four times as long where
    scrapes are too rare for that.
    """
    asked = queries(frozenset(namespaces), window_s, stale_after_s)
    answers = await asyncio.gather(*(_answer(prometheus, one, now_s) for one in asked))
    by_name = {query.name: answer for query, answer in zip(asked, answers, strict=True)}
    problem = next(filter(None, map(_problem, asked, answers)), None)
    good = {name: answer for name, answer in by_name.items() if isinstance(answer, Answer)}
    return Scrape(
        at_s=now_s,
        rows=() if problem else rows(_groups(good), now_s=now_s, stale_after_s=stale_after_s),
        problem=problem,
        inflows=inflows(good[PICKERS].samples, now_s=now_s, stale_after_s=stale_after_s) if not problem else {},
        spreads=spreads(_buckets(good), now_s) if not problem else {},
        warnings=tuple(_warnings(by_name)),
        durations_s={name: answer.duration_s for name, answer in good.items()},
    )


async def _answer(prometheus: Queries, query: Query, now_s: float) -> Answer | PenstockError:
    try:  # the question is made here, not handed in: a pass cancelled before its tasks ran leaves none unawaited
        return await prometheus.query(query.name, query.promql, now_s)
    except PenstockError as error:
        return error


def _problem(query: Query, answer: Answer | PenstockError) -> ScrapeProblem | None:
    match answer:
        case Unreachable():
            return ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer=answer.peer, cause=answer.cause)
        case Refused():
            return ScrapeProblem(reason=MetricsReason.PROMETHEUS_ERROR, peer=query.name, cause=answer.message)
        case PenstockError():
            return ScrapeProblem(reason=MetricsReason.PROMETHEUS_ERROR, peer=query.name, cause=type(answer).__name__)
    return (
        ScrapeProblem(reason=MetricsReason.PROMETHEUS_ERROR, peer=query.name, cause=PARTIAL)
        if answer.warnings
        else None
    )


def _warnings(answers: Mapping[str, Answer | PenstockError]) -> Iterable[str]:
    for name, answer in answers.items():
        if isinstance(answer, Answer):
            yield from (f"{name}: {warning}" for warning in answer.warnings)
        else:
            yield f"{name}: {answer}"


def _groups(answers: Mapping[str, Answer]) -> Mapping[RowKey, list[Shard]]:
    shards: defaultdict[_ShardKey, Shard] = defaultdict(Shard)
    by_labels: dict[int, Shard] = {}  # by identity, which is sooner told than what they say; the answers keep them
    for name, answer in answers.items():
        if (write := _WRITERS.get(name)) is not None:
            for sample in answer.samples:
                place = id(sample.labels)
                shard = by_labels.get(place)
                if shard is None:
                    shard = by_labels[place] = shards[_key(sample.labels)]
                write(shard, sample)
    _add_capacities(shards, answers.get(Signal.KV_CAPACITY))
    groups: defaultdict[RowKey, list[Shard]] = defaultdict(list)
    for key, shard in shards.items():
        groups[key.row].append(shard)
    return groups


def _buckets(answers: Mapping[str, Answer]) -> BucketCounts:
    found: BucketCounts = {}
    for signal, name in BUCKETS.items():
        for sample in answers[name].samples:
            labels = sample.labels
            mine = found.setdefault((scope_of(labels), signal), {})
            bound = bound_of(labels)
            mine[bound] = mine.get(bound, 0.0) + sample.value
    return found


def _add_capacities(shards: Mapping[_ShardKey, Shard], answer: Answer | None) -> None:
    """Tell each engine what its cache holds: the size told last, since an engine that was replaced may have another.

    The series names no model, and only newer engines number themselves in it.
    """
    told: dict[tuple[RowKey, str, str], float] = {}
    for sample in sorted(answer.samples if answer else (), key=lambda one: one.value):
        key, tokens = _key(sample.labels), kv_tokens(sample.labels)
        if tokens is not None:
            told[key.row._replace(model=""), key.place, key.engine] = tokens
    for key, shard in shards.items() if told else ():
        row = key.row._replace(model="")
        shard.kv_capacity_tokens = told.get((row, key.place, key.engine), told.get((row, key.place, "")))


def _key(labels: Mapping[str, str]) -> _ShardKey:
    """Return whose numbers these are.

    Without any pod label the address stands in, so that engines stay apart, but no pod's name is made up of it.
    """
    pod, place = pod_of(labels), address_of(labels)
    row = RowKey(namespace_of(labels), pod, labels.get("model_name", ""), "" if pod else place)
    return _ShardKey(row, labels.get("engine", ""), place)


def _attribute(name: str) -> Callable[[Shard, Sample], None]:
    def write(shard: Shard, sample: Sample) -> None:
        setattr(shard, name, sample.value)

    return write


def _completed(shard: Shard, sample: Sample) -> None:
    if sample.labels.get(PART) == NEWEST:
        shard.counted = True
    else:
        shard.completed_per_s = sample.value


def _mean(signal: Signal) -> Callable[[Shard, Sample], None]:
    def write(shard: Shard, sample: Sample) -> None:
        total, count = shard.means.get(signal, (None, None))
        is_sum = sample.labels.get(PART) == "sum"
        shard.means[signal] = (sample.value, count) if is_sum else (total, sample.value)

    return write


_WRITERS: Final[Mapping[str, Callable[[Shard, Sample], None]]] = {
    SAMPLE_TIME: _attribute("at_s"),
    GROWTH: _attribute("backlog_growth_per_s"),
    Signal.RUNNING: _attribute("running"),
    Signal.WAITING: _attribute("waiting"),
    Signal.KV_USAGE: _attribute("kv_usage_ratio"),
    Signal.COMPLETED: _completed,
    **{signal: _mean(signal) for signal in MEANS},
}
