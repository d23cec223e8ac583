"""Where endpoints come from, target ports, and the flags of the Go pickers."""

from pathlib import Path

import pytest

from penstock.domain.errors import InvalidField
from penstock.settings import router
from penstock.settings.gopicker import without_go_flags


def pool(name: str, namespace: str) -> router.FromPool:
    return router.FromPool(name=name, namespace=namespace, group="g")


NO_POOL = ("", "llm", "inference.networking.k8s.io")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        pytest.param({"pool": ("chat", "llm", "g")}, pool("chat", "llm"), id="pool"),
        pytest.param({"pool": ("chat", "", "g")}, pool("chat", "default"), id="no ns"),
        pytest.param({"selector": "app=vllm", "ports": "8000,8001, 8000"},
                     router.FromSelector(selector="app=vllm", namespace="llm", ports=(8000, 8001)), id="selector"),
        pytest.param({"file": "e.yaml"}, router.FromFile(path=Path("e.yaml")), id="file"),
    ],
)  # fmt: skip
def test_one_origin_of_endpoints(named: dict, expected: router.EndpointOrigin) -> None:
    given = {"pool": NO_POOL, "selector": "", "ports": "", "file": ""} | named

    assert router.endpoint_origin(**given) == expected


@pytest.mark.parametrize(
    ("named", "field"),
    [
        pytest.param({}, "endpoints", id="none"),
        pytest.param({"file": "e.yaml", "selector": "app=vllm", "ports": "80"}, "endpoints", id="two"),
        pytest.param({"selector": "app=vllm"}, "--endpoint-target-ports", id="selector without ports"),
        pytest.param({"selector": "app=vllm", "ports": "80,x"}, "--endpoint-target-ports", id="no number"),
        pytest.param({"selector": "app=vllm", "ports": "70000"}, "--endpoint-target-ports", id="no port"),
        pytest.param({"selector": "a=b", "ports": "1,2,3,4,5,6,7,8,9"}, "--endpoint-target-ports", id="nine"),
    ],
)
def test_no_or_several_or_bad_origins_are_refused(named: dict, field: str) -> None:
    given = {"pool": NO_POOL, "selector": "", "ports": "", "file": ""} | named

    with pytest.raises(InvalidField) as caught:
        router.endpoint_origin(**given)

    assert caught.value.field == field


@pytest.mark.parametrize("text", ["0", "0Mi"])
def test_a_body_limit_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidField):
        router.max_body_bytes(text)


@pytest.mark.parametrize(
    ("line", "ours", "theirs"),
    [
        pytest.param("--pool-name chat", ["--pool-name", "chat"], [], id="ours alone"),
        pytest.param("--tracing=false --pool-name chat", ["--pool-name", "chat"], ["--tracing=false"], id="switch"),
        pytest.param("--zap-encoder json --grpc-port 1", ["--grpc-port", "1"], ["--zap-encoder json"], id="text"),
        pytest.param("-v 4 --grpc-port=1", ["--grpc-port=1"], ["-v 4"], id="verbosity"),
        pytest.param("-v=4 --v=5 -v3", [], ["-v=4", "--v=5", "-v3"], id="verbosity, glued"),
        pytest.param("--refresh-metrics-interval", [], ["--refresh-metrics-interval"], id="value missing at the end"),
        pytest.param("--nonsense 3", ["--nonsense", "3"], [], id="unknown to both stays and will be refused"),
    ],
)  # fmt: skip
def test_flags_of_the_go_pickers_are_set_aside(line: str, ours: list[str], theirs: list[str]) -> None:
    assert without_go_flags(line.split()) == (ours, theirs)
