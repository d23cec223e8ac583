"""The highest rate of requests at which one replica keeps its latency targets, from the step model of its engine."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from math import exp, log
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.domain.variants import Slo
from penstock.engine.lengths import Lengths
from penstock.engine.steadystate import EngineShape, Replica, State, replica, state
from penstock.engine.steptime import StepCost
from penstock.engine.tails import Missed, mean_ttft_ms, missed

__all__ = ["MOST", "Binding", "Capacity", "EngineShape", "Latencies", "Lengths", "capacity", "latency"]

_IDLE: Final = 1e-6  # of the densest state: stands for an idle replica
MOST: Final = 0.8
"""Share of requests that miss their targets on an idle replica, beyond which it is sized for throughput."""
_OF_THROUGHPUT: Final = 0.9
_OF_LOAD: Final = 0.5  # of what may be missed is left to load, however many requests are too long for an idle replica
_OF_MISSED: Final = 0.25  # of what even an idle replica misses load may add, if that is more
_TOLERANCE: Final = 0.002
_STEPS: Final = 40
_FLOOR: Final = 1e-3
_ROOM: Final = 16384
_GRID: Final = 100  # points per e-fold to which questions are rounded before they are worked out
_MS: Final = 1000.0


class Binding(StrEnum):
    """What stops a replica from serving more; the first two are the names of the SLO's fields."""

    TTFT = "slo.ttft"
    TPOT = "slo.tpot"
    THROUGHPUT = "throughput"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Requests per second of one replica, those inside it then on average, and what stops it there.

    `missed` names the target that even an idle replica misses too often, for `missed_ratio` of its requests. Then load
    may make a quarter as many more miss it, and where hardly any are left that could meet it (`MOST`), the rate is nine
    tenths of the throughput.
    """

    per_s: float
    concurrency: float
    binding: Binding
    missed: str = ""
    missed_ratio: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Means: time to first token, time per further token, requests inside the replica."""

    ttft_s: float
    tpot_s: float
    concurrency: float


@lru_cache(maxsize=_ROOM)
def capacity(shape: EngineShape, lengths: Lengths, slo: Slo, replicas: int = 1) -> Capacity:
    """Return the highest Poisson rate of one replica at which the wanted share of requests meets both targets.

    Where an idle replica misses them for more than half as many as may miss, up to half as many more: next to no rate
    is no answer.

    `replicas` is how many of the same kind share what comes in by least outstanding requests: together they serve
    more than as many times one. Within 10 % of simulation where the lengths are as supposed (see `Lengths`).

    Raises:
        InvalidField: a length below 1 token, or a latency or share that is not positive.
    """
    for field, value in (("inputTokens", lengths.input_tokens), ("outputTokens", lengths.output_tokens)):
        if not 1 <= value < 1e9:
            raise InvalidField(field, value, "write 1 or more")
    for field, value in (("slo.ttft", slo.ttft_s), ("slo.tpot", slo.tpot_s)):
        if not value > 0:
            raise InvalidField(field, value, "write a positive number of seconds")
    if not 0 < slo.attainment_ratio < 1:
        raise InvalidField("slo.attainment", slo.attainment_ratio, "write a share between 0 and 1")
    coarse = Lengths(
        input_tokens=max(_rounded(lengths.input_tokens), 1.0),
        output_tokens=max(_rounded(lengths.output_tokens), 1.0),
        input_cv=lengths.input_cv,
        output_cv=lengths.output_cv,
    )
    return _capacity(_coarse(shape), coarse, slo.ttft_s, slo.tpot_s, 1 - slo.attainment_ratio, max(1, replicas))


def latency(shape: EngineShape, lengths: Lengths, rate_per_s: float, replicas: int = 1) -> Latencies | None:
    """Return the means at a rate of one replica; None above what it sustains."""
    its = replica(shape, lengths, max(1, replicas))
    rate = rate_per_s / _MS
    if rate > state(its, its.densest).rate:
        return None
    at = _at_rate(its, rate)
    return _latencies(its, at) if at.load < 1 else None


def _latencies(its: Replica, at: State) -> Latencies:
    ttft_ms = mean_ttft_ms(its, at)
    inside = at.rate * ttft_ms + at.batch
    return Latencies(ttft_s=ttft_ms / _MS, tpot_s=at.token / _MS, concurrency=min(inside, 1e6))


@lru_cache(maxsize=_ROOM)
def _capacity(
    shape: EngineShape, lengths: Lengths, ttft_s: float, tpot_s: float, allowed: float, replicas: int
) -> Capacity:
    its = replica(shape, lengths, replicas)

    @cache  # the search asks again what its ends and its last step were asked: a quarter of all questions
    def at_density(prompts: float) -> Missed:
        return missed(its, state(its, prompts), ttft_s * _MS, tpot_s * _MS)

    idle = at_density(its.densest * _IDLE)
    found = _sized(its, at_density, idle.either, allowed)
    if idle.either <= allowed:
        return found
    name = Binding.TTFT if idle.ttft > idle.tpot else Binding.TPOT
    return replace(found, missed=name.value, missed_ratio=idle.either)


def _sized(its: Replica, at_density: Callable[[float], Missed], idle: float, allowed: float) -> Capacity:
    if idle > max(allowed, MOST):
        return _found(its, _at_rate(its, state(its, its.densest).rate * _OF_THROUGHPUT), Binding.THROUGHPUT)
    may = max(allowed, idle + max(allowed * _OF_LOAD, idle * _OF_MISSED))
    if at_density(its.densest).either <= may:
        return _found(its, state(its, its.densest), Binding.THROUGHPUT)
    floor = may * _FLOOR
    dense = _root(its, lambda prompts: log(max(at_density(prompts).either, floor) / may))
    there = at_density(dense)
    return _found(its, state(its, dense), Binding.TTFT if there.ttft > there.tpot else Binding.TPOT)


def _found(its: Replica, at: State, binding: Binding) -> Capacity:
    inside = _latencies(its, at).concurrency
    return Capacity(per_s=at.rate * _MS, concurrency=inside, binding=binding)


def _at_rate(its: Replica, rate: float) -> State:
    return state(its, _root(its, lambda prompts: state(its, prompts).rate - rate))


def _root(its: Replica, rising: Callable[[float], float]) -> float:
    """Return the density where `rising` passes zero: false position, with Dowell and Jarratt's Illinois rule."""
    low, high = its.densest * _IDLE, its.densest
    below, above = rising(low), rising(high)
    kept = 0
    for _ in range(_STEPS):
        if high - low < _TOLERANCE * high:
            break
        middle = min(
            max((low * above - high * below) / (above - below), low + (high - low) * 0.01), high - (high - low) * 0.01
        )
        value = rising(middle)
        if value > 0:
            high, above, below, kept = middle, value, below / 2 if kept > 0 else below, 1
        else:
            low, below, above, kept = middle, value, above / 2 if kept < 0 else above, -1
    return low


def _rounded(value: float) -> float:
    """Return the nearest point of a grid of 1 %: what is asked again with a little drift is answered from memory."""
    return exp(round(log(value) * _GRID) / _GRID) if value > 0 else value


def _coarse(shape: EngineShape) -> EngineShape:
    cost = shape.cost
    return EngineShape(
        cost=StepCost(
            p0_ms=_rounded(cost.p0_ms),
            p1_ms=_rounded(cost.p1_ms),
            p2_ms=_rounded(cost.p2_ms),
            d0_ms=_rounded(cost.d0_ms),
            d1_ms=_rounded(cost.d1_ms),
            d2_ms=_rounded(cost.d2_ms),
            prefill_floor_ms=_rounded(cost.prefill_floor_ms),
        ),
        max_num_seqs=shape.max_num_seqs,
        token_budget=shape.token_budget,
        kv_tokens=shape.kv_tokens or cost.kv_tokens,
    )
