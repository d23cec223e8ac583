"""Outcomes made up: what the tests of the comparison look at."""

from collections.abc import Callable
from pathlib import Path

from penstock.bench.campaign import Findings, Subject
from penstock.bench.jobs import BOUND, MIX, OURS, QUOTA, Job, Outcome


def job(policy: str = OURS, seed: int = 0, workload: str = "W1", shape: str = MIX, **knobs: float) -> Job:
    return Job(workload=workload, seed=seed, policy=policy, shape=shape, knobs=tuple(sorted(knobs.items())))


def outcome(one: Job, attainment: float = 0.999, usd_per_h: float = 10.0, **rest: float) -> Outcome:
    return Outcome(
        job=one,
        requests=100,
        attainment=attainment,
        usd_per_h=usd_per_h,
        parts=(1.0,) * 10,
        ready={"l40s": (1, 2, 2)},
        length_s=600.0,
        **rest,  # type: ignore[arg-type] # counts, by name
    )


def row(
    policy: str, attainment: float, usd_per_h: float, *, shape: str = MIX, workload: str = "W1", **knobs: float
) -> tuple[Outcome, ...]:
    """Return one point on three seeds, a little dearer on each."""
    return tuple(
        outcome(job(policy, seed, workload, shape, **knobs), attainment, usd_per_h + 0.1 * seed) for seed in range(3)
    )


def findings(
    *finals: tuple[Outcome, ...],
    workload: str = "W1",
    level: float = 0.995,
    attainment: float = 0.999,
    usd_per_h: float = 10.0,
    bound: float = 9.0,
    edit: Callable[[Outcome], Outcome] = lambda one: one,
) -> Findings:
    return Findings(
        subject=Subject(
            name=workload, title="<made> up", credit="nobody", law="none", level=level, ttft_s=2.0, tpot_s=0.1
        ),
        ours=tuple(edit(one) for one in row(OURS, attainment, usd_per_h, workload=workload)),
        bounds=row(BOUND, 1.0, bound, workload=workload),
        quota=outcome(job(QUOTA, workload=workload), 1.0, 60.0),
        swept=tuple(one[0] for one in finals),
        finals=finals,
        tracks=(),
    )


def played(one: Job, traces: Path | None) -> Outcome:
    """Play a job without simulating: dearer rivals attain more, and a knob `x` makes them dearer."""
    del traces
    knob = dict(one.knobs).get("target", 4.0)
    if one.policy in {OURS, BOUND, QUOTA}:
        return outcome(one, 0.999, {OURS: 10.0, BOUND: 8.0, QUOTA: 60.0}[one.policy] + 0.1 * one.seed)
    return outcome(one, min(1.0, 0.9 + knob / 100), 8.0 + knob + 0.1 * one.seed)
