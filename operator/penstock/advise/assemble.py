"""Makes pasts of answers: one for each namespace and model that was served."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import Final

from penstock.advise import demand
from penstock.advise.hardware import Hardware
from penstock.advise.histograms import share_below, variation
from penstock.advise.past import Answers, Hour, ModelPast, Sample, VariantPast
from penstock.advise.tracks import Column, Grid, Owner, PodKey, added, by_pod, grouped
from penstock.domain.variants import Slo
from penstock.telemetry.labels import bound_of, namespace_of
from penstock.telemetry.pastqueries import HOUR_S, MEANS_STEP_S, Ask

_MEANS: Final = (
    *(Ask.INPUT_SUM, Ask.INPUT_COUNT, Ask.OUTPUT_SUM, Ask.OUTPUT_COUNT),
    *(Ask.TTFT_SUM, Ask.TTFT_COUNT, Ask.TPOT_SUM, Ask.TPOT_COUNT),
)
_BRIEF: Final = 60  # a workload that was there for fewer steps is left out where another one served the model

Scope = tuple[str, str]


def owners(answers: Answers, grid: Grid) -> frozenset[str]:
    """Return the names of the workloads that served anything."""
    keys = by_pod(answers.get(Ask.RUNNING, ()), grid)
    return frozenset(owner.name for _, _, owner in grouped(keys) if owner.name)


def pasts(answers: Answers, grid: Grid, slo: Slo) -> tuple[ModelPast, ...]:
    """Return every model's past, in the order of namespace and model."""
    sheets = _Sheets(answers, grid)
    scopes: defaultdict[Scope, dict[Owner, list[PodKey]]] = defaultdict(dict)
    for (namespace, model, owner), pods in grouped(sheets.running).items():
        if model:
            scopes[namespace, model][owner] = pods
    return tuple(_past(sheets, scope, variants, slo) for scope, variants in sorted(scopes.items()))


class _Sheets:
    """The answers as columns by pod."""

    def __init__(self, answers: Answers, grid: Grid) -> None:
        self.grid, self.answers = grid, answers
        self.coarse = Grid(
            start_s=grid.start_s, step_s=MEANS_STEP_S, count=int((grid.count - 1) * grid.step_s / MEANS_STEP_S) + 1
        )
        running = by_pod(answers.get(Ask.RUNNING, ()), grid)
        self.running = {pod: column for pod, column in running.items() if any(one is not None for one in column)}
        self.waiting = by_pod(answers.get(Ask.WAITING, ()), grid)
        self.completed = by_pod(answers.get(Ask.COMPLETED, ()), grid)
        self.fine = [min(round(at * MEANS_STEP_S / grid.step_s), grid.count - 1) for at in range(self.coarse.count)]
        self.means = {ask: self._while_seen(by_pod(answers.get(ask, ()), self.coarse)) for ask in _MEANS}
        self.hardware = Hardware.read(answers)

    def _while_seen(self, columns: Mapping[PodKey, Column]) -> dict[PodKey, Column]:
        """Return coarse columns of pods while each was seen: rates that look back tell of some that are gone."""
        return {
            pod: [None if seen[at] is None else value for at, value in zip(self.fine, column, strict=True)]
            for pod, column in columns.items()
            if (seen := self.running.get(pod)) is not None
        }

    def mean(self, ask: Ask, pods: Iterable[PodKey]) -> Column:
        """Return the sum over pods; nothing known where none of them said anything."""
        columns = self.means[ask]
        return added([[None] * self.coarse.count, *(columns[pod] for pod in pods if pod in columns)])

    def counted(self, pods: Iterable[PodKey]) -> list[int]:
        """Return how many of the pods were seen, at each step."""
        found = [0] * self.grid.count
        for pod in pods:
            for step, value in enumerate(self.running[pod]):
                found[step] += value is not None
        return found

    def told(self, ask: Ask, namespace: str, owner: Owner) -> Column:
        """Return replicas of a workload as its platform tells them."""
        tracks = (
            one
            for one in self.answers.get(ask, ())
            if one.labels.get("owner") == owner.name and namespace_of(one.labels) == namespace and owner.name
        )
        return added([[None] * self.grid.count, *(self.grid.column(one.points) for one in tracks)])


def _past(sheets: _Sheets, scope: Scope, owned: Mapping[Owner, Sequence[PodKey]], slo: Slo) -> ModelPast:
    grid, pods = sheets.grid, [pod for each in owned.values() for pod in each]
    scraped = _scraped(sheets, scope, owned)
    first = next(step for step, seen in enumerate(scraped) if seen)
    backlogs = [added([sheets.running[pod], sheets.waiting.get(pod, [None] * grid.count)]) for pod in pods]
    nothing: Column = [None] * grid.count
    counters = [sheets.completed.get(pod, nothing) for pod in pods]
    most = demand.busiest(counters)
    came = added([nothing, *(demand.came(*pair, most) for pair in zip(counters, backlogs, strict=True))])
    variants = tuple(_variant(sheets, scope[0], owner, each, first) for owner, each in owned.items())
    lasting = tuple(one for one in variants if sum(bool(count) for count in one.counts) >= _BRIEF)
    return ModelPast(
        namespace=scope[0],
        model=scope[1],
        grid=Grid(start_s=grid.at(first), step_s=grid.step_s, count=grid.count - first),
        arrivals=demand.arrivals(came, scraped)[first:],
        scraped=tuple(scraped[first:]),
        lengths=tuple(_lengths(sheets, pods)[first:]),
        cvs=(_variation(sheets, scope, Ask.INPUT_BUCKETS), _variation(sheets, scope, Ask.OUTPUT_BUCKETS)),
        hours=_hours(sheets, scope, slo),
        variants=lasting or variants,
    )


def _scraped(sheets: _Sheets, scope: Scope, owned: Mapping[Owner, Sequence[PodKey]]) -> list[float]:
    """Return the share of ready replicas that were seen, at each step: 1 where nobody tells how many were ready.

    Where the platform tells that none was ready, none was to be seen: that is no gap.
    """
    seen = [0.0] * sheets.grid.count
    ready: list[float | None] = [0.0] * sheets.grid.count
    for owner, pods in owned.items():
        told, counted = sheets.told(Ask.READY, scope[0], owner), sheets.counted(pods)
        for step in range(sheets.grid.count):
            seen[step] += counted[step]
            number, total = told[step], ready[step]
            ready[step] = None if number is None or total is None else total + number
    began = next(step for step, count in enumerate(seen) if count)
    return [
        _share(count, total) if step >= began else 0.0
        for step, (count, total) in enumerate(zip(seen, ready, strict=True))
    ]


def _share(seen: float, ready: float | None) -> float:
    if ready is None:
        return float(seen > 0)
    return min(seen / ready, 1.0) if ready else 1.0


def _variant(sheets: _Sheets, namespace: str, owner: Owner, pods: Sequence[PodKey], first: int) -> VariantPast:
    wanted = sheets.told(Ask.WANTED, namespace, owner)
    told = any(count is not None for count in wanted)
    counted = sheets.counted(pods)
    seen: Column = [float(count) if count else None for count in counted]
    return VariantPast(
        owner=owner,
        starts_s=tuple(_starts(wanted, sheets.told(Ask.READY, namespace, owner), sheets.grid.step_s)),
        counts=(wanted if told else seen)[first:],
        told=told,
        accelerator=sheets.hardware.gpu(pods),
        accelerators_per_replica=sheets.hardware.count(pods),
        kv_tokens=sheets.hardware.cache(pods),
        samples=tuple(_samples(sheets, pods, counted)),
    )


def _starts(wanted: Column, ready: Column, step_s: float) -> Iterable[float]:
    """Yield how long it took, each time more was asked for, until as many were ready; none if it was less again."""
    for step, (before, now) in enumerate(pairwise(wanted), start=1):
        if before is None or now is None or now <= before:
            continue
        for later in range(step, len(ready)):
            if (wanted[later] or 0) < now:
                break
            if (ready[later] or 0) >= now:
                yield (later - step) * step_s
                break


def _samples(sheets: _Sheets, pods: Sequence[PodKey], counted: Sequence[int]) -> Iterable[Sample]:
    totals = [sheets.mean(ask, pods) for ask in _MEANS]
    for step, row in enumerate(zip(*totals, strict=True)):
        replicas = counted[sheets.fine[step]]
        if replicas and all(row):
            fed, asks, made, ends, first, firsts, gap, gaps = (float(one or 0.0) for one in row)
            yield Sample(
                at_s=sheets.coarse.at(step),
                per_s=ends / replicas,
                replicas=replicas,
                input_tokens=fed / asks,
                output_tokens=made / ends,
                ttft_s=first / firsts,
                tpot_s=gap / gaps,
            )


def _lengths(sheets: _Sheets, pods: Sequence[PodKey]) -> list[tuple[float, float] | None]:
    """Return mean tokens of prompts and answers at each step; where nothing finished, those before."""
    fed, asks, made, ends = (sheets.mean(ask, pods) for ask in _MEANS[:4])
    found: list[tuple[float, float] | None] = []
    latest: tuple[float, float] | None = None
    for step in range(sheets.grid.count):
        at = min(-(-round(step * sheets.grid.step_s) // round(MEANS_STEP_S)), sheets.coarse.count - 1)
        if fed[at] and asks[at] and made[at] and ends[at]:
            latest = (fed[at] or 0.0) / (asks[at] or 1.0), (made[at] or 0.0) / (ends[at] or 1.0)
        found.append(latest)
    later = next((one for one in found if one), None)
    return [one or later for one in found]


def _buckets(sheets: _Sheets, scope: Scope, ask: Ask) -> dict[float, dict[float, float]]:
    """Return the buckets of each hour, by the time at which it ended."""
    found: defaultdict[float, defaultdict[float, float]] = defaultdict(lambda: defaultdict(float))
    for track in sheets.answers.get(ask, ()):
        if (namespace_of(track.labels), track.labels.get("model_name", "")) == scope:
            bound = bound_of(track.labels)
            for at_s, count in track.points if not isnan(bound) else ():
                found[at_s][bound] += count
    return {at_s: dict(buckets) for at_s, buckets in found.items()}


def _variation(sheets: _Sheets, scope: Scope, ask: Ask) -> float | None:
    total: defaultdict[float, float] = defaultdict(float)
    for buckets in _buckets(sheets, scope, ask).values():
        for bound, count in buckets.items():
            total[bound] += count
    return variation(total)


def _hours(sheets: _Sheets, scope: Scope, slo: Slo) -> tuple[Hour, ...]:
    """Return each hour's share within the targets: the worse of the two shares, which no fewer requests missed."""
    first, gaps = _buckets(sheets, scope, Ask.TTFT_BUCKETS), _buckets(sheets, scope, Ask.TPOT_BUCKETS)
    found = []
    for at_s in sorted(first):
        shares = share_below(first[at_s], slo.ttft_s), share_below(gaps.get(at_s, {}), slo.tpot_s)
        known = [one for one in shares if one is not None]
        requests = max(first[at_s].values(), default=0.0)
        found.append(Hour(start_s=at_s - HOUR_S, requests=requests, met_ratio=min(known) if known else None))
    return tuple(found)
