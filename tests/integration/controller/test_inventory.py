"""Fleets stay within what nodes have where they are told to, and nodes that nobody may list limit nothing."""

import logging
from pathlib import Path

import pytest
from tests.accounts import kubeconfig_of
from tests.integration.controller.cluster import Cluster, busy
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

from penstock.controller import nodelist

ALL_BUT_NODES = [
    {"apiGroups": ["llmd.ai", "penstock.dev", "apps", "autoscaling", "keda.sh"], "resources": ["*"], "verbs": ["*"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    {
        "apiGroups": [""],
        "resources": ["pods", "resourcequotas", "configmaps", "events", "namespaces"],
        "verbs": ["*"],
    },
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
]


@pytest.fixture(name="cluster")
def _cluster(kube_api: KubeApi, prometheus: PrometheusServer) -> Cluster:
    """Return a full replica on 2 of the 8 GPUs of a node, beside 3 of a stranger; others are cordoned or tainted."""
    cluster = Cluster(kube_api)
    product = f"H100-{cluster.work}"  # nodes belong to all tests: this one's are its own
    cluster.deployment(replicas=1, product=product, gpus=2)
    node, cordoned, tainted = (cluster.node(name, product, gpus=8) for name in ("open", "cordoned", "tainted"))
    taints = [{"key": "team", "value": "training", "effect": "NoSchedule"}]
    for closed, spec in ((cordoned, {"unschedulable": True}), (tainted, {"taints": taints})):
        kube_api.must("PATCH", f"/api/v1/nodes/{closed}", {"spec": spec}, content="application/merge-patch+json")
    cluster.pod("chat-1", {"app": "chat"}, node=node, gpus=2)
    cluster.pod("stranger", {"app": "training"}, node=node, gpus=3)
    busy(prometheus, cluster.work, "chat-1")
    cluster.variant(maxReplicas=9)
    return cluster


async def test_fleets_stay_within_the_nodes_and_say_so(cluster: Cluster, prometheus: PrometheusServer) -> None:
    """Of the 5 GPUs that are left to them 4 are enough for two replicas."""
    async with cluster.operating(prometheusURL=prometheus.url, limitToNodes="true"):
        await eventually(lambda: cluster.replicas() == 2, "a second replica")
        cluster.pod("chat-2", {"app": "chat"}, node=f"open.{cluster.work}", gpus=2)
        busy(prometheus, cluster.work, "chat-1", "chat-2")
        await eventually(lambda: cluster.reason("ScalingLimited") == "Quota", "the limit")

    rows = {row["type"]: row["message"] for row in cluster.status()["conditions"]}
    assert rows["ScalingLimited"] == f"quota 4 H100-{cluster.work}, set in nodes."
    assert cluster.replicas() == 2


async def test_nodes_do_not_limit_unasked(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.pod("chat-2", {"app": "chat"}, node=f"open.{cluster.work}", gpus=2)
    cluster.deployment(replicas=2, product=f"H100-{cluster.work}", gpus=2)
    busy(prometheus, cluster.work, "chat-1", "chat-2")

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.replicas() > 2, "a replica for which there is no node yet")


async def test_nodes_that_nobody_may_list_limit_nothing_and_that_is_told_once(
    cluster: Cluster, prometheus: PrometheusServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.kubeconfig = kubeconfig_of(cluster.api, tmp_path, cluster.home, ALL_BUT_NODES)
    cluster.pod("chat-2", {"app": "chat"}, node=f"open.{cluster.work}", gpus=2)
    cluster.deployment(replicas=2, product=f"H100-{cluster.work}", gpus=2)
    busy(prometheus, cluster.work, "chat-1", "chat-2")

    with caplog.at_level(logging.WARNING, nodelist.log.name):
        async with cluster.operating(prometheusURL=prometheus.url, limitToNodes="true"):
            await eventually(lambda: cluster.replicas() > 2, "a replica that no node limits")

    told = [vars(one)["error"] for one in caplog.records if "Nodes not listed" in one.message]
    assert len(told) == 1
    assert "403" in told[0]
