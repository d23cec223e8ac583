"""`penstock simulate`: what a file says is played, and what it cannot say is refused with its field."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.app import run
from penstock.sim.scenefile import EXAMPLE, scenario

SCENE = """
length: 5m
slo: {ttft: 2s, tpot: 100ms, attainment: 99%}
variants: [{name: h100, gpu: h100, max: 4, initial: 2, startup: {median: 30s}}]
traffic: {synthetic: 4}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "scene.yaml"
    path.write_text(SCENE)
    return path


def played(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(["simulate", "-o", "json", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_scene_is_played_by_our_own_decisions(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = played(capsys, "-f", str(file))

    assert (found["policy"], found["seed"], found["length_s"]) == ("penstock", 1, 300.0)
    assert found["slo"] == {"attainment": 1.0, "wanted": 0.99, "ttft_s": 2.0, "tpot_s": 0.1}
    assert found["replicas"]["h100"]["timeline"][0] == {"at_s": 0.0, "wanted": 2, "provisioned": 2, "ready": 2}
    assert found["cost"]["usd_per_h"] == pytest.approx(7.52 * found["replicas"]["h100"]["mean"])
    assert found["latency_s"]["ttft"]["p50"] > 0.0
    assert found["requests"] == {"killed": 0, "lost": 0, "unfinished": 0}


@pytest.mark.unmeasured
def test_the_same_seed_tells_the_same_and_another_one_something_else(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again, other = (played(capsys, "-f", str(file), "--seed", seed) for seed in ("1", "1", "2"))

    assert first == again
    assert first["latency_s"] != other["latency_s"]


def test_people_read_lines_with_reasons(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(SCENE.replace("initial: 2", "initial: 1").replace("synthetic: 4", "synthetic: 60"))

    assert run(["simulate", "-f", str(file)]) == 0

    text = capsys.readouterr().out
    assert "policy penstock, seed 1" in text
    assert "wanted 99% within TTFT 2s and TPOT 100ms" in text
    assert "h100 → 2" in text


def test_a_rival_decides_by_its_number_and_knobs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"{SCENE}policy: B8\nknobs: {{target: 2}}\nfaults: [{{kind: crash, from: 1m, variant: h100}}]\n")

    found = played(capsys, "-f", str(file))

    assert (found["policy"], found["changes"]) == ("B8", [])
    assert found["replicas"]["h100"]["most"] == 4


def test_a_recording_beside_the_file_is_played_faster(tmp_path: Path, file: Path) -> None:
    with gzip.open(tmp_path / "mine.csv.gz", "wt") as trace:
        rows = [f"2026-01-01 00:{minute:02d}:00,100,10" for minute in range(40)]
        trace.write("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows]))
    file.write_text(SCENE.replace("synthetic: 4", "trace: mine.csv.gz, start: 5m, speed: 2"))

    asked = scenario(file, 1, None)

    assert [arrival.at_s for arrival in asked.arrivals] == [30.0 * number for number in range(10)]
    assert asked.credit == "mine.csv.gz"


def test_without_a_file_there_is_a_scene_to_begin_with() -> None:
    asked = scenario(EXAMPLE, 1, None)

    assert [fault.kind for fault in asked.scene.faults] == ["metrics-gone", "crash"]
    assert len(asked.arrivals) > 10_000


def test_a_workload_brings_its_own_fleet_and_may_have_faults_of_ours(file: Path) -> None:
    file.write_text("traffic: {workload: W6}\nfaults: [{kind: metrics-gone, from: 1m, until: 2m}]\n")

    asked = scenario(file, 1, None)

    assert [spec.max_replicas for spec in asked.scene.variants] == [8]
    assert [fault.from_s for fault in asked.scene.faults] == [60.0]


def test_settings_beside_a_workload_stand_and_the_others_stay_its_own(file: Path) -> None:
    text = (
        "traffic: {workload: W5}\nmodel: mine\nslo: {tpot: 50ms}\nquotas: {h100: 3}\nrouter: false\nidleBeforeZero: 5m"
    )
    file.write_text(text)

    scene = scenario(file, 1, None).scene

    assert (scene.model, scene.router, scene.idle_before_zero_s) == ("mine", False, 300.0)
    assert (scene.slo.ttft_s, scene.slo.tpot_s, scene.slo.attainment_ratio) == (30.0, 0.05, 0.995)
    assert dict(scene.quotas) == {"H100": 3}


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("[]", "-f", id="no mapping"),
        pytest.param("a: [", "-f", id="no YAML"),
        pytest.param("length: 5m", "traffic", id="no traffic"),
        pytest.param("traffic: {}", "traffic", id="no kind of traffic"),
        pytest.param("traffic: {synthetic: 4, workload: W1}", "traffic", id="two kinds of traffic"),
        pytest.param("traffic: {workload: W99}", "W99", id="no such workload"),
        pytest.param("traffic: {workload: W7}\nlength: 5m", "length", id="another length than the workload's"),
        pytest.param(
            SCENE.replace("length: 5m", "").replace("synthetic: 4", "workload: W7"), "variants", id="another fleet"
        ),
        pytest.param(SCENE.replace("synthetic: 4", "synthetic: 4, start: 1m"), "start", id="enters what has no start"),
        pytest.param("traffic: {workload: W7, speed: 2}", "speed", id="plays a workload faster"),
        pytest.param("traffic: {synthetic: 4}\nlength: 5m", "variants", id="no variants"),
        pytest.param(SCENE.replace("length: 5m", ""), "length", id="no length"),
        pytest.param(SCENE.replace("h100, max", "b99, max"), "variants[0]", id="no such GPU"),
        pytest.param(SCENE.replace("max: 4", "max: 0"), "variants[0].max", id="no replicas"),
        pytest.param(SCENE.replace("synthetic: 4", "trace: none.csv"), "trace", id="no such trace"),
        pytest.param(SCENE + "faults: [{kind: crash, from: 1m}]", "faults[0].variant", id="nobody crashes"),
        pytest.param(SCENE + "faults: [{kind: rain, from: 1m}]", "faults[0].kind", id="no such fault"),
        pytest.param(SCENE + "policy: B99", "B99", id="no such rival"),
        pytest.param(SCENE + "polcy: B8", "polcy", id="no such field"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_field(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, field: str
) -> None:
    file.write_text(text)

    assert run(["simulate", "-f", str(file)]) == 2

    assert field in capsys.readouterr().err
