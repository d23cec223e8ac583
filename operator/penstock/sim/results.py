"""What a run came to: one column per measure over all requests, replicas over time, and money."""

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock.domain.variants import Slo

SERVED, KILLED, LOST, UNFINISHED = range(4)
"""What became of a request: `RunResult.status` has one of them for each."""

_HOUR_S: Final = 3600.0

Row = tuple[float, int, int, int]
"""Seconds, and from then on: replicas wanted, provisioned, ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One run. Columns are in the order of arrival; `nan` where a request had no first token, or no second one.

    `status` has one byte for each request: 0 served, 1 killed by scaling, 2 lost by a crash, 3 never finished.
    Money, GPU hours and replica seconds count from a replica's place (a node that begins to start it) to its end,
    start-up and drain included, over the scene's `length_s`; what is still served after that costs nothing.
    `scale_events` are changes of what is wanted, `reversals` those against the one before within ten minutes.
    `blind_passes` are decisions for which there were no metrics.
    """

    policy: str
    seed: int
    length_s: float
    ended_s: float
    arrival_s: "array[float]"
    ttft_s: "array[float]"
    tpot_s: "array[float]"
    status: bytes
    usd: float
    gpu_hours: float
    replica_seconds: Mapping[str, float]
    timeline: Mapping[str, tuple[Row, ...]]
    scale_events: int
    reversals: int
    killed: int
    lost: int
    unfinished: int
    passes: int
    blind_passes: int

    def within(self, slo: Slo) -> bytes:
        """Return one byte for each request: 1 where it was served within both latencies."""
        rows = zip(self.status, self.ttft_s, self.tpot_s, strict=True)
        return bytes(
            status == SERVED and ttft_s <= slo.ttft_s and (math.isnan(tpot_s) or tpot_s <= slo.tpot_s)
            for status, ttft_s, tpot_s in rows
        )

    def attainment(self, slo: Slo) -> float:
        """Return the share of all requests that were served within both latencies; 1 if there were none."""
        return sum(self.within(slo)) / len(self.status) if self.status else 1.0

    def usd_per_h(self) -> float:
        """Return what the fleet cost on average."""
        return self.usd / self.length_s * _HOUR_S

    def mean_replicas(self, *variants: str) -> float:
        """Return how many replicas were paid for on average, of these variants or of all."""
        return sum(self.replica_seconds[name] for name in variants or self.replica_seconds) / self.length_s
