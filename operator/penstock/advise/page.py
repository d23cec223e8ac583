"""Puts an advice into words, tables and charts."""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from penstock.advise import objects
from penstock.advise.advice import Advice
from penstock.advise.judge import Judged, Variant, worst
from penstock.advise.past import Hour
from penstock.advise.wish import Wish
from penstock.domain.units import format_duration, format_percent
from penstock.report.advice import Chart, Curve, Model, Page, Points
from penstock.report.model import Fact
from penstock.report.study import Table
from penstock.report.words import number, percent

_GAP_S: Final = 2 * 3600.0

NOTES: Final = (
    "Demand is what engines finished and what their backlog grew by, minute by minute. Within a minute, arrivals are "
    "independent of each other: bursts that are shorter cannot be told from counters. Requests that gave up before an "
    "engine counted them are not seen.",
    "Both ways are played through the same simulator with the same arrivals, on engines fitted to the recorded "
    "latencies. Penstock has its default configuration and sees no router; it may ask for twice the replicas that ever "
    "ran.",
    "Money is replicas that exist, starting and draining ones included, at the price of their accelerators.",
    "As it ran, the share within the SLO is the recorded one where there are histograms: the worse of the shares "
    "within each target, since nothing tells of both at once. Under Penstock both must hold for each request.",
)


def page(advice: Advice, wish: Wish, source: str, notes: Sequence[str]) -> Page:
    """Return the page; `source` says whose past it is."""
    slo = wish.slo
    return Page(
        title="Advice from this cluster's own past",
        lead=f"{source}. SLO: first token within {format_duration(slo.ttft_s)}, each further one within "
        f"{format_duration(slo.tpot_s)} on average, for {format_percent(slo.attainment_ratio)} of requests.",
        summary=_summary(advice),
        not_judged=Table(heads=("model", "why"), rows=tuple((one.name, one.why) for one in advice.not_judged)),
        models=tuple(_model(one, wish) for one in advice.judged),
        objects=tuple(objects.as_yaml([one]) for one in bodies(advice, wish)),
        notes=(*notes, *NOTES, f"Replicas take {format_duration(wish.startup_s)} to start. Seed {wish.seed}."),
        data=data(advice, wish),
    )


def bodies(advice: Advice, wish: Wish) -> list[dict[str, Any]]:
    """Return the objects to apply, of all workloads whose name is known."""
    found = (
        objects.body(
            objects.Wanted(
                namespace=judged.plan.past.namespace,
                model=judged.plan.past.model,
                owner=one.past.owner,
                accelerator=one.spec.accelerator,
                usd_per_h=one.spec.usd_per_h,
                max_replicas=one.spec.max_replicas,
                startup_s=wish.startup_s,
                slo=wish.slo,
            )
        )
        for judged in advice.judged
        for one in judged.plan.variants
    )
    return [one for one in found if one is not None]


def sure(judged: Judged) -> str:
    """Return how sure it is, and why."""
    on = judged.grounds
    seen = f"{on.days:.1f} days, {_count(on.requests)} requests"
    because = [one for one in judged.sure.because if not one.endswith((" seen", " requests"))]
    return f"{judged.sure.level.word}: {'; '.join([seen, *because])}"


def _count(requests: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if requests >= size:
            return f"{requests / size:.1f} {letter}"
    return f"{requests:.0f}"


def _summary(advice: Advice) -> Table:
    return Table(
        heads=("model", "ran, per day", "met", "with Penstock, per day", "met", "sure"),
        rows=tuple(
            (
                one.name,
                f"{one.ran.usd_per_day:.2f}",
                percent(one.ran_met_ratio),
                f"{one.ours.usd_per_day:.2f}",
                percent(one.ours.met_ratio),
                sure(one),
            )
            for one in advice.judged
        ),
        right=frozenset({1, 2, 3, 4}),
        empty="No model could be judged.",
    )


def _model(one: Judged, wish: Wish) -> Model:
    saved = 1 - one.ours.usd_per_day / one.ran.usd_per_day if one.ran.usd_per_day else 0.0
    say = (
        f"{percent(abs(saved))} {'less' if saved >= 0 else 'more'} money, and {percent(one.ours.met_ratio)} instead of "
    )
    target = wish.slo.attainment_ratio
    return Model(
        name=one.name,
        say=f"{say}{percent(one.ran_met_ratio)} within the SLO. {sure(one)}.",
        facts=(
            Fact(
                label="ran, per day", value=f"{one.ran.usd_per_day:.2f}", note=f"{one.ran.mean_replicas:.1f} replicas"
            ),
            Fact(
                label="with Penstock, per day",
                value=f"{one.ours.usd_per_day:.2f}",
                note=f"{one.ours.mean_replicas:.1f} replicas",
                good=saved > 0,
            ),
            Fact(label="met as it ran", value=percent(one.ran_met_ratio), good=one.ran_met_ratio >= target),
            Fact(label="met with Penstock", value=percent(one.ours.met_ratio), good=one.ours.met_ratio >= target),
            Fact(label="sure", value=one.sure.level.word, note=_checked(one)),
        ),
        charts=(_replicas(one), _met(one, target)),
        worst=_worst(one),
        notes=tuple(_notes(one)),
    )


def _checked(one: Judged) -> str:
    if one.grounds.points is None:
        return "nothing recorded to check the simulation"
    return f"simulated as it ran: {one.grounds.points:.1f} points off the record"


def _notes(one: Judged) -> Iterator[str]:
    for variant in one.plan.variants:
        yield _variant(variant)
    if one.grounds.played_ratio < 0.9:
        yield (
            f"{percent(one.grounds.played_ratio)} of the time was played: the busiest and the worst hours, and of the "
            "others a part, drawn from each time of the day, that stands for the rest. All figures are of these hours."
        )
    yield f"{percent(one.grounds.unscraped_ratio)} of the time was not scraped."


def _variant(one: Variant) -> str:
    fit = one.fitted
    how = (
        f"fitted to {fit.samples} times of five minutes: decoding × {fit.decode:.2f}, prompts × {fit.prompt:.2f} of "
        "what its data tell"
        if fit.samples
        else "as its data tell, since no latencies were recorded"
    )
    gpus = f"{one.spec.accelerators_per_replica} × {one.spec.accelerator}"
    return f"{one.spec.name}: {gpus}, {one.spec.usd_per_h:.2f} an hour each; engine {how}."


def _replicas(one: Judged) -> Chart:
    return Chart(
        title="Replicas",
        say="Replicas that existed, starting ones included.",
        curves=(
            Curve(label="ran", points=_gapped(one.ran.replicas), colour="second", dashed=True, steps=True),
            Curve(label="with Penstock", points=_gapped(one.ours.replicas), colour="first", steps=True),
        ),
    )


def _met(one: Judged, target: float) -> Chart:
    recorded = one.plan.past.hours if one.met_ratio is not None else one.ran.hours
    return Chart(
        title="Requests within the SLO",
        say="Share of each hour's requests; the dashed line is the wanted share.",
        curves=(
            Curve(label="ran", points=_hours(recorded), colour="second", dashed=True),
            Curve(label="with Penstock", points=_hours(one.ours.hours), colour="first"),
        ),
        share=True,
        level=target,
    )


def _hours(hours: Sequence[Hour]) -> Points:
    return _gapped([(one.start_s + 1800, one.met_ratio) for one in hours if one.requests])


def _gapped(points: Sequence[tuple[float, float | None]]) -> Points:
    """Return points with a gap wherever the next one is far."""
    pairs = zip(points, [*points[1:], None], strict=True)
    return tuple(
        chain.from_iterable(
            ([here, (here[0], None)] if after is not None and after[0] - here[0] > _GAP_S else [here])
            for here, after in pairs
        )
    )


def _worst(one: Judged) -> Table:
    ran = worst(one.plan.past.hours) if one.met_ratio is not None else one.ran.worst()
    rows = [("ran", hour) for hour in ran] + [("with Penstock", hour) for hour in one.ours.worst()]
    return Table(
        heads=("", "hour (UTC)", "met", "requests"),
        rows=tuple((who, _when(hour.start_s), percent(hour.met_ratio), f"{hour.requests:,.0f}") for who, hour in rows),
        right=frozenset({2, 3}),
        empty="No hour missed anything.",
    )


def _when(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%a %Y-%m-%d %H:%M")


def data(advice: Advice, wish: Wish) -> dict[str, Any]:
    """Return everything as JSON could hold it."""
    return {
        "slo": {"ttft_s": wish.slo.ttft_s, "tpot_s": wish.slo.tpot_s, "attainment": wish.slo.attainment_ratio},
        "models": [_data(one) for one in advice.judged],
        "not_judged": [dataclasses.asdict(one) for one in advice.not_judged],
        "objects": bodies(advice, wish),
    }


def _data(one: Judged) -> dict[str, Any]:
    past = one.plan.past
    return {
        "namespace": past.namespace,
        "model": past.model,
        "ran": _side(one, 0),
        "with_penstock": _side(one, 1),
        "sure": {"level": one.sure.level.word, "because": one.sure.because, **dataclasses.asdict(one.grounds)},
        "variants": [
            {
                "name": each.spec.name,
                "kind": each.past.owner.kind,
                "accelerator": each.spec.accelerator,
                "accelerators_per_replica": each.spec.accelerators_per_replica,
                "usd_per_h": each.spec.usd_per_h,
                "engine": dataclasses.asdict(each.fitted),
            }
            for each in one.plan.variants
        ],
    }


def _side(one: Judged, which: int) -> dict[str, Any]:
    side = (one.ran, one.ours)[which]
    recorded = which == 0 and one.met_ratio is not None
    hours = one.plan.past.hours if recorded else side.hours
    return {
        "usd_per_day": side.usd_per_day,
        "met": one.ran_met_ratio if which == 0 else side.met_ratio,
        "met_simulated": side.met_ratio,
        "mean_replicas": side.mean_replicas,
        "worst_hours": [
            {"start": _when(hour.start_s), "met": hour.met_ratio, "requests": round(hour.requests)}
            for hour in worst(hours)
        ],
        "hours": [{"start_s": hour.start_s, "met": hour.met_ratio, "requests": round(hour.requests)} for hour in hours],
    }


def text(advice: Advice, wish: Wish, folder: str) -> str:
    """Return the lines for a terminal."""
    rows = [
        (
            one.name,
            f"{one.ran.usd_per_day:.2f}/day  {percent(one.ran_met_ratio)} met",
            f"{one.ours.usd_per_day:.2f}/day  {percent(one.ours.met_ratio)} met",
            sure(one),
        )
        for one in advice.judged
    ]
    heads = ("model", "ran", "with Penstock", "sure")
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in (heads, *rows)
    ]
    lines += [f"{one.name}  not judged: {one.why}." for one in advice.not_judged]
    lines += [f"worst hours of {one.name}: {number_of(one)}" for one in advice.judged]
    count = len(bodies(advice, wish))
    return "\n".join([*lines, f"Charts, {count} object{'s' if count != 1 else ''} to apply: {folder}/"])


def number_of(one: Judged) -> str:
    """Return the worst hour of both ways."""
    ran = worst(one.plan.past.hours) if one.met_ratio is not None else one.ran.worst()
    told = [
        f"{who} {_when(hours[0].start_s)} {number((hours[0].met_ratio or 0) * 100)} % met" if hours else f"{who} none"
        for who, hours in (("ran", ran), ("with Penstock", one.ours.worst()))
    ]
    return ", ".join(told)
