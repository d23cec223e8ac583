"""How many requests a second one replica serves within its latency targets, by WVA's queueing model.

The engine is a batch of at most N requests in front of which others wait (see `birthdeath`). With n requests inside,
a prefill takes γ + δ·I·n and each further token α + β·n, I and O being the mean lengths of input and output. Means
only: the share of requests that must meet the targets does not enter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from penstock.domain.variants import PerfProfile
from penstock.engine.birthdeath import Batch, SteadyState, steady_state

_LOWEST: Final = 0.001  # of the rate with one request in the batch: stands for an idle replica
_HIGHEST: Final = 0.999  # of the rate of a full batch: the last one with a steady state
_THROUGHPUT: Final = 0.9  # of the highest: where WVA sizes when no latency counts
_TOLERANCE: Final = 1e-6
_STEPS: Final = 100
_MS: Final = 1000.0


class Bound(StrEnum):
    """What limits a replica; the first two are the names of the SLO's fields."""

    TTFT = "ttft"
    TPOT = "tpot"
    THROUGHPUT = "throughput"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A profile at given mean lengths in tokens."""

    profile: PerfProfile
    input_tokens: float
    output_tokens: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """What one replica can do: requests per second, and which target stops it there."""

    capacity_per_s: float
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """Even an idle replica misses `field`; `best_s` is what it reaches."""

    field: Bound
    best_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Means at a given rate: time to first token, time per output token, share of the batch in use."""

    ttft_s: float
    itl_s: float
    utilisation_ratio: float


@dataclass(frozen=True, slots=True)
class _Point:
    """The model at one arrival rate; times in ms, throughput per ms."""

    ttft: float
    itl: float
    utilisation: float
    throughput: float


@lru_cache(maxsize=8192)
def size(work: Work, ttft_s: float, tpot_s: float) -> Sizing | Infeasible:
    """Return the highest rate at which both mean latencies hold, found by bisection to 1e-6 of the target."""
    lowest, highest = _range(_batch(work))
    rate, bound = highest, Bound.THROUGHPUT
    for field, target in ((Bound.TPOT, tpot_s * _MS), (Bound.TTFT, ttft_s * _MS)):
        latency = _latency_of(work, field)
        if latency(lowest) > target:
            return Infeasible(field=field, best_s=latency(lowest) / _MS)
        if latency(rate) > target:
            rate, bound = _bisect(latency, target, lowest, highest), field
    return Sizing(capacity_per_s=_point(work, rate).throughput * _MS, bound=bound)


@lru_cache(maxsize=8192)
def size_for_throughput(work: Work) -> Sizing:
    """Return nine tenths of the highest sustainable rate: what remains when the latency targets cannot be met."""
    rate = _THROUGHPUT * _range(_batch(work))[1]
    return Sizing(capacity_per_s=_point(work, rate).throughput * _MS, bound=Bound.THROUGHPUT)


def predict(work: Work, rate_per_s: float) -> Latency | None:
    """Return the mean latencies at `rate_per_s` on one replica; None above what it sustains."""
    rate = rate_per_s / _MS
    if not 0 < rate <= _range(_batch(work))[1]:
        return None
    point = _point(work, rate)
    return Latency(ttft_s=point.ttft / _MS, itl_s=point.itl / _MS, utilisation_ratio=point.utilisation)


def _bisect(latency: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Return the rate where `latency`, which rises, meets `target` to a relative 1e-6, as WVA searches for it."""
    middle = (low + high) / 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        value = latency(middle)
        if abs(value - target) <= _TOLERANCE * target:
            break
        low, high = (low, middle) if value > target else (middle, high)
    return middle


def _latency_of(work: Work, field: Bound) -> Callable[[float], float]:
    if field is Bound.TTFT:
        return lambda rate: _point(work, rate).ttft
    return lambda rate: _point(work, rate).itl


def _range(batch: Batch) -> tuple[float, float]:
    return _LOWEST * batch.rate(1), _HIGHEST * batch.rate(batch.size)


def _decode_steps(work: Work) -> float:
    """Return how many tokens follow the first; a request without input and with one token is all decoding."""
    steps = max(work.output_tokens - 1.0, 0.0)
    return 1.0 if steps == 0 and work.input_tokens == 0 else steps


def _batch(work: Work) -> Batch:
    profile, steps = work.profile, _decode_steps(work)
    prefill = work.input_tokens > 0
    return Batch(
        size=profile.max_batch,
        base=(profile.gamma_ms if prefill else 0.0) + steps * profile.alpha_ms,
        slope=profile.delta_ms * work.input_tokens + steps * profile.beta_ms,
    )


def _point(work: Work, rate: float) -> _Point:
    profile = work.profile
    state = steady_state(rate, _batch(work))
    service = state.in_service / state.throughput
    batch = _effective_batch(work, service)
    prefill = profile.gamma_ms + profile.delta_ms * work.input_tokens * batch if work.input_tokens > 0 else 0.0
    return _Point(
        ttft=_waiting(state) + prefill,
        itl=profile.alpha_ms + profile.beta_ms * batch,
        utilisation=state.in_service / profile.max_batch,
        throughput=state.throughput,
    )


def _waiting(state: SteadyState) -> float:
    return max((state.in_system - state.in_service) / state.throughput, 0.0)


def _effective_batch(work: Work, service: float) -> float:
    """Return the batch at which a request would take `service` ms; γ counts even without input, as in WVA."""
    profile, steps = work.profile, max(work.output_tokens - 1.0, 0.0)
    slope = profile.delta_ms * work.input_tokens + profile.beta_ms * steps
    if slope == 0:
        return 0.0
    batch = (service - profile.gamma_ms - profile.alpha_ms * steps) / slope
    return min(max(batch, 0.0), float(profile.max_batch))
