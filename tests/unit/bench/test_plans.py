"""The page on the comparison tells how much is tried: as much as plans and grids make of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.bench.made import played
from tests.unit.bench.test_runner import Heard
from tests.unit.docs.tables import DOCS

from penstock.bench.campaign import Findings, campaign
from penstock.bench.plans import full
from penstock.bench.runner import Runner

MIX, RAMP = "W7", "W6"  # a workload of two variants, as all but one are; and that one


def tried(workload: str, folder: Path) -> tuple[Findings, int]:
    """Return what a full comparison finds on slices of a workload where nothing is simulated, and its runs."""
    heard = Heard()
    runner = Runner(folder / "runs.jsonl", None, heard, workers=1)
    runner.play = played
    (found,) = campaign(replace(full(), workloads=(workload,), quick=True), runner, None)
    return found, len(heard.finished_jobs)


@pytest.mark.parametrize("said", [
    "there are {pairs} pairs of rival and shape with {points} points in all "
    "({ramp}, which has one variant: {ramp_pairs} and {ramp_points})",
    "run tries {tried} of them ({ramp}: {ramp_tried})",
    "in {rounds} rounds {steps} points each",
    "some {runs:,} runs",
])  # fmt: skip
@pytest.mark.unmeasured
def test_the_page_tells_how_much_a_full_comparison_tries(said: str, counted: dict[str, object]) -> None:
    page = " ".join((DOCS / "comparison.md").read_text().split())

    assert said.format(**counted) in page


@pytest.fixture(name="counted", scope="module")
def _counted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    mix, runs = tried(MIX, tmp_path_factory.mktemp("mix"))
    ramp, ramp_runs = tried(RAMP, tmp_path_factory.mktemp("ramp"))
    words = {5: "five", 12: "twelve"}
    return {
        "pairs": len(mix.tracks),
        "points": sum(len(one.points) for one in mix.tracks),
        "tried": len(mix.swept),
        "ramp": RAMP,
        "ramp_pairs": len(ramp.tracks),
        "ramp_points": sum(len(one.points) for one in ramp.tracks),
        "ramp_tried": len(ramp.swept),
        "rounds": words[full().rounds],
        "steps": words[full().steps],
        "runs": round((len(full().workloads) - 1) * runs + ramp_runs, -2),
    }
