"""Decides what is drawn: which series share a chart, in which colour, and the sentence that each chart is to prove."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.report.model import Numbers, Report
from penstock.report.series import capacity_per_s
from penstock.report.words import percent, seconds

_VARIANTS: Final = ("first", "second", "third", "fourth")  # colours; a fifth variant shares the first one's


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart: `say` tells in words what it shows, `spec` is what the page's script draws."""

    key: str
    title: str
    say: str
    spec: dict[str, Any]


def figures(report: Report) -> tuple[Figure, ...]:
    """Return the four charts of a run: demand, replicas, attainment, queue."""
    return (_demand(report), _replicas(report), _attainment(report), _queue(report))


def _demand(report: Report) -> Figure:
    ready, wanted = (capacity_per_s(report.variants, counts, len(report.grid_s)) for counts in ("ready", "desired"))
    lines = [
        _line("ready replicas can serve", ready, "ready", style="step", fill="ready-fill"),
        _line("wanted replicas could serve", wanted, "wanted", style="dash"),
        _line("demand", report.demand_per_s, "demand"),
    ]
    return Figure(
        key="demand",
        title="Demand, and what the replicas can serve",
        say=_coverage(report, ready),
        spec={
            "unit": "req/s",
            "height": 260,
            "labelled": True,
            "series": lines,
            # shades what demand exceeds capacity by; uPlot counts series from 1, time being 0
            "bands": [{"series": [3, 1], "dir": -1, "fill": "short"}],
        },
    )


def _coverage(report: Report, ready: Numbers) -> str:
    """Say how often, and for how long at most, the ready replicas could not serve what arrived."""
    both = [
        (at_s, need > have)
        for at_s, need, have in zip(report.grid_s, report.demand_per_s, ready, strict=True)
        if need is not None and have is not None
    ]
    if not both:
        return "Requests per second: what arrived, and what the replicas serve within the SLO."
    covered = percent(1 - sum(short for _, short in both) / len(both))
    longest = max(_stretches(both), default=0.0)
    tail = f"; the longest shortfall lasted {seconds(longest)}" if longest else ""
    return f"Ready replicas could serve what arrived within the SLO during {covered} of the run{tail}."


def _stretches(states: Sequence[tuple[float, bool]]) -> Iterator[float]:
    """Yield the lengths of times in which a state held, each from its first instant to the one that ended it."""
    began: float | None = None
    for at_s, holds in states:
        if holds and began is None:
            began = at_s
        elif not holds and began is not None:
            yield at_s - began
            began = None
    if began is not None:
        yield states[-1][0] - began


def _replicas(report: Report) -> Figure:
    lines, steps = [], []
    for index, variant in enumerate(report.variants):
        colour = _VARIANTS[index % len(_VARIANTS)]
        lines.append(_line(f"{variant.name} ready", variant.ready, colour, style="step"))
        lines.append(_line(f"{variant.name} wanted", variant.desired, colour, style="dash"))
        steps += [
            {"at_s": one.at_s, "after": one.after, "up": one.after > (one.before or 0), "colour": colour}
            for one in report.changes
            if one.variant == variant.name and one.after is not None
        ]
    ready = [sum(count for count in at if count is not None) for at in zip(*_counts(report), strict=True)]
    say = f"Between {min(ready):g} and {max(ready):g} replicas were ready." if ready else "No variant was seen."
    return Figure(
        key="replicas",
        title="Replicas per variant",
        say=f"{say} Triangles are decisions; the table below says why each was taken.",
        spec={"unit": "", "height": 200, "whole": True, "series": lines, "steps": steps},
    )


def _counts(report: Report) -> Iterable[Numbers]:
    return (variant.ready for variant in report.variants)


def _attainment(report: Report) -> Figure:
    target = tuple(100 * report.target_ratio for _ in report.grid_s)
    met = tuple(None if ratio is None else 100 * ratio for ratio in report.attainment_ratio)
    lowest = min((share for share in met if share is not None), default=100.0)
    return Figure(
        key="attainment",
        title="Requests within the SLO",
        say=f"Share that met both latency targets; the dashed line is the goal of {percent(report.target_ratio)}.",
        spec={
            "unit": "%",
            "height": 180,
            "bottom": max(0, 10 * int(min(lowest, 80) // 10) - 5),
            "top": 103,
            "series": [_line("within the SLO", met, "met"), _line("goal", target, "soft", style="dash")],
        },
    )


def _queue(report: Report) -> Figure:
    longest = max((length for length in report.queued if length is not None), default=0)
    return Figure(
        key="queue",
        title="Requests waiting in the router",
        say=f"Held back so that the engines keep their speed; {longest:g} at most.",
        spec={
            "unit": "",
            "height": 180,
            "whole": True,
            "series": [_line("waiting", report.queued, "queue", style="step", fill="queue-fill")],
        },
    )


def _line(label: str, values: Numbers, colour: str, style: str = "line", fill: str = "") -> dict[str, Any]:
    return {"label": label, "values": values, "colour": colour, "style": style, "fill": fill}
