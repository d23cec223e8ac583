"""Plays one job: builds workload, scene and policy, runs the simulator, and keeps what is compared."""

import gc
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from penstock.bench.jobs import BOUND, MIX, OURS, QUOTA, SPLIT, Job, Outcome
from penstock.bench.replayed import replayed
from penstock.bench.spills import spill_s
from penstock.peers.all import rival
from penstock.peers.clairvoyant import bounds
from penstock.peers.static import begun
from penstock.sim.ours import Ours
from penstock.sim.policies import Policy, Seen
from penstock.sim.results import Row, RunResult
from penstock.sim.run import run
from penstock.sim.scene import Scene
from penstock.sim.traces import Arrival
from penstock.sim.workloads import Workload, workload

PARTS: Final = 10
INSTANTS: Final = 120
STOCK: Final = "out-of-stock"


class Hold:
    """Changes nothing."""

    tick_s = 60.0

    def decide(self, seen: Seen) -> Mapping[str, int]:  # noqa: ARG002 - a constant looks at nothing
        """Return no wish."""
        return {}


def play(job: Job, traces: Path | None) -> Outcome:
    """Return what a job comes to. Traffic is made once for jobs of the same workload and seed in a row."""
    began_s = time.process_time()
    made = _workload(job.workload, job.seed, traces, job.quick)
    with _uncollected():
        found = _bound(job, made) if job.policy == BOUND else _run(job, made)
    return replace(found, took_s=round(time.process_time() - began_s, 3))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for circles after a run instead of during it: there are none to free, and looking takes a sixth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)  # all that the run made, and not the traffic, which is older
        gc.enable()


@lru_cache(maxsize=2)
def _workload(name: str, seed: int, traces: Path | None, quick: bool) -> Workload:  # noqa: FBT001 - a cache's key
    return workload(name, seed, traces, quick=quick)


def _bound(job: Job, made: Workload) -> Outcome:
    """Return the bounds of the mix; the free one, which starts nothing, stands among the facts."""
    found = bounds(made.scene, made.arrivals)
    return Outcome(
        job=job,
        requests=len(made.arrivals),
        attainment=1.0,
        usd_per_h=found.paid_usd_per_h,
        facts={"free_usd_per_h": found.free_usd_per_h, "plan_usd_per_h": found.plan.usd_per_h},
        length_s=made.scene.length_s,
    )


def _run(job: Job, made: Workload) -> Outcome:
    scene = scene_of(job, made)
    policy = policy_of(job, scene, made.arrivals)
    scene = begun(scene, policy)
    found = outcome(job, scene, run(scene, made.arrivals, policy, job.seed))
    return (
        replace(found, facts={**found.facts, **replayed(policy.records), "spill_s": spill_s(policy.records)})
        if isinstance(policy, Ours) and policy.records
        else found
    )


def scene_of(job: Job, made: Workload) -> Scene:
    """Return what a job is played on: one variant alone with its own quota, or the mix."""
    scene = made.alone[job.shape] if job.single else made.scene
    if job.policy == QUOTA:
        full = tuple(replace(spec, initial=spec.max_replicas) for spec in scene.variants)
        return replace(scene, variants=full, faults=())
    if job.shape == SPLIT and scene.idle_before_zero_s is None:
        # a law for one variant never leaves it at nothing; some could not come back
        least = tuple(
            replace(spec, min_replicas=max(1, spec.min_replicas), initial=max(1, spec.initial))
            for spec in scene.variants
        )
        return replace(scene, variants=least)
    return scene


def policy_of(job: Job, scene: Scene, arrivals: Sequence[Arrival]) -> Policy:
    """Return the policy of a job; of all of them only a fleet that never changes is told the arrivals.

    Raises:
        InvalidField: no rival of this number, or a knob that it does not have.
    """
    if job.policy == OURS:
        return Ours(scene, recording=job.quick or any(fault.kind == STOCK for fault in scene.faults))
    if job.policy == QUOTA:
        return Hold()
    return rival(job.policy).policy(scene, dict(job.knobs), arrivals)


def outcome(job: Job, scene: Scene, result: RunResult) -> Outcome:
    """Return what is kept of a run."""
    met = result.within(scene.slo)
    return Outcome(
        job=job,
        requests=len(met),
        attainment=result.attainment(scene.slo),
        usd_per_h=result.usd_per_h(),
        mean_replicas=result.mean_replicas(),
        scale_events=result.scale_events,
        reversals=result.reversals,
        killed=result.killed,
        lost=result.lost,
        unfinished=result.unfinished,
        blind_passes=result.blind_passes,
        ttft_p50_s=_quantile(result.ttft_s, 0.5),
        ttft_p99_s=_quantile(result.ttft_s, 0.99),
        tpot_p99_s=_quantile(result.tpot_s, 0.99),
        parts=_parts(result, met),
        ready={name: _sampled(rows, scene.length_s) for name, rows in result.timeline.items()},
        facts=_faults(scene, result.timeline),
        length_s=scene.length_s,
    )


def _quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile of what is a number; one that never came is no number, and is told by attainment."""
    known = sorted(value for value in values if not math.isnan(value))
    return round(known[min(len(known) - 1, int(share * len(known)))], 4) if known else None


def _parts(result: RunResult, met: bytes) -> tuple[float | None, ...]:
    came, good = [0] * PARTS, [0] * PARTS
    for at_s, well in zip(result.arrival_s, met, strict=True):
        part = min(PARTS - 1, int(at_s / result.length_s * PARTS))
        came[part] += 1
        good[part] += well
    return tuple(round(one / all_, 5) if all_ else None for one, all_ in zip(good, came, strict=True))


def _sampled(rows: Sequence[Row], length_s: float) -> tuple[int, ...]:
    found, index = [], 0
    for instant in range(INSTANTS + 1):
        while index + 1 < len(rows) and rows[index + 1][0] <= length_s * instant / INSTANTS:
            index += 1
        found.append(rows[index][3] if rows else 0)
    return tuple(found)


def _faults(scene: Scene, timeline: Mapping[str, Sequence[Row]]) -> dict[str, float | None]:
    """Return how far wishes fell while there were no metrics."""
    facts: dict[str, float | None] = {}
    for fault in scene.faults:
        if fault.kind == "metrics-gone":
            until_s = fault.until_s + scene.scrape_s
            facts["blind_dip"] = min(_dip(rows, fault.from_s, until_s) for rows in timeline.values())
    return facts


def _dip(rows: Sequence[Row], from_s: float, until_s: float) -> float:
    before = [row[1] for row in rows if row[0] <= from_s]
    during = [row[1] for row in rows if from_s < row[0] < until_s]
    return float(min([0, *(wanted - before[-1] for wanted in during)])) if before else 0.0


def shapes_of(code: str, made: Workload) -> tuple[str, ...]:
    """Return what a rival is run on: each variant alone, and the mix in whatever way it can take it."""
    able = rival(code).shapes
    alone = tuple(made.alone) if "single" in able else ()
    mixed = tuple(one for one in (SPLIT, MIX) if one in able) if len(made.scene.variants) > 1 else ()
    if not alone and not mixed:
        return (MIX,)
    return alone + mixed
