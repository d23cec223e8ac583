"""Reports: three formats of one value, alone in the world, and deaf to what foreign words would have them do."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.reports import sample

from penstock.report.figures import figures
from penstock.report.model import Dispatched, Order, Report
from penstock.report.places import workloads
from penstock.report.reportfiles import as_json, write
from penstock.report.reportmarkdown import markdown
from penstock.report.reportpage import html
from penstock.report.words import letters

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&  | [a](javascript:b) `c` \n# d"


def hostile() -> Report:
    base = sample()
    order = Order(
        title=HOSTILE, at_s=1.0, policy=HOSTILE,
        dispatched=(Dispatched(request_id=HOSTILE, workload=HOSTILE, criticality=3, arrived=1),),
    )  # fmt: skip
    return dataclasses.replace(
        base,
        title=HOSTILE,
        lead=HOSTILE,
        facts=(dataclasses.replace(base.facts[0], label=HOSTILE, value=HOSTILE, note=HOSTILE),),
        variants=tuple(dataclasses.replace(one, name=HOSTILE) for one in base.variants),
        marks=(dataclasses.replace(base.marks[0], label=HOSTILE),),
        orders=(order,),
        changes=(dataclasses.replace(base.changes[0], variant=HOSTILE, reason=HOSTILE, why=HOSTILE),),
        notes=(HOSTILE,),
        troubles=(HOSTILE,),
    )


def without_variants() -> Report:
    return dataclasses.replace(sample(), variants=(), changes=(), orders=(), marks=())


def empty() -> Report:
    return Report(
        title="t", lead="l", facts=(), grid_s=(), demand_per_s=(), attainment_ratio=(), target_ratio=0.99, queued=(),
        variants=(),
    )  # fmt: skip


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
            self._inside = ""


@pytest.mark.parametrize("report", [sample(), hostile()], ids=["plain", "hostile"])
def test_a_page_fetches_nothing_and_runs_only_its_own(report: Report) -> None:
    page = Page(html(report))

    assert len(page.scripts) == 3
    assert not {"img", "link", "iframe", "a", "object"} & {tag for tag, _ in page.tags}
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {"src", "href"} & names
    assert not [name for name in names if name.startswith("on")]
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "content" in a and "default-src" in str(a))
    assert "default-src 'none'" in str(policy)
    assert str(policy).count("sha256-") == 2


def test_the_page_carries_its_data() -> None:
    report = sample()

    data = json.loads(Page(html(report)).scripts[0])

    assert tuple(data["grid_s"]) == report.grid_s
    assert [chart["id"] for chart in data["charts"]] == [
        "chart-demand",
        "chart-replicas",
        "chart-attainment",
        "chart-queue",
    ]
    assert data["charts"][0]["series"][2]["values"][0] is None
    assert data["marks"][0] == {"at_s": 30.0, "label": "policy generation 2"}


@pytest.mark.parametrize(
    "report", [empty(), without_variants(), hostile(), sample()], ids=["empty", "nobody", "hostile", "plain"]
)
def test_every_report_can_be_written_in_every_format(report: Report, tmp_path: Path) -> None:
    paths = write(report, tmp_path / "deep" / "er")

    assert [path.name for path in paths] == ["report.html", "report.md", "report.json"]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(path.name for path in paths)
    assert json.loads(paths[2].read_text())["title"] == report.title


def test_what_is_no_number_is_null_everywhere() -> None:
    odd = dataclasses.replace(sample(), queued=tuple(float("nan") for _ in sample().grid_s))

    found: Any = json.loads(as_json(odd))

    assert set(found["queued"]) == {None}
    assert "NaN" not in Page(html(odd)).scripts[0]


def test_markdown_cannot_be_taken_over() -> None:
    text = markdown(hostile())

    assert not re.search(r"(?<!\\)[<\[`]", text)
    assert [line for line in text.splitlines() if line.startswith("# ")] == [text.splitlines()[0]]


def test_markdown_tells_the_same() -> None:
    text = markdown(sample())

    assert "- **within the SLO**: 96.4 % (goal 95 %: TTFT 2 s, TPOT 100 ms)" in text
    assert "| 8.0 s | chat-l40s | 1 → 2 | DemandUp |" in text
    assert "    BHCBHCBHCCCCCCCCCCCCCC" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.count(" | ") >= 3 for line in rows)


def test_the_sentence_over_the_first_chart_is_counted_not_claimed() -> None:
    report = dataclasses.replace(sample(), grid_s=(0.0, 1.0, 2.0, 3.0), demand_per_s=(None, 1.0, 99.0, 1.0))
    short = tuple(
        dataclasses.replace(one, desired=one.desired[:4], ready=one.ready[:4], each_per_s=one.each_per_s[:4])
        for one in report.variants
    )

    said = figures(dataclasses.replace(report, variants=short, attainment_ratio=(None,) * 4, queued=(None,) * 4))[0].say

    assert "during 66.7 % of the run" in said
    assert "the longest shortfall lasted 1.0 s" in said


def test_places_are_means() -> None:
    before, after = workloads(sample().orders)[0].places, workloads(sample().orders)[2].places

    assert before == (pytest.approx(14.1, abs=0.1), pytest.approx(25.5))
    assert after == (pytest.approx(34.9, abs=0.1), pytest.approx(23.5))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("chat", "checkout", "batch"), "CHB"),
        (("a", "a-b", "a-b-c"), "ABC"),
        (("123", "é"), "AB"),
    ],
)
def test_letters_tell_names_apart(names: tuple[str, ...], expected: str) -> None:
    assert "".join(letters(names).values()) == expected


def test_more_names_than_letters_share_one() -> None:
    assert set(list(letters(tuple(f"w{n}" for n in range(30))).values())[26:]) == {"?"}
