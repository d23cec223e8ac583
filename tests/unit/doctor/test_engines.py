"""What the engines themselves say: silent, foreign, misnamed."""

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.doctor.patients import MODEL, pod, variant

from penstock.doctor.engines import endpoint, model_name, rename, series
from penstock.doctor.facts import Answer
from penstock.doctor.findings import Finding, Level
from penstock.domain.variants import ObjectKey
from penstock.scaling.join import Joined

GOOD = Answer(pod="chat-1", port=8000, series=40, models=frozenset({MODEL}))
SILENT = Answer(pod="chat-2", port=8000, fault="connection refused")
NOTHING = Joined()


@pytest.mark.parametrize(
    ("facts", "level", "text", "fix"),
    [
        pytest.param({}, Level.OK, "1 of 1 ready pod asked, all answer", "", id="answers"),
        pytest.param(
            {"pods": tuple(pod(f"chat-{n}") for n in range(9))}, Level.OK, "1 of 9 ready pods asked", "", id="a sample"
        ),
        pytest.param(
            {"answers": (GOOD, SILENT)},
            Level.FAIL,
            "1 of 2 pods silent; chat-2:8000/metrics: connection refused",
            "kubectl -n llm logs chat-2",
            id="one silent",
        ),
        pytest.param(
            {"answers": (replace(SILENT, fault="forbidden", denied=True),)},
            Level.MISS,
            "no right to ask pods in llm: forbidden",
            "kubectl auth can-i get pods/proxy -n llm",
            id="no right",
        ),
        pytest.param({"answers": (), "pods": ()}, Level.SKIP, "no pod is ready", "", id="no pod"),
        pytest.param(
            {"answers": (), "pods": (pod(port=None),)},
            Level.FAIL,
            "pod chat-1 names no port",
            "containerPort",
            id="no port",
        ),
    ],
)
def test_endpoint(facts: dict[str, Any], level: Level, text: str, fix: str) -> None:
    found = endpoint(variant(**facts))

    assert found.level is level
    assert text in found.text
    assert fix in found.fix


@pytest.mark.parametrize(
    ("answers", "level", "text"),
    [
        pytest.param((GOOD,), Level.OK, "40 vllm:* lines from chat-1", id="vllm"),
        pytest.param((SILENT,), Level.SKIP, "no pod answered", id="silent"),
        pytest.param(
            (GOOD, replace(GOOD, pod="chat-3", series=0)),
            Level.FAIL,
            "1 of 2 pods without vllm:* series, such as chat-3",
            id="one is no vllm",
        ),
    ],
)
def test_series(answers: tuple[Answer, ...], level: Level, text: str) -> None:
    found = series(variant(answers=answers))

    assert (found.level, found.text) == (level, text)


def names(*models: str) -> tuple[Answer, ...]:
    return (replace(GOOD, models=frozenset(models)),)


def said(**facts: Any) -> Finding:
    patient = variant(**facts)
    assert patient.variant is not None
    return model_name(patient.variant, patient)


@pytest.mark.parametrize(
    ("facts", "level", "text"),
    [
        pytest.param({}, Level.OK, MODEL, id="same"),
        pytest.param({"answers": names("adapter", MODEL)}, Level.OK, MODEL, id="one of several"),
        pytest.param(
            {"answers": names("Qwen3-32B", "llama")},
            Level.FAIL,
            f'pods report model_name="Qwen3-32B", the object says "{MODEL}"',
            id="nearest of several",
        ),
        pytest.param(
            {"answers": names(), "joined": NOTHING}, Level.FAIL, "the series carry no label model_name", id="no label"
        ),
        pytest.param({"answers": (SILENT,)}, Level.OK, MODEL, id="pods silent, Prometheus knows"),
        pytest.param(
            {"answers": (), "joined": Joined((), ("Qwen3-32B",))},
            Level.FAIL,
            f'pods report model_name="Qwen3-32B", the object says "{MODEL}"',
            id="pods silent, Prometheus knows another",
        ),
        pytest.param({"answers": (SILENT,), "joined": NOTHING}, Level.SKIP, "no vllm:* series seen", id="nobody knows"),
    ],
)
def test_model_name(facts: dict[str, Any], level: Level, text: str) -> None:
    found = said(**facts)

    assert (found.level, found.text) == (level, text)


@pytest.mark.parametrize("model", ["Qwen3-32B", "it's", 'a "b"', "müller/m"])
def test_remedy_is_one_command_that_a_shell_reads_back(model: str) -> None:
    command = rename(ObjectKey("llm", "chat"), model)

    words = shlex.split(command)
    assert words[:8] == ["kubectl", "-n", "llm", "patch", "va", "chat", "--type", "merge"]
    assert json.loads(words[-1]) == {"spec": {"modelID": model}}
