"""`penstock explain va/NAME` from end to end: through a real API server to the records that an operator keeps."""

import contextlib
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.accounts import kubeconfig_of
from tests.addresses import own_address
from tests.integration.controller.cluster import busy
from tests.integration.explain.conftest import Desk
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

from penstock.cli.faults import FINE, REFUSED, UNREACHABLE, USAGE
from penstock.controller.process import Operator


@contextlib.asynccontextmanager
async def decided(desk: Desk, prometheus: PrometheusServer) -> AsyncIterator[Operator]:
    """Run an operator until it has asked for more of a full variant."""
    cluster = desk.cluster
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    cluster.variant(maxReplicas=4)
    async with cluster.operating(prometheusURL=prometheus.url, address=own_address()) as operator:
        desk.operator(operator.ports[0])
        await eventually(lambda: "decision" in cluster.status(), "a decision")
        yield operator


async def test_the_last_change_is_told_from_its_record(desk: Desk, prometheus: PrometheusServer) -> None:
    async with decided(desk, prometheus) as operator:
        desk.cluster.variant(minReplicas=4, maxReplicas=4)
        found = await eventually(
            lambda: (it := desk.cluster.status()["decision"])["reason"] == "Bound" and it, "another decision"
        )
        folder = operator.recorder.ring.directory
        kept = len(list(folder.iterdir()))
        await eventually(lambda: len(list(folder.iterdir())) > kept + 3, "more passes, which change nothing")

        code, told = await desk.asks("va/chat")

    assert code == FINE
    assert told.startswith(f"chat  2 -> 4 at {found['time'][11:19]} (Bound, record {found['id']})\n")


async def test_an_edit_since_the_last_change_and_what_is_amiss_are_told(
    desk: Desk, prometheus: PrometheusServer
) -> None:
    async with decided(desk, prometheus):
        desk.cluster.variant(minReplicas=4, maxReplicas=4)
        await eventually(lambda: desk.cluster.status()["decision"]["reason"] == "Bound", "a number that stays")
        desk.cluster.variant(minReplicas=4, maxReplicas=4, modelID="another")
        await eventually(lambda: desk.cluster.reason("Ready") == "ModelNameMismatch", "a fault")

        code, told = await desk.asks("va/chat")

    assert code == FINE
    assert "since     the object was edited: this rests on generation 2, now it is at 3, which left" in told
    assert 'amiss     ModelNameMismatch: The pods report model_name="' in told


async def test_an_operator_that_was_started_since_tells_what_it_knows(desk: Desk, prometheus: PrometheusServer) -> None:
    """Its records go with its pod, and a number that is steady may be older than that."""
    async with decided(desk, prometheus):
        desk.cluster.variant(minReplicas=4, maxReplicas=4)
        changed = await eventually(
            lambda: (it := desk.cluster.status()["decision"])["reason"] == "Bound" and it, "a number that stays"
        )
        await eventually(
            lambda: time.time() > datetime.fromisoformat(changed["time"]).timestamp() + 2, "a later moment"
        )
    desk.no_operator()
    async with desk.cluster.operating(prometheusURL=prometheus.url, address=own_address()) as operator:
        desk.operator(operator.ports[0])
        folder = operator.recorder.ring.directory
        await eventually(lambda: folder.exists() and any(one.suffix == ".gz" for one in folder.iterdir()), "a record")

        code, told = await desk.asks("va/chat")

    assert desk.cluster.status()["decision"]["time"] == changed["time"]
    assert code == FINE
    assert told.startswith("chat  ")


async def test_what_nobody_knows_comes_with_what_to_do(desk: Desk, prometheus: PrometheusServer) -> None:
    async with decided(desk, prometheus):
        desk.cluster.variant("later", scaleTargetRef={"kind": "Deployment", "name": "elsewhere"})
        missing = await desk.asks("va/chta")
        before = await desk.asks("va/chat", "--at", "2020-01-01T00:00:00Z")
        unknown = await desk.asks("va/ghost", "--at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        await eventually(lambda: desk.cluster.reason("Ready", "later"), "a status without a decision")
        undecided = await desk.asks("va/later")

    work = desk.cluster.work
    fix = "did you mean chat? Else give its namespace by -n; `kubectl get va -A` lists them"
    assert missing == (
        USAGE,
        f"error: there is no VariantAutoscaling {work}/chta\n  at:  namespace {work}\n  fix: {fix}\n",
    )
    assert before[0] == undecided[0] == unknown[0] == REFUSED
    assert "keeps no record of 2020-01-01T00:00:00Z or before\n  fix: ask for a later time by --at" in before[1]
    assert f"knew no variant {work}/ghost\n  fix: ask for a time at which" in unknown[1]
    assert f"fix: see what is missing: penstock doctor va/later -n {work}" in undecided[1]


async def test_an_operator_that_does_not_answer_is_told_from_one_that_has_nothing(
    desk: Desk, prometheus: PrometheusServer, unused_tcp_port: int
) -> None:
    async with decided(desk, prometheus):
        desk.operator(unused_tcp_port, name="penstock-operator-2")
        with_another = await desk.asks("va/chat")
    alone = await desk.asks("va/chat")
    desk.no_operator()
    desk.no_operator("penstock-operator-2")
    gone = await desk.asks("va/chat")

    assert with_another[0] == FINE
    assert alone[0] == gone[0] == UNREACHABLE
    assert "connection refused" in alone[1]
    assert (
        f"fix: see why it does not answer: kubectl -n {desk.cluster.home} describe pod penstock-operator-1" in alone[1]
    )
    assert f"at:  operator in {desk.cluster.home}\n  fix: name its namespace by --operator-namespace" in gone[1]


async def test_who_may_not_ask_is_told_which_right_is_missing(
    desk: Desk, prometheus: PrometheusServer, kube_api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with decided(desk, prometheus):
        rules = [
            {"apiGroups": ["llmd.ai"], "resources": ["variantautoscalings"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        ]
        config = kubeconfig_of(kube_api, tmp_path, desk.cluster.home, rules)
        monkeypatch.setenv("KUBECONFIG", str(config))

        code, told = await desk.asks("va/chat")

    assert code == UNREACHABLE
    assert told.endswith(f"fix: grant get on pods/proxy in {desk.cluster.home}\n")
