"""What a report says of where its traffic comes from, in every format; and how far a comparison has come."""

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.bench.made import findings, job, outcome, row

from penstock.bench.targets import targets
from penstock.bench.verdicts import verdict
from penstock.report.studyfiles import write
from penstock.wiring.bench import Bar
from penstock.wiring.benchreport import study

LAW, CREDIT = "Gamma arrivals of CV 1.5, 16 a second", "somebody's recording, CC-BY-4.0"


@pytest.fixture(name="texts")
def _texts(tmp_path: Path) -> dict[str, str]:
    """Return the report of a workload that was won and one that was lost, by the ending of its files."""
    won, lost = findings(row("B8", 0.999, 12.5), workload="W1"), findings(row("B8", 0.999, 8.0), workload="W2")
    won = dataclasses.replace(won, subject=dataclasses.replace(won.subject, law=LAW, credit=CREDIT))
    known = [won, lost]
    told = study([verdict(one) for one in known], targets(known), quick=False)
    return {file.suffix: file.read_text() for file in write(told, tmp_path)}


@pytest.mark.parametrize("suffix", [".html", ".md", ".json"])
def test_law_and_owner_of_the_traffic_are_named(suffix: str, texts: dict[str, str]) -> None:
    text = texts[suffix].replace("\\", "").replace("&#x27;", "'")

    assert LAW in text
    assert CREDIT in text


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_the_seeds_are_named(suffix: str, texts: dict[str, str]) -> None:
    assert "3 seeds (from 0 on)" in texts[suffix]


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_losses_stand_before_wins(suffix: str, texts: dict[str, str]) -> None:
    first, last = (texts[suffix].index(title) for title in ("Lost, even", "Won\n" if suffix == ".md" else ">Won<"))

    assert first < last
    assert texts[suffix].index("W2", first) < last


def test_the_bar_tells_stage_rest_and_speed() -> None:
    screen = io.StringIO()
    bar = Bar(Console(file=screen, force_terminal=True, width=120, no_color=True))

    with bar:
        bar.planned("rivals as they come", 3, later=5)
        bar._progress.refresh()
        for seed in range(3):
            bar.finished(outcome(job(seed=seed)))
        bar.planned("the best on all seeds", 4, later=0)
        bar._progress.refresh()

    told = screen.getvalue()
    assert "0/8" in told
    assert "the best on all seeds" in told
    assert "3/7" in told, "less is left than was thought"
    assert (bar.runs, bar.requests) == (3, 300)
    assert bar.per_s > 0
