"""The demo's report as a page: charts by a script inside it, everything foreign escaped."""

import json
from collections.abc import Iterable
from html import escape
from typing import Final

from penstock.report.figures import Figure, figures
from penstock.report.model import Change, Dispatched, Order, Report
from penstock.report.pages import document, fact, listed
from penstock.report.places import Workload, workloads
from penstock.report.plain import plain
from penstock.report.words import letters, number, seconds, step

_COLOURS: Final = 6
_STYLES: Final = ("uPlot.min.css", "page.css")
_SCRIPTS: Final = ("uPlot.min.js", "charts.js")


def html(report: Report) -> str:
    """Return the page."""
    drawn = figures(report)
    parts = [
        f"<header><h1>{escape(report.title)}</h1><p class=lead>{escape(report.lead)}</p></header>",
        f"<dl class=facts>{''.join(map(fact, report.facts))}</dl>",
        "<noscript><p class=lead>The charts need JavaScript; the tables do not.</p></noscript>",
        *_troubles(report.troubles),
        *map(_chart, drawn[:2]),
        f"<div class=pair>{''.join(map(_chart, drawn[2:]))}</div>",
        *_orders(report.orders),
        *_changes(report.changes),
        *_notes(report.notes),
        "<footer>Made by Penstock. Charts: uPlot 1.6.32, © Leon Sorokin, MIT licence.</footer>",
    ]
    return document(report.title, "\n".join(parts), _STYLES, _SCRIPTS, _data(report, drawn))


def _data(report: Report, drawn: Iterable[Figure]) -> str:
    """Return the charts' data as JSON that cannot end the script element it stands in."""
    charts = [{"id": f"chart-{figure.key}", **figure.spec} for figure in drawn]
    marks = [{"at_s": mark.at_s, "label": mark.label} for mark in report.marks]
    values = plain({"grid_s": report.grid_s, "marks": marks, "charts": charts})
    return json.dumps(values, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _chart(figure: Figure) -> str:
    label = f"{figure.title}. {figure.say}"
    return (
        f"<section><figure><h2>{escape(figure.title)}</h2>"
        f'<p class="lead say">{escape(figure.say)}</p>'
        f'<div class=chart id="chart-{figure.key}" role=img aria-label="{escape(label)}"></div></figure></section>'
    )


def _orders(orders: tuple[Order, ...]) -> Iterable[str]:
    if not orders:
        return
    known = workloads(orders)
    keys = letters(tuple(one.name for one in known))
    colours = {one.name: f"w{index % _COLOURS + 1}" for index, one in enumerate(known)}
    strips = "".join(_strip(order, keys, colours) for order in orders)
    yield (
        "<section><h2>The policy decides who goes first</h2>"
        '<p class="lead say">One burst under each policy: a cell is a request, in the order in which they left the '
        "queue.</p>"
        f"{strips}{_places(known, orders, keys, colours)}</section>"
    )


def _strip(order: Order, keys: dict[str, str], colours: dict[str, str]) -> str:
    cells = "".join(
        f'<i class={colours[one.workload]} title="{escape(_told(place, one))}">{keys[one.workload]}</i>'
        for place, one in enumerate(order.dispatched, start=1)
    )
    spoken = escape(f"{order.title}: " + " ".join(keys[one.workload] for one in order.dispatched))
    under = f"at {seconds(order.at_s)} · {escape(order.policy)}"
    return (
        f"<div class=order><h3>{escape(order.title)} <span>{under}</span></h3>"
        f'<div class=strip role=img aria-label="{spoken}">{cells}</div>'
        "<p class=ends><span>first dispatched</span><span>last dispatched</span></p></div>"
    )


def _told(place: int, one: Dispatched) -> str:
    return f"{place}. {one.request_id}: {one.workload}, criticality {one.criticality}, arrived as number {one.arrived}"


def _places(
    known: tuple[Workload, ...], orders: tuple[Order, ...], keys: dict[str, str], colours: dict[str, str]
) -> str:
    heads = "".join(f"<th class=n>mean place, {escape(order.title.lower())}" for order in orders)
    rows = "".join(
        f"<tr><td><span class='key {colours[one.name]}'>{keys[one.name]}</span>{escape(one.name)}"
        f"<td class=n>{one.criticality}{''.join(f'<td class=n>{number(place)}' for place in one.places)}"
        for one in known
    )
    return f"<div class=scroll><table class=plain><tr><th>workload<th class=n>criticality{heads}{rows}</table></div>"


def _changes(changes: tuple[Change, ...]) -> Iterable[str]:
    rows = "".join(
        f"<tr><td class=n>{seconds(one.at_s)}<td>{escape(one.variant)}<td class=step>{step(one.before, one.after)}"
        f"<td><span class=chip>{escape(one.reason)}</span><td>{escape(one.why)}"
        for one in changes
    )
    heads = "<tr><th class=n>time<th>variant<th>replicas<th>reason<th>because"
    table = f"<div class=scroll><table class=plain>{heads}{rows}</table></div>" if changes else "<p>None.</p>"
    yield f"<section><h2>Why each decision was taken</h2>{table}</section>"


def _notes(notes: tuple[str, ...]) -> Iterable[str]:
    if notes:
        yield f"<section><h2>How this run was made</h2>{listed(notes)}</section>"


def _troubles(troubles: tuple[str, ...]) -> Iterable[str]:
    if troubles:
        yield f"<section><h2 class=bad>What went wrong</h2>{listed(troubles)}</section>"
