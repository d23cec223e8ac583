"""What the demo recorded, as the values of a report."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from penstock.domain.decisions import Outcome
from penstock.domain.policies import PolicyDocument
from penstock.local.load import Answer
from penstock.local.recorder import Flip, Recorder, Sample, dispatched
from penstock.report.model import Change, Dispatched, Mark, Numbers, Order, Report, VariantTrack
from penstock.report.parts import Fact
from penstock.sim.traces import Traffic

STEP_S: Final = 2.0
TARGETS: Final = (2.0, 0.1)  # TTFT and TPOT of the example's variants, in seconds
ATTAINMENT: Final = 0.995
_BURST: Final = re.compile(r"burst(\d+)-(\d+)")
_T = TypeVar("_T")


def report(recorder: Recorder, played: Traffic, duration_s: float, router_log: Path) -> Report:
    """Return the report of one run."""
    end_s = max([duration_s, *(sample.at_s for sample in recorder.samples)])
    grid = tuple(step * STEP_S for step in range(int(end_s / STEP_S) + 1))
    orders = _orders(recorder, router_log)
    return Report(
        title="Penstock demo",
        lead=_lead(recorder, played),
        facts=_facts(recorder),
        grid_s=grid,
        demand_per_s=tuple(len(_due(recorder.answers, at_s)) / STEP_S for at_s in grid),
        attainment_ratio=tuple(_met(_due(recorder.answers, at_s)) for at_s in grid),
        target_ratio=ATTAINMENT,
        queued=_at(grid, recorder.queue, lambda row: row[0], lambda row: float(row[1])),
        variants=tuple(_track(grid, recorder.samples, name) for name in _names(recorder.samples)),
        marks=(
            *(Mark(at_s=flip.at_s, label=f"policy generation {flip.document.generation}") for flip in _flips(recorder)),
            *(Mark(at_s=order.at_s, label=order.title) for order in orders),
        ),
        orders=orders,
        changes=tuple(_changes(recorder.samples)),
        notes=_notes(played),
        troubles=tuple(f"{at_s:.1f} s: {text}" for at_s, text in recorder.troubles),
    )


def _lead(recorder: Recorder, played: Traffic) -> str:
    return (
        f"{len(recorder.answers)} streamed completions through Envoy, router and emulated engines on one machine. "
        f"Traffic: {played.credit}."
    )


def _notes(played: Traffic) -> tuple[str, ...]:
    speed = f"The trace runs {played.speed:g} times as fast as recorded" if played.speed != 1 else "Made-up traffic"
    return (
        f"{speed}, thinned to what one machine can stream; lengths are unchanged.",
        "The scaling pass runs every 2 s over rates of five scrapes; a replica takes 5 s to start. On a cluster: 15 s, "
        "a minute, and minutes.",
        "Engines compute the time of each step from a model of an L40S and an H100 under Llama-3.1-8B; no GPU is used.",
        f"A request meets its goals when its first token came within {TARGETS[0]:g} s and the others "
        f"{TARGETS[1] * 1000:g} ms apart on average, as its client saw it: waiting in the router counts.",
        "Two bursts of short requests are part of the traffic: they fill the queue, so that its order can be seen.",
    )


def _facts(recorder: Recorder) -> tuple[Fact, ...]:
    answered = recorder.answers
    met = _met(answered)
    peak = max((sum(outcome.current or 0 for outcome in sample.outcomes) for sample in recorder.samples), default=0)
    lost = sum(answer.status != 200 for answer in answered)
    return (
        Fact(label="requests", value=str(len(answered)), note="sent and ended"),
        Fact(label="lost", value=str(lost), note="refused or cut off", good=lost == 0),
        Fact(label="within both latency goals", value="–" if met is None else f"{met:.1%}", note="start-up included"),
        Fact(label="replicas at most", value=str(peak), note="of all variants together"),
        Fact(label="longest queue", value=str(max((length for _, length in recorder.queue), default=0))),
    )


def _due(answers: Iterable[Answer], at_s: float) -> list[Answer]:
    return [answer for answer in answers if at_s <= answer.call.at_s < at_s + STEP_S]


def _met(answers: Sequence[Answer]) -> float | None:
    return sum(answer.meets(*TARGETS) for answer in answers) / len(answers) if answers else None


def _at(
    grid: Sequence[float], rows: Sequence[_T], when: Callable[[_T], float], value: Callable[[_T], float | None]
) -> Numbers:
    """Return the newest value at each instant; unknown before the first row."""
    found: list[float | None] = []
    for at_s in grid:
        past = [row for row in rows if when(row) <= at_s + STEP_S / 2]
        found.append(value(past[-1]) if past else None)
    return tuple(found)


def _names(samples: Sequence[Sample]) -> list[str]:
    return sorted({outcome.decision.key.name for sample in samples for outcome in sample.outcomes})


def _of(sample: Sample, name: str) -> Outcome | None:
    return next((outcome for outcome in sample.outcomes if outcome.decision.key.name == name), None)


def _track(grid: Sequence[float], samples: Sequence[Sample], name: str) -> VariantTrack:
    def series(pick: Callable[[Outcome], float | None]) -> Numbers:
        def value(sample: Sample) -> float | None:
            outcome = _of(sample, name)
            return None if outcome is None else pick(outcome)

        return _at(grid, samples, lambda sample: sample.at_s, value)

    last = _of(samples[-1], name)
    return VariantTrack(
        name=name,
        accelerator=(last.decision.alloc.accelerator or "unknown") if last else "unknown",
        desired=series(lambda outcome: outcome.decision.desired),
        ready=series(lambda outcome: outcome.ready),
        each_per_s=series(lambda outcome: outcome.decision.capacity_per_s),
    )


def _changes(samples: Sequence[Sample]) -> Iterable[Change]:
    """Yield each decision that wanted another number than the pass before."""
    wanted: dict[str, int | None] = {}
    for sample in samples:
        for outcome in sample.outcomes:
            decision, name = outcome.decision, outcome.decision.key.name
            if name in wanted and wanted[name] != decision.desired:
                yield Change(
                    at_s=sample.at_s,
                    variant=name,
                    before=wanted[name],
                    after=decision.desired,
                    reason=decision.reason.value,
                    why=decision.summary,
                )
            wanted[name] = decision.desired


def _flips(recorder: Recorder) -> list[Flip]:
    return [flip for flip in recorder.flips if flip.at_s > 0]


def _orders(recorder: Recorder, router_log: Path) -> tuple[Order, ...]:
    calls = {answer.call.request_id: answer.call for answer in recorder.answers}
    bursts: dict[int, list[Dispatched]] = {}
    for request_id, _ in dispatched(router_log):
        match = _BURST.fullmatch(request_id)
        if match and request_id in calls:
            call = calls[request_id]
            row = Dispatched(
                request_id=request_id,
                workload=(call.workload or "default").removesuffix("-burst"),
                criticality=call.criticality,
                arrived=int(match[2]) + 1,
            )
            bursts.setdefault(int(match[1]), []).append(row)
    return tuple(_order(number, rows, calls[rows[0].request_id].at_s, recorder) for number, rows in bursts.items())


def _order(number: int, rows: list[Dispatched], at_s: float, recorder: Recorder) -> Order:
    in_force = [flip.document for flip in recorder.flips if flip.at_s <= at_s]
    return Order(
        title="before the edit" if number == 1 else "after the edit",
        at_s=at_s,
        policy=_policy(in_force[-1]) if in_force else "",
        dispatched=tuple(rows),
    )


def _policy(document: PolicyDocument) -> str:
    weights = document.policy.weights
    return (
        f"waitTime {weights.wait_time:g}, criticality {weights.criticality:g}, requestRate {weights.request_rate:g} "
        f"(generation {document.generation})"
    )
