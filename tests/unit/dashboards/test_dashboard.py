"""The dashboard asks for nothing that no process exports, and every panel says what it shows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from tests.unit.docs import exported

FILE = Path(__file__).parents[3] / "dashboards" / "penstock.json"
BOARD: dict[str, Any] = json.loads(FILE.read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
TARGETS = [
    pytest.param(target["expr"], id=f"{panel['title']}, {target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]
OF_A_SCRAPE = {"namespace", "exported_namespace", "pod", "instance", "job"}  # labels that Prometheus itself adds


def series() -> dict[str, set[str]]:
    """Return the labels of everything that operator and router export, by the name of its series."""
    found = dict[str, set[str]]()
    for one in (*exported.operator(), *exported.router()):
        parts = (
            {"_bucket": {"le"}, "_sum": set[str](), "_count": set[str]()} if one.kind == "histogram" else {"": set()}
        )
        found |= {f"{one.name}{part}": {*one.labels, *more} for part, more in parts.items()}
    return found


SERIES = series()


def parsed(query: str) -> Any:
    """Parse a query as Grafana would send it, with something chosen for its variables."""
    return promql_parser.parse(
        query.replace("$__rate_interval", "5m").replace("$model", ".*").replace("$variant", ".*")
    )


def selectors(node: Any) -> Iterator[Any]:
    """Yield every vector selector below a node."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "vector_selector", "args", "param"):
        below = getattr(node, name, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None and not isinstance(one, str):
                yield from selectors(one)


def grouped(node: Any) -> Iterator[str]:
    """Yield the labels by which anything below a node is grouped."""
    modifier = getattr(node, "modifier", None)
    if isinstance(node, promql_parser.AggregateExpr) and modifier is not None:
        yield from modifier.labels
    for name in ("expr", "lhs", "rhs", "args"):
        below = getattr(node, name, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None:
                yield from grouped(one)


@pytest.mark.parametrize("query", TARGETS)
def test_a_query_asks_for_what_is_exported_by_labels_that_are_there(query: str) -> None:
    asked = list(selectors(parsed(query)))

    assert asked
    for one in asked:
        assert one.name in SERIES, f"nothing exports {one.name}"
        labels = SERIES[one.name]
        assert {matcher.name for matcher in one.matchers.matchers} <= labels
    every = set.union(OF_A_SCRAPE, *(SERIES[one.name] for one in asked))
    assert set(grouped(parsed(query))) <= every


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_legend_names_labels_that_its_query_keeps(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        named = {part.partition("}}")[0].strip() for part in target["legendFormat"].split("{{")[1:]}
        assert named <= set(grouped(parsed(target["expr"])))


def test_what_may_be_chosen_is_exported() -> None:
    queries = [one["query"]["query"] for one in BOARD["templating"]["list"] if one["type"] == "query"]

    assert queries
    for query in queries:
        series_of, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
        (selector,) = selectors(parsed(series_of))
        assert label in SERIES[selector.name]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in {"percentunit", "short", "reqps", "s"}
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert {one["uid"] for one in sources} == {"${datasource}"}


def test_panels_do_not_lie_upon_each_other() -> None:
    places = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
