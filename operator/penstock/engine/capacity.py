"""The highest rate of requests at which one replica keeps its latency targets, from the step model of its engine."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from penstock.domain.variants import Slo
from penstock.engine.steadystate import EngineShape, Latencies, Lengths, highest_per_s, latencies, within_ratio

__all__ = ["Binding", "Capacity", "EngineShape", "Latencies", "Lengths", "capacity", "latency"]

_LOWEST: Final = 0.002  # of the highest rate: stands for an idle replica
_HIGHEST: Final = 0.999
_OF_THROUGHPUT: Final = 0.9
_STEPS: Final = 12
_ROOM: Final = 8192


class Binding(StrEnum):
    """What stops a replica from serving more."""

    TTFT = "slo.ttft"
    TPOT = "slo.tpot"
    THROUGHPUT = "throughput"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Requests per second of one replica, those inside it then on average, and what stops it there.

    `missed` names the target that even an idle replica misses; then the rate is nine tenths of the throughput.
    """

    per_s: float
    concurrency: float
    binding: Binding
    missed: str = ""


def capacity(shape: EngineShape, lengths: Lengths, slo: Slo) -> Capacity:
    """Return the highest Poisson rate at which the wanted share of requests meets both targets."""
    return _capacity(shape, lengths, slo.ttft_s, slo.tpot_s, slo.attainment_ratio)


def latency(shape: EngineShape, lengths: Lengths, rate_per_s: float) -> Latencies | None:
    """Return the means at a rate; None above what the replica sustains."""
    return latencies(shape, lengths, rate_per_s)


@lru_cache(maxsize=_ROOM)
def _capacity(shape: EngineShape, lengths: Lengths, ttft_s: float, tpot_s: float, ratio: float) -> Capacity:
    ceiling = highest_per_s(shape, lengths)
    idle = within_ratio(shape, lengths, ceiling * _LOWEST, ttft_s, tpot_s)
    if idle.both < ratio:
        missed = Binding.TTFT if idle.ttft < idle.tpot else Binding.TPOT
        return _found(shape, lengths, ceiling * _OF_THROUGHPUT, Binding.THROUGHPUT, missed)
    low, high = ceiling * _LOWEST, ceiling * _HIGHEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        held = within_ratio(shape, lengths, middle, ttft_s, tpot_s).both >= ratio
        low, high = (middle, high) if held else (low, middle)
    beyond = within_ratio(shape, lengths, high, ttft_s, tpot_s)
    return _found(shape, lengths, low, Binding.TTFT if beyond.ttft < beyond.tpot else Binding.TPOT)


def _found(shape: EngineShape, lengths: Lengths, per_s: float, binding: Binding, missed: str = "") -> Capacity:
    at = latencies(shape, lengths, per_s)
    return Capacity(per_s=per_s, concurrency=at.concurrency if at else 0.0, binding=binding, missed=missed)
