"""What a comparison ends with: a fault fails every extent, any other target only a full one."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.bench.made import findings

from penstock.bench.campaign import Findings
from penstock.bench.jobs import Outcome
from penstock.wiring.bench import Request, _tell


def decided_again(differing: float, unexplained: float = 0.0) -> Findings:
    def edit(one: Outcome) -> Outcome:
        facts = {"passes": 40.0, "passes_differing": differing, "changes_unexplained": unexplained}
        return replace(one, facts=facts)

    return findings(edit=edit)


@pytest.mark.parametrize(
    ("extent", "found", "code", "told"),
    [
        pytest.param("quick", decided_again(0.0), 0, "G9 met", id="a quick one without a fault"),
        pytest.param("quick", decided_again(1.0), 1, "G9 missed by", id="a quick one with a pass that differs"),
        pytest.param("quick", decided_again(0.0, 1.0), 1, "G9 missed by", id="a quick one with a silent change"),
        pytest.param("quick", findings(bound=8.0), 0, "G2 missed by", id="slices say too little of money"),
        pytest.param("full", findings(bound=8.0), 1, "G2 missed by", id="a full one that misses a target"),
        pytest.param("full", decided_again(1.0), 1, "G9 missed by", id="a full one with a pass that differs"),
        pytest.param("full", findings(), 0, "G2 met", id="a full one without WVA: open is not missed"),
    ],
)
def test_the_exit_code_tells_a_fault_and_a_missed_target(
    extent: str, found: Findings, code: int, told: str, tmp_path: Path
) -> None:
    request = Request(
        extent=extent, workload=None, policies=(), seeds=None, workers=1, resume=False, out=tmp_path, no_color=True,
        traces=None,
    )  # fmt: skip
    screen = io.StringIO()

    ended = _tell(Console(file=screen, width=200), (found,), request)

    assert ended == code
    assert told in screen.getvalue()
