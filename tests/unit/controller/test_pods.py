"""Pods reduced to facts, and found again by selector."""

from typing import Any

import pytest
from tests.unit.controller.bodies import pod, router_labels

from penstock.controller.pods import PodFacts, PodIndex, PodState, pod_facts
from penstock.controller.selectors import parse_selector

UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def facts(body: dict[str, Any]) -> PodFacts:
    found = pod_facts(body)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param(pod("a"), PodState.READY, id="ready"),
        pytest.param(pod("a", ready=False), PodState.STARTING, id="not ready yet"),
        pytest.param({"metadata": pod("a")["metadata"]}, PodState.STARTING, id="just created"),
        pytest.param(pod("a") | {"status": {"conditions": [UNSCHEDULABLE]}}, PodState.STUCK, id="no node fits"),
        pytest.param(pod("a", deletionTimestamp="2026-11-20T09:14:30Z"), PodState.DRAINING, id="being deleted"),
        pytest.param(pod("a", annotations={"penstock.dev/draining": "true"}), PodState.DRAINING, id="told to drain"),
    ],
)
def test_state(body: dict[str, Any], state: PodState) -> None:
    assert facts(body).state is state


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pod_that_has_ended_is_not_kept(phase: str) -> None:
    assert pod_facts(pod("a") | {"status": {"phase": phase}}) is None


def test_router_is_known_by_its_labels_and_its_admin_port_by_name() -> None:
    body = pod("r", labels=router_labels())
    body["spec"]["containers"].append({"ports": [{"containerPort": 1}, {"name": "admin", "containerPort": 19004}]})

    assert facts(body).is_router
    assert facts(body).admin_port == 19004
    assert not facts(pod("a")).is_router
    assert facts(pod("a")).admin_port == 9004


def test_selection_stays_in_its_namespace() -> None:
    here, there = facts(pod("a")), facts(pod("b", namespace="other"))
    index = PodIndex([here, there, facts(pod("c", labels={"app": "other"}))])

    assert index.select("llm", parse_selector("app=chat")) == (here,)
    assert index.select("llm", parse_selector("app in (chat)")) == (here,)
    assert index.select("nowhere", parse_selector("app=chat")) == ()
    assert index.select("nowhere", parse_selector("app")) == ()
