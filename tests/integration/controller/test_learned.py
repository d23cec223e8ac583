"""What one operator learnt of a start is known to the one that follows it."""

import datetime

import pytest
from tests.integration.controller.cluster import Cluster, idle
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

from penstock.controller.process import Operator
from penstock.domain.variants import ObjectKey


@pytest.fixture
def cluster(kube_api: KubeApi) -> Cluster:
    return Cluster(kube_api)


def starts(operator: Operator, cluster: Cluster) -> int:
    found = operator.scaling.memory.experiences.get(ObjectKey(cluster.work, "chat"))
    return found.starts.count if found else 0


def change(cluster: Cluster, name: str, ready: str, after_s: float) -> None:
    """Let a pod's readiness change so long after its creation."""
    path = f"/api/v1/namespaces/{cluster.work}/pods/{name}"
    created = datetime.datetime.fromisoformat(cluster.api.must("GET", path)["metadata"]["creationTimestamp"])
    at = (created + datetime.timedelta(seconds=after_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [{"type": "Ready", "status": ready, "lastTransitionTime": at}]
    status = {"status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": conditions}}
    cluster.api.must("PATCH", f"{path}/status", status, content="application/merge-patch+json")


async def test_a_start_that_was_watched_outlives_the_operator(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    cluster.variant()
    idle(prometheus, cluster.work, "chat-0")
    cluster.pod("chat-0", {"app": "chat"}, ready=False)
    async with cluster.operating(prometheusURL=prometheus.url) as first:
        await eventually(lambda: bool(first.scaling.memory.experiences), "the first pass")
        change(cluster, "chat-0", "True", 94.0)
        await eventually(lambda: starts(first, cluster) == 1, "the start")

    stored = cluster.api.must("GET", f"/api/v1/namespaces/{cluster.home}/configmaps/penstock-learned")["data"]
    async with cluster.operating(prometheusURL=prometheus.url) as second:
        await eventually(lambda: starts(second, cluster) == 1, "what was learnt")
        kept = second.scaling.memory.experiences[ObjectKey(cluster.work, "chat")].starts
        await eventually(lambda: (cluster.status().get("learned") or {}).get("starts") == 1, "that it is told")

    assert f'"{cluster.work}/chat"' in stored["variants.json"]
    assert kept.expected_s(0.0) == 0.0, "one start is not enough yet"
    assert kept == first.scaling.memory.experiences[ObjectKey(cluster.work, "chat")].starts
