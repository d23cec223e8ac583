"""What `penstock advise --demo` plays: it answers whatever is asked today, and that leads near what really happened."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from penstock.advise.assemble import owners, pasts
from penstock.advise.judge import NotJudged, Plan, plan
from penstock.advise.past import ModelPast
from penstock.advise.wish import Wish
from penstock.telemetry.pastqueries import Ask, PastQuery, engines, replicas
from penstock.telemetry.recording import Recording
from penstock.wiring.advise import RECORDING, Past, replayed

TRUTH: Mapping[str, Mapping[str, float]] = json.loads(Path(__file__).with_name("recorded.json").read_text())
AGAIN = "record it again: python -m tests.integration.advise.record"
WISH = Wish()
LLAMA, QWEN, MISTRAL = TRUTH

pytestmark = pytest.mark.unmeasured


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording.unpack(RECORDING.read_bytes())


@pytest.fixture(scope="module")
def past(recording: Recording) -> Past:
    return replayed(recording, Progress(disable=True))


@pytest.fixture(scope="module")
def models(past: Past) -> dict[str, ModelPast]:
    return {one.model: one for one in pasts(past.answers, past.grid, WISH.slo)}


def test_whatever_is_asked_today_was_recorded(recording: Recording, past: Past) -> None:
    asked: list[PastQuery] = [*engines(), *replicas(owners(past.answers, past.grid))]

    assert {(one.query, one.step_s) for one in recording.kept} == {(one.promql, one.step_s) for one in asked}, AGAIN
    assert past.notes == (recording.told,), AGAIN


@pytest.mark.parametrize("ask", Ask)
def test_every_answer_tells_something(ask: Ask, past: Past) -> None:
    assert past.answers[ask], AGAIN


def test_it_is_small_and_says_what_it_is(recording: Recording) -> None:
    assert len(RECORDING.read_bytes()) < 500_000
    assert "real Prometheus" in recording.told
    assert "simulated fleet" in recording.told


@pytest.mark.parametrize("model", [LLAMA, QWEN])
def test_what_is_read_out_of_it_is_near_what_happened(model: str, models: Mapping[str, ModelPast]) -> None:
    found, really = models[model], TRUTH[model]
    known = [(one.met_ratio, one.requests) for one in found.hours if one.met_ratio is not None]
    met = sum(share * requests for share, requests in known) / sum(requests for _, requests in known)
    (variant,) = found.variants

    assert found.requests == pytest.approx(really["requests"], rel=0.015)
    assert met == pytest.approx(really["met"], abs=0.015)
    assert (variant.told, variant.owner.kind) == (True, "Deployment")
    assert found.unscraped_ratio == pytest.approx(25 / (3 * 1440), abs=0.001)


@pytest.mark.parametrize(
    ("model", "gpu", "count", "slower"),
    [(LLAMA, "NVIDIA-L40S", 1, 1.08), (QWEN, "NVIDIA H100 80GB HBM3", 2, 1.05)],
    ids=["by the label of a node", "by the exporter of the GPUs"],
)
def test_the_engines_are_found_out(
    model: str, gpu: str, count: int, slower: float, models: Mapping[str, ModelPast]
) -> None:
    found: Any = plan(models[model], WISH)

    assert isinstance(found, Plan)
    (variant,) = found.variants
    assert (variant.spec.accelerator, variant.spec.accelerators_per_replica) == (gpu, count)
    assert variant.fitted.decode == pytest.approx(slower, abs=0.05)
    assert variant.fitted.prompt == pytest.approx(slower, abs=0.1)
    assert variant.spec.startup.median_s == pytest.approx(170, abs=60)


def test_the_one_that_was_hardly_scraped_is_refused(models: Mapping[str, ModelPast]) -> None:
    assert plan(models[MISTRAL], WISH) == NotJudged(
        name=f"llm/{MISTRAL}", why="0.5 days seen, an answer takes 1 at least"
    )
