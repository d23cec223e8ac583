"""Plays one block of a past twice: with the replicas that ran, and with those that Penstock would have asked for."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import isnan
from random import Random
from typing import Final

from penstock.advise.demand import drawn
from penstock.domain.variants import Slo
from penstock.scaling.config import Config
from penstock.sim.ours import Ours
from penstock.sim.policies import Policy, Seen
from penstock.sim.results import RunResult
from penstock.sim.run import run
from penstock.sim.scene import Scene, VariantSpec

HOUR_S: Final = 3600.0
POINTS_S: Final = 600.0
"""How far apart the points of replicas over time are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One block: requests and mean lengths by step, the variants, and how many replicas of each ran by step.

    The first `lead_s` seconds are played and not counted. `ahead_s` is how long before a recorded replica was ready
    it must have been asked for.
    """

    model: str
    variants: tuple[VariantSpec, ...]
    slo: Slo
    step_s: float
    lead_s: float
    counts: tuple[float, ...]
    lengths: tuple[tuple[float, float], ...]
    cvs: tuple[float, float]
    ran: Mapping[str, tuple[int, ...]]
    ahead_s: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a block came to: money an hour, requests and those within the targets by hour, replicas over time.

    `shares` are those within the target of each latency by itself, `means` the mean latencies.
    """

    usd_per_h: float
    hours: tuple[tuple[int, int], ...]
    replicas: tuple[float, ...]
    shares: tuple[float, float]
    means: tuple[float, float]


class Recorded:
    """Asks for the replicas that ran, as long before as they took to start."""

    tick_s = 15.0

    def __init__(self, ran: Mapping[str, Sequence[int]], step_s: float, ahead_s: float) -> None:
        self._ran, self._step_s, self._ahead_s = ran, step_s, ahead_s

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return what ran, by variant."""
        now = int(seen.now_s / self._step_s)
        soon = int((seen.now_s + self._ahead_s) / self._step_s)
        # what is to be ready soon is asked for now, what was there until now goes now
        return {name: max(_at(counts, now), _at(counts, soon)) for name, counts in self._ran.items()}


def _at(counts: Sequence[int], step: int) -> int:
    return counts[min(step, len(counts) - 1)]


def play(job: Job) -> tuple[Played, Played]:
    """Play a block as it ran, and under Penstock at its defaults, which sees no router."""
    length_s = len(job.counts) * job.step_s
    arrivals = drawn(job.counts, job.lengths, job.step_s, job.cvs, Random(f"{job.seed}/arrivals"))
    begun = tuple(replace(one, initial=_at(job.ran[one.name], 0)) for one in job.variants)
    scene = Scene(model=job.model, variants=begun, length_s=length_s, slo=job.slo, router=False)
    as_ran = replace(scene, variants=tuple(replace(one, min_replicas=0, max_replicas=100_000) for one in begun))
    policies: tuple[tuple[Scene, Policy], ...] = (
        (as_ran, Recorded(job.ran, job.step_s, job.ahead_s)),
        (scene, Ours(scene, Config())),
    )
    before, after = (_played(job, one, run(one, arrivals, policy, job.seed)) for one, policy in policies)
    return before, after


def _played(job: Job, scene: Scene, result: RunResult) -> Played:
    first = bisect_left(result.arrival_s, job.lead_s)
    within = result.within(job.slo)
    counted_s = result.length_s - job.lead_s
    points = [job.lead_s + POINTS_S * index for index in range(max(int(counted_s / POINTS_S), 1))]
    return Played(
        usd_per_h=_usd_per_h(job, scene, result),
        hours=tuple(_by_hour(job, result, within)),
        replicas=tuple(sum(_provisioned(result, one.name, at_s) for one in scene.variants) for at_s in points),
        shares=(_share(result.ttft_s[first:], job.slo.ttft_s), _share(result.tpot_s[first:], job.slo.tpot_s)),
        means=(_mean(result.ttft_s[first:]), _mean(result.tpot_s[first:])),
    )


def _by_hour(job: Job, result: RunResult, within: bytes) -> list[tuple[int, int]]:
    ends = [job.lead_s]
    while ends[-1] < result.length_s - 1:
        ends.append(ends[-1] + HOUR_S)
    places = [bisect_left(result.arrival_s, end_s) for end_s in ends]
    return [(end - begin, sum(within[begin:end])) for begin, end in pairwise(places)]


def _usd_per_h(job: Job, scene: Scene, result: RunResult) -> float:
    """Return the money of the counted part: replicas there at each time, and what draining ones cost on average."""
    prices = {one.name: one.usd_per_h for one in scene.variants}
    there = {name: _integral(result, name, 0.0) for name in prices}
    draining = result.usd - sum(prices[name] * seconds for name, seconds in there.items()) / HOUR_S
    counted = sum(prices[name] * _integral(result, name, job.lead_s) for name in prices)
    return counted / (result.length_s - job.lead_s) + draining * HOUR_S / result.length_s


def _integral(result: RunResult, name: str, from_s: float) -> float:
    rows = result.timeline[name]
    ends = [*(row[0] for row in rows[1:]), result.length_s]
    return sum(
        row[2] * max(min(end_s, result.length_s) - max(row[0], from_s), 0.0)
        for row, end_s in zip(rows, ends, strict=True)
    )


def _provisioned(result: RunResult, name: str, at_s: float) -> int:
    return next((row[2] for row in reversed(result.timeline[name]) if row[0] <= at_s), 0)


def _share(values: "array[float]", limit: float) -> float:
    known = [value for value in values if not isnan(value)]
    return sum(value <= limit for value in known) / len(known) if known else 1.0


def _mean(values: "array[float]") -> float:
    known = [value for value in values if not isnan(value)]
    return sum(known) / len(known) if known else 0.0
