"""The pages say what the code does: tables are those of the code, reasons are complete, links lead somewhere."""

import re
from pathlib import Path

import pytest
from tests.unit.docs.tables import DOCS, REASONS, TABLES, pages, refreshed

from penstock.domain.reasons import DecisionReason
from penstock.peers.all import RIVALS
from penstock.sim.traces import AZURE_CONV
from penstock.sim.traffics import AZURE_CODE, MOONCAKE

ROOT = DOCS.parent
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_tables_are_those_of_the_code(page: Path) -> None:
    assert page.read_text() == refreshed(page), "run: python -m tests.unit.docs.tables"


def test_every_table_stands_on_a_page() -> None:
    shown = [name for page in pages() for name in re.findall(r"<!-- table: ([a-z-]+) -->", page.read_text())]

    assert sorted(shown) == sorted(TABLES)


@pytest.mark.parametrize("name", REASONS)
def test_every_reason_has_one_row_and_something_to_do(name: str) -> None:
    text = (DOCS / name).read_text()

    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", text.partition("## Every reason")[2], re.MULTILINE)

    assert sorted(row[0] for row in rows) == sorted(reason.value for kind in REASONS[name] for reason in kind)


def test_every_decision_reason_is_named() -> None:
    text = (DOCS / "variants.md").read_text()

    assert {reason.value for reason in DecisionReason if f"`{reason.value}`" not in text} == set()


@pytest.mark.parametrize("page", [*pages(), ROOT / "README.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text()):
        target = (page.parent / path) if path else page
        assert target.exists(), path
        if anchor:
            heads = re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-") for head in heads}, anchor


@pytest.mark.parametrize("page", [*pages(), ROOT / "README.md"], ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(
        r"(?<![\w/])(?:examples|manifests|charts|scripts|crds|dashboards|docs)/[\w./-]*\w", page.read_text()
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_page_on_tests_tells_what_ci_runs() -> None:
    [told] = re.findall(r"^CI runs `\.ci/run`: (.+)$", (DOCS / "testing.md").read_text(), re.MULTILINE)

    ran = re.findall(r"^make \w+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)

    assert "make bench" in ran
    assert re.findall(r"`([^`]+)`", told) == ran


def test_every_knob_of_a_rival_is_explained() -> None:
    glossary = (DOCS / "comparison.md").read_text().partition("| knob | what it sets |")[2].partition("\n\n")[0]

    told = [
        knob for row in re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE) for knob in re.findall(r"`(\w+)`", row)
    ]

    assert sorted(told) == sorted({knob for one in RIVALS for knob in one.defaults})


def test_recordings_are_named_as_they_are_looked_for() -> None:
    text = (DOCS / "comparison.md").read_text()

    assert [name for name in (AZURE_CONV, AZURE_CODE, MOONCAKE) if f"`{name}`" not in text] == []


def test_the_readme_leads_to_every_page() -> None:
    linked = {path for path, _ in LINK.findall((ROOT / "README.md").read_text())}

    assert [page.name for page in pages() if f"docs/{page.name}" not in linked] == []
