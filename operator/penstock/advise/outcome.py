"""What the blocks of a plan came to: both ways of scaling, and how far the simulation is from the record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from penstock.advise.judge import NotJudged, Plan, grounds_of
from penstock.advise.past import Hour
from penstock.advise.replay import HOUR_S, POINTS_S, Played
from penstock.advise.sureness import Grounds, Level, Sureness, sureness
from penstock.telemetry.pastqueries import MEANS_STEP_S

_WORST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one way of scaling came to. `met_ratio` is simulated; `replicas` are (Unix seconds, replicas)."""

    usd_per_day: float
    met_ratio: float
    mean_replicas: float
    hours: tuple[Hour, ...]
    replicas: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A model with an answer: what ran, what Penstock would have done, and how far the two can be believed.

    `met_ratio` is the recorded share within the targets over the hours that are played; None: no histogram tells it.
    """

    plan: Plan
    ran: Side
    ours: Side
    met_ratio: float | None
    grounds: Grounds
    sure: Sureness

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.plan.past.name

    @property
    def ran_met_ratio(self) -> float:
        """Return the share within the targets as it ran: as recorded, else as simulated."""
        return self.ran.met_ratio if self.met_ratio is None else self.met_ratio

    @property
    def ran_hours(self) -> tuple[Hour, ...]:
        """Return the hours as it ran, in the same way."""
        return self.ran.hours if self.met_ratio is None else self.plan.past.hours


def worst(hours: Sequence[Hour]) -> tuple[Hour, ...]:
    """Return the hours with the least share within the targets, the worst first; only those that missed any."""
    known = [one for one in hours if one.met_ratio is not None and one.requests and one.met_ratio < 1]
    return tuple(sorted(known, key=lambda one: one.met_ratio or 0.0)[:_WORST])


def conclude(plan: Plan, played: Sequence[tuple[Played, Played]]) -> Judged | NotJudged:
    """Return what the blocks came to, unless the simulation is nothing like what was recorded."""
    past = plan.past
    sides = [_side(plan, [pair[which] for pair in played]) for which in (0, 1)]
    before = [pair[0] for pair in played]
    recorded, means = _recorded(plan), _means(plan)
    grounds = replace(
        grounds_of(past),
        points=None if recorded is None else 100 * abs(recorded - _over(plan, [min(one.shares) for one in before])),
        ttft_ratio=_ratio(_over(plan, [one.means[0] for one in before]), means and means[0]),
        tpot_ratio=_ratio(_over(plan, [one.means[1] for one in before]), means and means[1]),
        supposed=all(one.fitted.supposed for one in plan.variants),
        played_ratio=sum(one.last - one.first for one in plan.blocks) / max(len(past.scraped), 1),
    )
    sure = sureness(grounds)
    if sure.level is Level.NONE:
        return NotJudged(name=past.name, why="; ".join(sure.because))
    return Judged(plan=plan, ran=sides[0], ours=sides[1], met_ratio=recorded, grounds=grounds, sure=sure)


def _ratio(simulated: float, recorded: float | None) -> float | None:
    return simulated / recorded if recorded else None


def _over(plan: Plan, values: Sequence[float]) -> float:
    """Return the mean of a measure over blocks, by the requests that each stands for."""
    weights = [one.weight * max(one.requests, 1.0) for one in plan.blocks]
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def _recorded(plan: Plan) -> float | None:
    """Return the recorded share within the targets over the hours that are played."""
    known = [(one.requests, one.met_ratio) for one in plan.past.hours]
    weights = [_weight(plan, one.start_s + HOUR_S / 2) for one in plan.past.hours]
    rows = [(w * count, met) for w, (count, met) in zip(weights, known, strict=True) if met is not None]
    total = sum(weight for weight, _ in rows)
    return sum(weight * met for weight, met in rows) / total if total else None


def _means(plan: Plan) -> tuple[float, float] | None:
    """Return the recorded mean latencies over the time that is played."""
    samples = [one for variant in plan.variants for one in variant.past.samples]
    rows = [(_weight(plan, one.at_s - MEANS_STEP_S / 2) * one.per_s * one.replicas, one) for one in samples]
    total = sum(weight for weight, _ in rows)
    if not total:
        return None
    return sum(weight * one.ttft_s for weight, one in rows) / total, sum(w * one.tpot_s for w, one in rows) / total


def _weight(plan: Plan, at_s: float) -> float:
    """Return for how much a time counts: 0 where it is not played."""
    step = (at_s - plan.past.grid.start_s) / plan.past.grid.step_s + 1
    return sum(block.weight for block in plan.blocks if block.first <= step < block.last)


def _side(plan: Plan, played: Sequence[Played]) -> Side:
    past, blocks = plan.past, plan.blocks
    spans = [one.weight * (one.last - one.first) for one in blocks]
    counted = [(sum(each for each, _ in one.hours), sum(met for _, met in one.hours)) for one in played]
    requests = sum(block.weight * each for block, (each, _) in zip(blocks, counted, strict=True))
    met = sum(block.weight * each for block, (_, each) in zip(blocks, counted, strict=True))
    money = sum(one.usd_per_h * span for one, span in zip(played, spans, strict=True)) / sum(spans)
    means = [sum(one.replicas) / len(one.replicas) for one in played]
    return Side(
        usd_per_day=24 * money,
        met_ratio=met / requests if requests else 1.0,
        mean_replicas=sum(mean * span for mean, span in zip(means, spans, strict=True)) / sum(spans),
        hours=tuple(
            Hour(
                start_s=past.grid.at(block.first - 1) + HOUR_S * place,
                requests=each,
                met_ratio=met / each if each else None,
            )
            for block, one in zip(blocks, played, strict=True)
            for place, (each, met) in enumerate(one.hours)
        ),
        replicas=tuple(
            (past.grid.at(block.first - 1) + POINTS_S * place, count)
            for block, one in zip(blocks, played, strict=True)
            for place, count in enumerate(one.replicas)
        ),
    )
