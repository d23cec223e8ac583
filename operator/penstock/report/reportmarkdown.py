"""The demo's report as Markdown, for terminals, issues and pull requests."""

from collections.abc import Iterator
from typing import Final

from penstock.report.figures import figures
from penstock.report.markup import bullets, escaped, table, told
from penstock.report.model import Order, Report
from penstock.report.places import workloads
from penstock.report.series import capacity_per_s
from penstock.report.words import letters, number, percent, seconds, step

_ROWS: Final = 24  # of the table over time; more would not be read


def markdown(report: Report) -> str:
    """Return the text; foreign words are escaped, so that none can become a link, a heading or HTML."""
    parts = [f"# {escaped(report.title)}", escaped(report.lead)]
    parts += bullets("", [told(one) for one in report.facts])
    parts += bullets("## What went wrong", [escaped(one) for one in report.troubles])
    parts += [
        "## Demand and replicas",
        *(f"{escaped(figure.say)}" for figure in figures(report)[:1]),
        _over_time(report),
    ]
    parts += _orders(report.orders)
    parts += ["## Why each decision was taken", _changes(report)]
    parts += bullets("## How this run was made", [escaped(one) for one in report.notes])
    return "\n\n".join(parts) + "\n"


def _over_time(report: Report) -> str:
    every = max(1, -(-len(report.grid_s) // _ROWS))
    capacity = capacity_per_s(report.variants, "ready", len(report.grid_s))
    heads = ["time", "demand/s", "served/s at most", "within the SLO", "waiting"]
    heads += [f"{escaped(one.name)} ready (wanted)" for one in report.variants]
    rows = (
        [
            seconds(report.grid_s[at]),
            number(report.demand_per_s[at]),
            number(capacity[at]),
            percent(report.attainment_ratio[at]),
            number(report.queued[at], 0),
            *(f"{number(one.ready[at], 0)} ({number(one.desired[at], 0)})" for one in report.variants),
        ]
        for at in range(0, len(report.grid_s), every)
    )
    return table(heads, rows, right=range(len(heads)))


def _orders(orders: tuple[Order, ...]) -> Iterator[str]:
    if not orders:
        return
    known = workloads(orders)
    keys = letters(tuple(one.name for one in known))
    yield "## The policy decides who goes first"
    for order in orders:
        cells = "".join(keys[one.workload] for one in order.dispatched)
        yield f"{escaped(order.title)}, at {seconds(order.at_s)} · {escaped(order.policy)}\n\n    {cells}"
    heads = ["workload", "criticality", *(f"mean place, {escaped(order.title.lower())}" for order in orders)]
    rows = (
        [f"{keys[one.name]} = {escaped(one.name)}", str(one.criticality), *(number(place) for place in one.places)]
        for one in known
    )
    yield table(heads, rows, right=range(1, len(heads)))


def _changes(report: Report) -> str:
    if not report.changes:
        return "None."
    rows = (
        [seconds(one.at_s), escaped(one.variant), step(one.before, one.after), escaped(one.reason), escaped(one.why)]
        for one in report.changes
    )
    return table(["time", "variant", "replicas", "reason", "because"], rows, right=(0,))
