"""The same report as Markdown, for terminals, issues and pull requests."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from penstock.report.figures import figures
from penstock.report.model import Fact, Order, Report
from penstock.report.places import workloads
from penstock.report.series import capacity_per_s
from penstock.report.words import letters, number, percent, seconds, step

_ROWS: Final = 24  # of the table over time; more would not be read
_SPECIAL: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~"})


def markdown(report: Report) -> str:
    """Return the text; foreign words are escaped, so that none can become a link, a heading or HTML."""
    parts = [f"# {_text(report.title)}", _text(report.lead)]
    parts += _bullets("", [_fact(one) for one in report.facts])
    parts += _bullets("## What went wrong", [_text(one) for one in report.troubles])
    parts += ["## Demand and replicas", *(f"{_text(figure.say)}" for figure in figures(report)[:1]), _over_time(report)]
    parts += _orders(report.orders)
    parts += ["## Why each decision was taken", _changes(report)]
    parts += _bullets("## How this run was made", [_text(one) for one in report.notes])
    return "\n\n".join(parts) + "\n"


def _fact(fact: Fact) -> str:
    note = f" ({_text(fact.note)})" if fact.note else ""
    return f"**{_text(fact.label)}**: {_text(fact.value)}{note}"


def _over_time(report: Report) -> str:
    every = max(1, -(-len(report.grid_s) // _ROWS))
    capacity = capacity_per_s(report.variants, "ready", len(report.grid_s))
    heads = ["time", "demand/s", "served/s at most", "within the SLO", "waiting"]
    heads += [f"{_text(one.name)} ready (wanted)" for one in report.variants]
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
    return _table(heads, rows, right=range(len(heads)))


def _orders(orders: tuple[Order, ...]) -> Iterator[str]:
    if not orders:
        return
    known = workloads(orders)
    keys = letters(tuple(one.name for one in known))
    yield "## The policy decides who goes first"
    for order in orders:
        cells = "".join(keys[one.workload] for one in order.dispatched)
        yield f"{_text(order.title)}, at {seconds(order.at_s)} · {_text(order.policy)}\n\n    {cells}"
    heads = ["workload", "criticality", *(f"mean place, {_text(order.title.lower())}" for order in orders)]
    rows = (
        [f"{keys[one.name]} = {_text(one.name)}", str(one.criticality), *(number(place) for place in one.places)]
        for one in known
    )
    yield _table(heads, rows, right=range(1, len(heads)))


def _changes(report: Report) -> str:
    if not report.changes:
        return "None."
    rows = (
        [seconds(one.at_s), _text(one.variant), step(one.before, one.after), _text(one.reason), _text(one.why)]
        for one in report.changes
    )
    return _table(["time", "variant", "replicas", "reason", "because"], rows, right=(0,))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    aligned = set(right)
    rule = ["--:" if column in aligned else ":--" for column in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def _bullets(heading: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from [heading] if heading else []
        yield "\n".join(f"- {line}" for line in lines)


def _text(text: str) -> str:
    return " ".join(text.translate(_SPECIAL).split())
