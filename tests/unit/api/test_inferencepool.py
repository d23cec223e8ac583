"""InferencePool v1: selector, all target ports, and the picker."""

from typing import Any

import pytest

from penstock.api.inferencepool import Picker, Pool, parse_pool
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey

SPEC = {
    "selector": {"matchLabels": {"app": "vllm"}},
    "targetPorts": [{"number": 8000}, {"number": 8001}, {"number": 8000}],
    "endpointPickerRef": {"name": "penstock-router", "port": {"number": 9002}, "failureMode": "FailOpen"},
}


def pool(**fields: Any) -> Pool:
    spec = {key: value for key, value in (SPEC | fields).items() if value is not None}
    return parse_pool({"metadata": {"name": "chat", "namespace": "llm", "uid": "u"}, "spec": spec})


def test_pool() -> None:
    assert pool() == Pool(
        key=ObjectKey("llm", "chat"),
        uid="u",
        match_labels={"app": "vllm"},
        target_ports=(8000, 8001),
        picker=Picker(group="", kind="Service", name="penstock-router", port=9002, fail_open=True),
    )


def test_picker_defaults() -> None:
    read = pool(endpointPickerRef={"name": "epp"})

    assert read.picker == Picker(group="", kind="Service", name="epp", port=9002, fail_open=False)


def test_pool_without_picker() -> None:
    assert pool(endpointPickerRef=None).picker is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"selector": None}, "spec.selector=None: this field is required", id="no selector"),
        pytest.param(
            {"selector": {"matchLabels": {}}}, "spec.selector.matchLabels={}: write at least 1 entry", id="no label"
        ),
        pytest.param({"targetPorts": []}, "spec.targetPorts=[]: write at least 1 entry", id="no port"),
        pytest.param(
            {"targetPorts": [{"number": 0}]},
            "spec.targetPorts[0].number=0: write a number of at least 1",
            id="port 0",
        ),
    ],
)
def test_bad_pool(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidField) as caught:
        pool(**fields)

    assert str(caught.value) == message
