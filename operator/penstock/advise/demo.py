"""A made-up past for `--demo`: three days of a model by a written law, and one that was hardly scraped.

`LAW` tells in words what is made. Latencies come from the engine model at a speed that the answer does not know, and
queues from a fluid: what arrives above what the replicas serve waits.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from penstock.advise.past import Answers
from penstock.advise.tracks import Grid
from penstock.engine.capacity import EngineShape, Lengths, latency
from penstock.engine.steadystate import Replica, State, replica, state
from penstock.engine.steptime import GPUS
from penstock.engine.tails import missed
from penstock.telemetry.pastqueries import HOUR_S, LOAD_STEP_S, MEANS_STEP_S, Ask

DAYS: Final = 3
START_S: Final = 1_767_571_200.0  # Monday, 5 January 2026
MOST_REQUESTS: Final = 70_000.0
BLOCK_S: Final = 4 * 3600.0
LAW: Final = (
    "Made-up history, by this law: three days from a Monday on. Demand swings daily between 0.3 and 1.9 requests "
    "a second, highest at 14:00 UTC, with a tenth more on Tuesday, a twentieth less on Wednesday, and on Tuesday "
    "at 09:00 a rush of 1.5 more a second for 25 minutes. Prompts have 3,000 tokens and answers 900 on average. A "
    "Deployment on L40S follows demand ten minutes late, one replica for each 0.35 requests a second, between 3 "
    "and 8 of them. Its engines are 8 % slower than the table says. A second model was scraped for 9 hours of "
    "each day."
)
MODEL: Final = "meta-llama/Llama-3.1-8B-Instruct"
POORLY_SCRAPED: Final = "meta-llama/Llama-3.3-70B-Instruct"

_LENGTHS: Final = Lengths(input_tokens=3000, output_tokens=900, input_cv=0.7, output_cv=0.7)
_OF_DAYS: Final = (1.0, 1.1, 0.95)
_SLOWER: Final = 1.08
_SERVES_PER_S: Final = 0.35  # what the made-up autoscaler takes one replica for, reserve included
_LATE_S: Final = 600.0
_START_S: Final = 180.0
_REPLICAS: Final = (3, 8)
_LETTERS: Final = "bcdfghjk"
_TTFT_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 40.0, math.inf)
_TPOT_S: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.3, math.inf)
_TOKENS: Final = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, math.inf)
_HOURS: Final = 3600


@dataclass(frozen=True, slots=True)
class Made:
    """One series."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Minute:
    at_s: float
    per_s: float
    wanted: int
    ready: int
    queued: float
    served_per_s: float


def grid() -> Grid:
    """Return the steps of the history."""
    return Grid(start_s=START_S, step_s=LOAD_STEP_S, count=round(DAYS * 86_400 / LOAD_STEP_S) + 1)


def answers() -> Answers:
    """Return what a Prometheus that watched it all would answer."""
    minutes = list(_minutes())
    made: defaultdict[Ask, list[Made]] = defaultdict(list)
    for index in range(_REPLICAS[1]):
        _pod(made, index, [one for one in minutes if one.ready > index])
    owner = {"namespace": "llm", "deployment": "llama-8b", "owner": "llama-8b"}
    made[Ask.WANTED].append(Made(owner, [(one.at_s, one.wanted) for one in minutes]))
    made[Ask.READY].append(Made(owner, [(one.at_s, one.ready) for one in minutes]))
    _histograms(made, minutes)
    _poor(made)
    return made


def demand_per_s(at_s: float) -> float:
    """Return the requests per second at a time."""
    day, hour = max(int((at_s - START_S) // 86_400), 0) % DAYS, at_s % 86_400 / _HOURS
    swing = _OF_DAYS[day] * (1.1 - 0.8 * math.cos(2 * math.pi * (hour - 2) / 24))
    return swing + (1.5 if day == 1 and 9.0 <= hour < 9.42 else 0.0)


@lru_cache(maxsize=1)
def _shape() -> EngineShape:
    slower = (_SLOWER,) * 3
    return EngineShape(cost=GPUS["L40S"].scaled(slower, slower, floor=_SLOWER))


@lru_cache(maxsize=1)
def _most_per_s() -> float:
    its = replica(_shape(), _LENGTHS)
    return 0.97 * state(its, its.densest).rate * 1000


def _minutes() -> Iterator[_Minute]:
    queued, asked = 0.0, [_REPLICAS[0]] * (round(_START_S / LOAD_STEP_S) + 1)
    for step in range(grid().count):
        at_s = START_S + step * LOAD_STEP_S
        per_s = demand_per_s(at_s)
        wanted = math.ceil(demand_per_s(at_s - _LATE_S) / _SERVES_PER_S)
        asked = [*asked[1:], min(max(wanted, _REPLICAS[0]), _REPLICAS[1])]
        ready = min(asked[0], asked[-1])
        served = min(per_s + queued / LOAD_STEP_S, ready * _most_per_s())
        queued = max(queued + (per_s - served) * LOAD_STEP_S, 0.0)
        yield _Minute(at_s, per_s, asked[-1], ready, queued, served)


def _pod(made: Mapping[Ask, list[Made]], index: int, minutes: Sequence[_Minute]) -> None:
    place = {"namespace": "llm", "pod": f"llama-8b-7c9d5f8b6d-x{_LETTERS[index]}k4p"}
    labels = {**place, "model_name": MODEL}
    rows = [(one, *_latencies(one)) for one in minutes]
    inside = [
        (one, one.served_per_s / one.ready * (ttft_s + _LENGTHS.output_tokens * tpot_s)) for one, ttft_s, tpot_s in rows
    ]
    made[Ask.RUNNING].append(Made(labels, [(one.at_s, round(count)) for one, count in inside]))
    made[Ask.WAITING].append(Made(labels, [(one.at_s, round(one.queued / one.ready)) for one in minutes]))
    made[Ask.COMPLETED].append(Made(labels, [(one.at_s, one.served_per_s / one.ready) for one in minutes]))
    coarse = [row for row in rows if row[0].at_s % MEANS_STEP_S == 0]
    per_s = [(one.at_s, one.served_per_s / one.ready) for one, _, _ in coarse]
    for ask, values in (
        (Ask.INPUT_SUM, [_LENGTHS.input_tokens] * len(coarse)),
        (Ask.OUTPUT_SUM, [_LENGTHS.output_tokens] * len(coarse)),
        (Ask.TTFT_SUM, [ttft_s + one.queued / one.served_per_s for one, ttft_s, _ in coarse]),
        (Ask.TPOT_SUM, [tpot_s for _, _, tpot_s in coarse]),
    ):
        points = [(at_s, rate * value) for (at_s, rate), value in zip(per_s, values, strict=True)]
        made[ask].append(Made(labels, points))
        made[Ask(ask.replace("_sum", "_count"))].append(Made(labels, per_s))
    hourly = (
        [(one.at_s, 1.0) for one in minutes if one.at_s % HOUR_S == 0] or [(minutes[0].at_s, 1.0)] if minutes else []
    )
    made[Ask.GPU_OF_NODE].append(Made({**place, "label_nvidia_com_gpu_product": "NVIDIA-L40S"}, hourly))
    made[Ask.GPU_COUNT].append(Made(place, [(at_s, 1.0) for at_s, _ in hourly]))


def _each_per_s(one: _Minute) -> float:
    """Return the rate of one replica, on a grid of 2 %, so that the same is worked out once."""
    share = min(one.served_per_s / one.ready / _most_per_s(), 1.0)
    return max(round(share * 50), 1) / 50 * _most_per_s()


def _latencies(one: _Minute) -> tuple[float, float]:
    return _means(_each_per_s(one), one.ready)


@lru_cache(maxsize=512)
def _means(per_s: float, replicas: int) -> tuple[float, float]:
    told = latency(_shape(), _LENGTHS, per_s, replicas)
    return (told.ttft_s, told.tpot_s) if told else (1.0, 0.1)


@lru_cache(maxsize=8192)
def _kept(per_s: float, replicas: int, ttft_s: float, tpot_s: float) -> tuple[float, float]:
    """Return the shares of requests up to both latencies."""
    told = missed(*_steady(per_s, replicas), ttft_s * 1000, tpot_s * 1000)
    return 1 - told.ttft, 1 - told.tpot


@lru_cache(maxsize=512)
def _steady(per_s: float, replicas: int) -> tuple[Replica, State]:
    its = replica(_shape(), _LENGTHS, replicas)
    low, high = 0.0, its.densest
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if state(its, middle).rate * 1000 < per_s else (low, middle)
    return its, state(its, max(low, high * 1e-6))


def _histograms(made: Mapping[Ask, list[Made]], minutes: Sequence[_Minute]) -> None:
    labels = {"namespace": "llm", "model_name": MODEL}
    hours: defaultdict[float, list[_Minute]] = defaultdict(list)
    for one in minutes[1:]:
        hours[START_S + math.ceil((one.at_s - START_S) / HOUR_S) * HOUR_S].append(one)

    def bucket(ask: Ask, bound: float, counts: Mapping[float, float]) -> None:
        made[ask].append(Made({**labels, "le": "+Inf" if math.isinf(bound) else f"{bound:g}"}, list(counts.items())))

    for ttft_s in _TTFT_S:
        bucket(Ask.TTFT_BUCKETS, ttft_s, {at_s: _sum(each, ttft_s, 1e6, 0) for at_s, each in hours.items()})
    for tpot_s in _TPOT_S:
        bucket(Ask.TPOT_BUCKETS, tpot_s, {at_s: _sum(each, 1e6, tpot_s, 1) for at_s, each in hours.items()})
    total = sum(one.served_per_s for one in minutes) * LOAD_STEP_S
    for ask, mean, cv in (
        (Ask.INPUT_BUCKETS, _LENGTHS.input_tokens, _LENGTHS.input_cv or 0.0),
        (Ask.OUTPUT_BUCKETS, _LENGTHS.output_tokens, _LENGTHS.output_cv or 0.0),
    ):
        for bound in _TOKENS:
            bucket(ask, bound, {minutes[-1].at_s: total * _log_normal(bound, mean, cv)})


def _sum(minutes: Sequence[_Minute], ttft_s: float, tpot_s: float, which: int) -> float:
    """Return how many requests of these minutes stayed below both; those of a queue waited for its length first."""
    return sum(
        one.served_per_s * LOAD_STEP_S * _share(one, ttft_s - one.queued / one.served_per_s, tpot_s, which)
        for one in minutes
    )


def _share(one: _Minute, ttft_s: float, tpot_s: float, which: int) -> float:
    if ttft_s <= 0:
        return 0.0
    if math.isinf(ttft_s) or math.isinf(tpot_s):
        return 1.0
    return _kept(_each_per_s(one), one.ready, min(round(ttft_s, 2) or 0.01, 1e6), tpot_s)[which]


def _log_normal(bound: float, mean: float, cv: float) -> float:
    square = math.log(1 + cv**2)
    if math.isinf(bound):
        return 1.0
    return 0.5 * math.erfc(-(math.log(bound / mean) + square / 2) / math.sqrt(2 * square))


def _poor(made: Mapping[Ask, list[Made]]) -> None:
    labels = {"namespace": "llm", "pod": "llama-70b-0", "model_name": POORLY_SCRAPED}
    seen = [START_S + step * LOAD_STEP_S for step in range(grid().count)]
    points = [(at_s, 3.0) for at_s in seen if at_s % 86_400 < 9.1 * _HOURS]
    made[Ask.RUNNING].append(Made(labels, points))
    made[Ask.WAITING].append(Made(labels, [(at_s, 0.0) for at_s, _ in points]))
    made[Ask.COMPLETED].append(Made(labels, [(at_s, 0.3) for at_s, _ in points]))
