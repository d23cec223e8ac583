"""Puts an advice into words, tables and charts."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from penstock.advise import charts, objects
from penstock.advise.advice import Advice
from penstock.advise.data import data
from penstock.advise.judge import Variant
from penstock.advise.outcome import Judged, worst
from penstock.advise.wish import Wish
from penstock.advise.words import sure, when
from penstock.domain.units import format_duration, format_percent
from penstock.report.advice import Model, Page
from penstock.report.parts import Fact, Table
from penstock.report.words import percent

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
        notes=(*notes, *NOTES, f"Seed {wish.seed}."),
        data=data(advice, wish, bodies(advice, wish)),
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
                startup_s=one.spec.startup.median_s,
                slo=wish.slo,
            )
        )
        for judged in advice.judged
        for one in judged.plan.variants
    )
    return [one for one in found if one is not None]


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
        say=f"{say}{percent(one.ran_met_ratio)} within the SLO. Sure: {sure(one)}.",
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
        charts=(charts.replicas(one), charts.met(one, target)),
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
    return f"{one.spec.name}: {gpus}, {one.spec.usd_per_h:.2f} an hour each, {_started(one)}; engine {how}."


def _started(one: Variant) -> str:
    starts = len(one.past.starts_s)
    return f"ready after {format_duration(round(one.spec.startup.median_s))} ({starts} starts were seen)"


def _worst(one: Judged) -> Table:
    ran, ours = worst(one.ran_hours), worst(one.ours.hours)
    rows = [("ran", hour) for hour in ran] + [("with Penstock", hour) for hour in ours]
    return Table(
        heads=("", "hour (UTC)", "met", "requests"),
        rows=tuple((who, when(hour.start_s), percent(hour.met_ratio), f"{hour.requests:,.0f}") for who, hour in rows),
        right=frozenset({2, 3}),
        empty="No hour missed anything.",
    )
