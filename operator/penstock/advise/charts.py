"""The two charts of a judged model: replicas over time, and each hour's share within the targets."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from penstock.advise.outcome import Judged
from penstock.advise.past import Hour, ModelPast
from penstock.advise.replay import HOUR_S, POINTS_S
from penstock.advise.tracks import added
from penstock.report.advice import Chart, Curve, Points

_GAP_S: Final = HOUR_S


def replicas(one: Judged) -> Chart:
    """Return what ran, and what would have."""
    return Chart(
        title="Replicas",
        say="Replicas that existed, or were asked for; with Penstock, in the hours that were played.",
        curves=(
            Curve(label="ran", points=_ran(one.plan.past), colour="second", dashed=True, steps=True),
            Curve(label="with Penstock", points=_gapped(one.ours.replicas), colour="first", steps=True),
        ),
    )


def met(one: Judged, target: float) -> Chart:
    """Return the shares of both, with the wanted one."""
    return Chart(
        title="Requests within the SLO",
        say="Share of each hour's requests; the dashed line is the wanted share.",
        curves=(
            Curve(label="ran", points=_hours(one.ran_hours, one.plan.past), colour="second", dashed=True),
            Curve(label="with Penstock", points=_hours(one.ours.hours, one.plan.past), colour="first"),
        ),
        share=True,
        level=target,
    )


def _ran(past: ModelPast) -> Points:
    """Return the recorded replicas of all workloads together, every ten minutes."""
    every = max(round(POINTS_S / past.grid.step_s), 1)
    total = added([one.counts for one in past.variants])
    return tuple((past.grid.at(at), total[at]) for at in range(0, past.grid.count, every))


def _hours(hours: Sequence[Hour], past: ModelPast) -> Points:
    """Return the shares, level over each hour, between the ends of the past, so that all charts have one axis."""
    known = [one for one in hours if one.requests]
    edges = chain.from_iterable(_level(one, after) for one, after in zip(known, [*known[1:], None], strict=True))
    return ((past.grid.start_s, None), *edges, (past.grid.at(past.grid.count - 1), None))


def _level(one: Hour, after: Hour | None) -> Points:
    end_s = one.start_s + HOUR_S
    if after is not None and after.start_s <= end_s:
        return (one.start_s, one.met_ratio), (after.start_s, one.met_ratio)
    return (one.start_s, one.met_ratio), (end_s, one.met_ratio), (end_s, None)


def _gapped(points: Sequence[tuple[float, float | None]]) -> Points:
    """Return points with a gap wherever the next one is far."""
    pairs = zip(points, [*points[1:], None], strict=True)
    return tuple(
        chain.from_iterable(
            ([here, (here[0], None)] if after is not None and after[0] - here[0] > _GAP_S else [here])
            for here, after in pairs
        )
    )
