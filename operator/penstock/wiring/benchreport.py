"""Turns what a comparison found into the values of its report."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

from penstock.bench.campaign import STATIC, Findings, mean
from penstock.bench.frontier import frontier, hypervolume
from penstock.bench.jobs import BOUND, OURS, QUOTA, SPLIT, Job, Outcome
from penstock.bench.targets import Target
from penstock.bench.verdicts import Result, Verdict
from penstock.peers.all import rival
from penstock.report.parts import Fact, Table
from penstock.report.study import Goal, Line, Panel, Point, Study
from penstock.report.words import number, percent
from penstock.wiring import benchsweeps

_COLOURS: Final = ("first", "second", "third", "fourth")
_HEADS: Final = ("workload", "met", "money/h", "against", "its met", "its money/h", "difference [95 %]")
_NOTES: Final = (
    "Every run is simulated: engines batch as vLLM does, at step times fitted to measurements of these GPUs; replicas "
    "start, drain and fail; metrics are scraped every 15 s. No GPU is used.",
    "Met: both latencies of a request within the workload's targets; what was not answered counts as missed. Money: "
    "list prices from a replica's place on a node to its end, start-up and drain included, while requests arrive.",
    "Rivals run at their documented defaults in every shape (one variant alone with a quota of its own, one law for "
    "each variant of the mix, or the mix where the law can), then at grid points, most where they do best, on "
    "the first seed; each one's best point runs on all seeds. Ours runs at its defaults on all.",
    "A rival's best point is the cheapest that reaches the workload's level, or our attainment where that is lower. "
    "Intervals: paired bootstrap over seeds, 2,000 draws.",
    "The bound (B22) knows the future: the cheapest fleets that serve each slot's requests, lead and start-ups paid; "
    "the free bound pays neither.",
)


def study(verdicts: Sequence[Verdict], targets: Sequence[Target], *, quick: bool) -> Study:
    """Return the report of a comparison."""
    found = [one.findings for one in verdicts]
    runs = [one for each in found for one in _all(each)]
    seeds = max((len(one.findings.ours) for one in verdicts), default=0)
    extent = "slices of some minutes" if quick else "whole workloads"
    rivals = {one.job.policy for one in runs} - {OURS, QUOTA, BOUND, STATIC}
    return Study(
        title="Replica decisions compared",
        lead=f"Penstock at its defaults against {len(rivals)} other laws, each tuned for each workload: {extent}, "
        f"{seeds} seeds (from 0 on), {len(runs)} runs.",
        facts=_facts(verdicts, targets, runs),
        losses=_table([one for one in verdicts if one.result in {Result.LOST, Result.EVEN} or not one.reached]),
        wins=_table([one for one in verdicts if one.result in {Result.WON, Result.ALONE} and one.reached]),
        goals=tuple(map(_goal, targets)),
        panels=tuple(map(_panel, verdicts)),
        sweeps=benchsweeps.sweeps(found),
        notes=(*_NOTES, *(f"{one.findings.subject.name}: {one.findings.subject.credit}." for one in verdicts)),
        data={
            "workloads": [_data(one) for one in verdicts],
            "rivals": benchsweeps.data(found),
            "processor_s": _processor_s(runs),
            "quick": quick,
        },
    )


def _all(findings: Findings) -> list[Outcome]:
    rows = [
        *findings.ours,
        *findings.bounds,
        findings.quota,
        *findings.swept,
        *(one for row in findings.finals for one in row),
    ]
    return list({one.job: one for one in rows}.values())


def _processor_s(runs: Iterable[Outcome]) -> float:
    """Return what all runs took, those as well that an earlier comparison has left."""
    return math.fsum(one.took_s for one in runs)


def _facts(verdicts: Sequence[Verdict], targets: Sequence[Target], runs: Sequence[Outcome]) -> tuple[Fact, ...]:
    won = sum(one.reached and one.result in {Result.WON, Result.ALONE} for one in verdicts)
    lost = sum(one.result is Result.LOST for one in verdicts)
    known = [one for one in targets if one.met is not None]
    met = sum(bool(one.met) for one in known)
    short = sum(not one.reached for one in verdicts)
    return (
        Fact(label="workloads won", value=f"{won} of {len(verdicts)}", note="as wanted, and cheaper than every rival"),
        Fact(label="lost", value=str(lost), note="a tuned rival is cheaper", good=lost == 0),
        Fact(label="below the level", value=str(short), note="of attainment that is wanted", good=short == 0),
        Fact(label="targets met", value=f"{met} of {len(known)}", good=met == len(known)),
        Fact(
            label="simulated requests",
            value=f"{sum(one.requests for one in runs) / 1e6:.1f} million",
            note=f"in {_processor_s(runs) / 60:.1f} min of processor time",
        ),
    )


def _table(verdicts: Iterable[Verdict]) -> Table:
    return Table(heads=_HEADS, rows=tuple(map(_row, verdicts)), right=frozenset({1, 2, 4, 5, 6}))


def _row(one: Verdict) -> tuple[str, ...]:
    met = percent(one.attainment) + ("" if one.reached else f" of {number(one.findings.subject.level * 100)}")
    own = (one.findings.subject.name, met, f"{one.usd_per_h:.2f}")
    if one.rival is None or one.money is None:
        return (*own, "nobody does as well", "–", "–", "–")
    money = one.money
    interval = f"{money.value * 100:+.1f} % [{money.low * 100:+.1f}, {money.high * 100:+.1f}]"
    return (*own, _named(one.rival.job), percent(one.rival_attainment), f"{one.rival_usd_per_h:.2f}", interval)


def _named(job: Job) -> str:
    place = benchsweeps.where(job) if job.shape == SPLIT else f"on {benchsweeps.where(job)}"
    return f"{job.policy} {rival(job.policy).name} {place} ({benchsweeps.knobs(job.knobs)})"


def _goal(one: Target) -> Goal:
    order = (False, None, True)
    checks = sorted(((check.met, check.text) for check in one.checks), key=lambda row: (order.index(row[0]), row[1]))
    return Goal(code=one.code, wanted=one.wanted, told=one.told(), met=one.met, checks=tuple(checks))


def _panel(one: Verdict) -> Panel:
    found, subject = one.findings, one.findings.subject
    bounds = (
        ("bound", mean(row.usd_per_h for row in found.bounds)),
        ("free bound", mean(row.facts.get("free_usd_per_h") or 0.0 for row in found.bounds)),
    )
    return Panel(
        name=subject.name,
        title=subject.title,
        say=_say(one),
        notes=_panel_notes(one),
        points=tuple(_points(one)),
        level=subject.level,
        bounds=bounds,
        lines=tuple(_lines(one)),
        length_s=found.ours[0].length_s,
    )


def _say(one: Verdict) -> str:
    bound = f"{percent(one.above_bound)} above the bound"
    own = f"Ours met {percent(one.attainment)} for {one.usd_per_h:.2f} an hour, {bound}"
    if one.rival is None or one.money is None:
        return f"{own}; no rival comes to {percent(one.findings.bar)}."
    other = f"{_named(one.rival.job)} {percent(one.rival_attainment)} for {one.rival_usd_per_h:.2f}"
    return f"{own}; the cheapest rival that does as well, {other}."


def _panel_notes(one: Verdict) -> tuple[str, ...]:
    found, subject = one.findings, one.findings.subject
    first = found.ours[0]
    dearest = found.quota.usd_per_h
    ours = hypervolume(found.ours[:1], dearest, 0.5)
    theirs = hypervolume(_laws(found), dearest, 0.5)
    return (
        f"Targets: first token within {number(subject.ttft_s)} s, others {number(subject.tpot_s * 1000)} ms apart on "
        f"average; money is compared at {number(subject.level * 100)} %.",
        subject.law,
        f"Ours, first seed: time to first token {number(first.ttft_p50_s, 2)} s in the middle and "
        f"{number(first.ttft_p99_s, 2)} s at the 99th percentile, {first.scale_events} scale events, {first.reversals} "
        f"reversals, {first.killed} requests ended by scaling, {number(first.mean_replicas)} replicas on average.",
        f"All that the quota allows meets {percent(found.quota.attainment)} for {dearest:.2f} an hour. Of the plane "
        f"below that and above 50 %, ours covers {percent(ours)}, all rivals' points together {percent(theirs)}.",
        f"{benchsweeps.still(found)}.",
    )


def _points(one: Verdict) -> Iterable[Point]:
    found = one.findings
    chosen = {row[0].job for row in found.finals}
    means = [_mean(row) for row in found.finals]
    laws = [row for row in means if row.job.policy != STATIC]
    named = {row.job for row in frontier(row for row in laws if row.attainment >= 0.5)[-4:]}
    named |= {one.rival.job} if one.rival else set()
    for row in _laws(found):
        if row.job not in chosen:
            yield _point(row, "swept")
    yield from (_point(row, "best", row.job.policy if row.job in named else "") for row in laws)
    yield from (_point(row, "still", STATIC) for row in means if row.job.policy == STATIC)
    yield Point(
        usd_per_h=found.quota.usd_per_h, attainment=found.quota.attainment, kind="quota", told="the whole quota"
    )
    told = f"ours, default: {percent(one.attainment)} for {one.usd_per_h:.2f}/h"
    yield Point(usd_per_h=one.usd_per_h, attainment=one.attainment, kind="ours", told=told, name="ours")


def _laws(found: Findings) -> list[Outcome]:
    """Return every point of a rival; a fleet that never changes is none."""
    return [one for one in found.swept if one.job.policy != STATIC]


def _mean(row: Sequence[Outcome]) -> Outcome:
    return Outcome(
        job=row[0].job,
        requests=row[0].requests,
        attainment=mean(each.attainment for each in row),
        usd_per_h=mean(each.usd_per_h for each in row),
    )


def _point(row: Outcome, kind: str, name: str = "") -> Point:
    told = f"{_named(row.job)}: {row.attainment * 100:.2f} % for {row.usd_per_h:.2f}/h"
    return Point(usd_per_h=row.usd_per_h, attainment=row.attainment, kind=kind, told=told, name=name)


def _lines(one: Verdict) -> Iterable[Line]:
    ours = one.findings.ours[0]
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(ours.ready)}
    yield from (Line(label=f"{name}, ours", values=values, colour=colours[name]) for name, values in ours.ready.items())
    if one.rival is not None:
        for name, values in one.rival.ready.items():
            label = f"{name}, {one.rival.job.policy}"
            yield Line(label=label, values=values, colour=colours.get(name, "fourth"), dashed=True)


def _data(one: Verdict) -> dict[str, object]:
    found = one.findings
    return {
        **asdict(found.subject),
        "result": one.result.value,
        "attainment": one.attainment,
        "usd_per_h": one.usd_per_h,
        "above_bound_ratio": one.above_bound,
        "rival": None if one.rival is None else _named(one.rival.job),
        "rival_attainment": one.rival_attainment if one.rival else None,
        "rival_usd_per_h": one.rival_usd_per_h if one.rival else None,
        "money_ratio": asdict(one.money) if one.money else None,
        "attainment_difference": asdict(one.met) if one.met else None,
        "runs": [_run(row) for row in _all(found)],
    }


def _run(row: Outcome) -> dict[str, object]:
    body = {name: getattr(row, name) for name in row.__slots__ if name not in {"job", "ready", "took_s"}}
    return {**asdict(row.job), "knobs": dict(row.job.knobs), **body, "facts": dict(row.facts)}
