"""`penstock advise` against a real Prometheus that holds a day of history, and against the recorded one."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.progress import Progress
from tests.integration.advise import record
from tests.integration.advise.fleet import START_S
from tests.prometheus import PrometheusServer, Series

from penstock.advise.tracks import Grid
from penstock.advise.wish import Wish
from penstock.cli.app import run as penstock
from penstock.cli.faults import REFUSED
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.history import History
from penstock.telemetry.pastqueries import Ask
from penstock.telemetry.recording import Recording
from penstock.wiring import advise

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
STEP_S = 60.0
HISTORY_S = 26 * 3600.0
PER_S = 0.2  # of each of two pods
PIECE = 120  # steps that are written at once


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus of its own: samples a day old are too late for one that has today's."""
    server = PrometheusServer(
        tmp_path_factory.mktemp("watched"), config={"storage": {"tsdb": {"out_of_order_time_window": "3d"}}}
    )
    try:
        server.open()
        _remember(server)
        yield server
    finally:
        server.close()


def _remember(server: PrometheusServer) -> None:
    end_s = time.time() // STEP_S * STEP_S
    times = [end_s - HISTORY_S + step * STEP_S for step in range(int(HISTORY_S / STEP_S) + 1)]
    for first in range(0, len(times), PIECE):
        piece = times[first : first + PIECE]
        server.write([one for pod in ("b", "c") for one in _engine(pod, piece, times[0])])


def _engine(pod: str, times: list[float], begin_s: float) -> Iterator[Series]:
    place = {"namespace": "llm", "pod": f"chat-7c9d5f8b6d-x2k4{pod}", "instance": f"10.0.0.{ord(pod)}:8000"}
    labels = {**place, "model_name": MODEL}
    served = [PER_S * (at_s - begin_s) for at_s in times]

    def grown(name: str, each: float, more: Mapping[str, str] | None = None) -> Series:
        values = [(at_s, count * each) for at_s, count in zip(times, served, strict=True)]
        return Series(name, {**labels, **(more or {})}, values)

    yield Series("vllm:num_requests_running", labels, [(at_s, 2.0) for at_s in times])
    yield Series("vllm:num_requests_waiting", labels, [(at_s, 0.0) for at_s in times])
    yield grown("vllm:request_success_total", 1.0, {"finished_reason": "stop"})
    for name, mean, bounds in (
        ("vllm:request_prompt_tokens", 500.0, (200.0, 500.0, 1000.0)),
        ("vllm:request_generation_tokens", 200.0, (100.0, 200.0, 500.0)),
        ("vllm:time_to_first_token_seconds", 0.08, (0.1, 1.0, 2.5)),
        ("vllm:request_time_per_output_token_seconds", 0.028, (0.03, 0.1, 0.5)),
    ):
        yield grown(f"{name}_sum", mean)
        yield grown(f"{name}_count", 1.0)
        for share, bound in zip((0.5, 1.0, 1.0, 1.0), (*bounds, math.inf), strict=True):
            yield grown(f"{name}_bucket", share, {"le": "+Inf" if math.isinf(bound) else f"{bound:g}"})
    yield Series("vllm:cache_config_info", {**place, "num_gpu_blocks": "12000", "block_size": "16"}, _ones(times))
    yield Series("kube_pod_info", {"namespace": "llm", "pod": place["pod"], "node": "gpu-1"}, _ones(times))
    yield Series("kube_node_labels", {"node": "gpu-1", "label_nvidia_com_gpu_product": "NVIDIA-L40S"}, _ones(times))
    yield Series("kube_deployment_spec_replicas", {"namespace": "llm", "deployment": "chat"}, _twos(times))
    yield Series("kube_deployment_status_replicas_ready", {"namespace": "llm", "deployment": "chat"}, _twos(times))


def _ones(times: list[float]) -> list[tuple[float, float]]:
    return [(at_s, 1.0) for at_s in times]


def _twos(times: list[float]) -> list[tuple[float, float]]:
    return [(at_s, 2.0) for at_s in times]


def request(url: str, out: Path) -> advise.Request:
    return advise.Request(
        prometheus=PrometheusSettings(url=url),
        days=1.0,
        wish=Wish(most_requests=500.0, block_s=1800.0),
        out=out,
        output="json",
        workers=2,
        no_color=True,
    )


@pytest.mark.usefixtures("unmeasured_children")
def test_a_day_of_history_becomes_advice(
    watched: PrometheusServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advise.run(request(watched.url, tmp_path)) == 0

    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    (model,) = told["models"]
    (variant,) = model["variants"]
    assert (model["namespace"], model["model"]) == ("llm", MODEL)
    assert (variant["name"], variant["kind"], variant["accelerator"]) == ("chat", "Deployment", "NVIDIA-L40S")
    assert variant["engine"]["shape"]["cost"]["kv_tokens"] == 192_000
    assert variant["engine"]["samples"] > 10
    assert model["sure"]["requests"] == pytest.approx(2 * PER_S * 86_400, rel=0.02)
    assert model["sure"]["unscraped_ratio"] == pytest.approx(0.0, abs=0.01)
    assert model["ran"]["usd_per_day"] == pytest.approx(2 * 1.86 * 24, rel=0.02)
    assert model["with_penstock"]["usd_per_day"] == pytest.approx(1.86 * 24, rel=0.1)
    assert model["ran"]["met"] == pytest.approx(1.0, abs=0.001)
    assert model["with_penstock"]["met"] > 0.99
    (applied,) = yaml.safe_load_all((tmp_path / "objects.yaml").read_text())
    assert applied["spec"]["actuation"] == "Recommend"
    assert {one.name for one in tmp_path.iterdir()} == {"advice.html", "advice.md", "advice.json", "objects.yaml"}


def test_labels_that_contradict_each_other_are_done_without(tmp_path: Path) -> None:
    server = PrometheusServer(tmp_path)
    times = [time.time() // STEP_S * STEP_S - 5.0]
    node = {"node": "gpu-1", "label_nvidia_com_gpu_product": "NVIDIA-L40S"}
    try:
        server.open()
        server.write([
            *_engine("b", times, times[0]),
            Series("kube_node_labels", {**node, "label_nvidia_com_gpu_product": "NVIDIA-L4"}, _ones(times)),
        ])  # fmt: skip
        past = advise.recorded(PrometheusSettings(url=server.url), 1.0, Progress(disable=True))
    finally:
        server.close()

    assert len(past.notes) == 1
    assert "refused the query about gpu_of_node" in past.notes[0]
    assert past.answers[Ask.RUNNING]


@pytest.mark.usefixtures("unmeasured_children")
@pytest.mark.unmeasured
def test_the_demo_needs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # without a price for it the other model is not played
    few = Wish(most_requests=1500.0, block_s=900.0, prices={"L40S": 1.86})

    assert advise.run(replace(request("", tmp_path), prometheus=None, output="text", wish=few, workers=1)) == 0

    told = capsys.readouterr().out
    assert "llm/meta-llama/Llama-3.1-8B-Instruct " in told
    assert "llm/mistralai/Mistral-7B-Instruct-v0.3  not judged: 0.5 days seen, an answer takes 1 at least." in told
    assert "llm/Qwen/Qwen3-32B  not judged: price of NVIDIA H100 80GB HBM3 unknown" in told
    assert f"1 object to apply: {tmp_path}/" in told
    assert "Recorded from a real Prometheus" in (tmp_path / "advice.html").read_text()


@pytest.mark.unmeasured
def test_a_recording_answers_as_the_prometheus_did_of_which_it_was_made(tmp_path: Path) -> None:
    length_s, server = 3600.0, PrometheusServer(tmp_path)
    grid = Grid(start_s=START_S, step_s=STEP_S, count=61)
    try:
        server.open()
        record.fill(server, length_s)
        made = record.asked(server.url, length_s)
        live = advise.read(History(PrometheusSettings(url=server.url)), grid, "", Progress(disable=True))
    finally:
        server.close()

    again = advise.replayed(Recording.unpack(made.pack()), Progress(disable=True))

    assert len(made.kept) == len(Ask)
    assert again.grid == grid
    for ask in Ask:
        expected, found = (
            {frozenset(track.labels.items()): dict(track.points) for track in past.answers[ask]}
            for past in (live, again)
        )
        assert found.keys() == expected.keys()
        for labels, points in expected.items():
            assert found[labels] == pytest.approx(points, rel=1e-5)
    assert sum(len(again.answers[ask]) for ask in Ask) > 100


def test_a_cluster_without_engines_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = PrometheusServer(tmp_path)  # its own: in the shared one there are the engines of other tests
    try:
        server.open()
        code = penstock(["advise", "--prometheus", server.url, "--days", "1", "--out", str(tmp_path / "out")])
    finally:
        server.close()

    assert code == REFUSED
    assert "the data do not carry an answer" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
