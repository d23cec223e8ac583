"""Label selectors as Kubernetes reads them, and pods reduced to what the checks need."""

from typing import Any

import pytest

from penstock.doctor.facts import pod_sight
from penstock.doctor.selectors import selects

LABELS = {"app": "chat", "tier": "gpu"}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        pytest.param({}, True, id="empty finds all"),
        pytest.param({"matchLabels": {"app": "chat"}}, True, id="pair"),
        pytest.param({"matchLabels": {"app": "chat", "tier": "cpu"}}, False, id="one pair differs"),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "In", "values": ["chat", "x"]}]}, True, id="in"),
        pytest.param(
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["chat"]}]}, False, id="not in"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True, id="absent not in"
        ),
        pytest.param({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True, id="exists"),
        pytest.param({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False, id="does not exist"),
        pytest.param(
            {"matchExpressions": [{"key": "tier", "operator": "Gt", "values": ["1"]}]}, False, id="unknown rule"
        ),
    ],
)
def test_selects(selector: dict[str, Any], found: bool) -> None:
    assert selects(selector, LABELS) is found


def body(ports: list[dict[str, Any]] | None = None, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": "llm"},
        "spec": {"containers": [{"ports": ports or []}]},
        "status": status,
    }


@pytest.mark.parametrize(
    ("ports", "port"),
    [
        pytest.param([], None, id="none"),
        pytest.param([{"containerPort": 8000}], 8000, id="the only one"),
        pytest.param([{"name": "grpc", "containerPort": 1}, {"name": "http", "containerPort": 2}], 2, id="http"),
        pytest.param(
            [{"name": "http", "containerPort": 2}, {"name": "metrics", "containerPort": 3}], 3, id="metrics first"
        ),
        pytest.param([{"name": "grpc", "containerPort": 1}, {"containerPort": 2}], 1, id="the first of others"),
    ],
)
def test_port_of_the_metrics(ports: list[dict[str, Any]], port: int | None) -> None:
    sight = pod_sight(body(ports))

    assert sight is not None
    assert sight.port == port


WAITING = [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]
CREATING = [{"state": {"waiting": {"reason": "ContainerCreating"}}}, {"state": {"running": {}}}]
UNSCHEDULABLE = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        pytest.param({"containerStatuses": WAITING}, "ImagePullBackOff", id="no image"),
        pytest.param({"initContainerStatuses": WAITING}, "ImagePullBackOff", id="no image of a first container"),
        pytest.param({"containerStatuses": CREATING}, "", id="just starting"),
        pytest.param({"conditions": UNSCHEDULABLE}, "no node has room for it", id="no node"),
        pytest.param({}, "", id="nothing known"),
    ],
)
def test_trouble_that_does_not_pass_by_itself(status: dict[str, Any], trouble: str) -> None:
    sight = pod_sight(body(**status))

    assert sight is not None
    assert (sight.trouble, sight.ready) == (trouble, False)


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(body(phase="Succeeded"), id="ended"),
        pytest.param(body(phase="Failed"), id="failed"),
        pytest.param(body() | {"metadata": {"name": "p", "deletionTimestamp": "2027-01-01T00:00:00Z"}}, id="going"),
    ],
)
def test_pods_that_are_no_more(gone: dict[str, Any]) -> None:
    assert pod_sight(gone) is None
