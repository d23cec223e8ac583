"""A LeaderWorkerSet is looked at, counted and scaled by its groups, and those without requests leave from the top."""

import time

import pytest
from tests.integration.controller.cluster import MODEL, Body, Cluster, busy
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer, steady
from tests.waiting import eventually

KIND = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}
GROUP, INDEX = "leaderworkerset.sigs.k8s.io/name", "leaderworkerset.sigs.k8s.io/worker-index"


@pytest.fixture(name="cluster")
def _cluster(kube_api: KubeApi) -> Cluster:
    return Cluster(kube_api)


def groups(cluster: Cluster, count: int) -> None:
    """Create a LeaderWorkerSet of groups of two pods with eight accelerators each, as its controller would keep it."""
    limits = {"limits": {"nvidia.com/gpu": "8"}}
    pods = {"spec": {"containers": [{"name": "engine", "image": "none", "resources": limits}]}}
    template = {"size": 2, "workerTemplate": pods}
    meta = {"name": "big", "namespace": cluster.work}
    cluster.apply({**KIND, "metadata": meta, "spec": {"replicas": count, "leaderWorkerTemplate": template}})
    path = f"/apis/{KIND['apiVersion']}/namespaces/{cluster.work}/leaderworkersets/big/status"
    status = {"replicas": count, "hpaPodSelector": f"{GROUP}=big,{INDEX}=0"}
    cluster.api.must("PATCH", path, {"status": status}, content="application/merge-patch+json")
    for number in range(count):
        cluster.pod(f"big-{number}", {GROUP: "big", INDEX: "0"})
        cluster.pod(f"big-{number}-1", {GROUP: "big", INDEX: "1"})


def asked(cluster: Cluster) -> int:
    found: Body = cluster.body("big", "leaderworkersets", KIND["apiVersion"])
    return int(found["spec"]["replicas"])


def variant(cluster: Cluster, **bounds: int) -> None:
    cluster.variant(scaleTargetRef={**KIND, "name": "big"}, accelerator="H100", **bounds)


async def test_full_groups_get_another_group(cluster: Cluster, prometheus: PrometheusServer) -> None:
    groups(cluster, 1)
    busy(prometheus, cluster.work, "big-0")
    meta = {"name": "accelerator-unit-costs", "namespace": cluster.home}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"H100": '{"cost": "5.00"}'}})
    variant(cluster, maxReplicas=4)

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: asked(cluster) == 2, "a second group")
        status = await eventually(
            lambda: (it := cluster.status()).get("replicas", {}).get("current") == 2 and it, "the counts"
        )

    assert status["scaleTargetRef"] == {**KIND, "name": "big"}
    assert (status["replicas"]["ready"], status["decision"]["summary"][:6]) == (1, "1 -> 2")
    assert status["currentAlloc"]["variantCost"] == "160.00", "two groups of two pods of eight accelerators"


async def test_the_highest_group_leaves(cluster: Cluster, prometheus: PrometheusServer) -> None:
    groups(cluster, 2)
    for number in range(2):
        labels = {"namespace": cluster.work, "pod": f"big-{number}", "model_name": MODEL}
        values = {"num_requests_running": 1, "num_requests_waiting": 0, "kv_cache_usage_perc": 0.1}
        prometheus.write([steady(f"vllm:{what}", labels, time.time(), value=value) for what, value in values.items()])
    variant(cluster, minReplicas=1, maxReplicas=1)

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: asked(cluster) == 1, "one group less")
        await eventually(lambda: cluster.reason("ScalingActive") == "ScaleApplied", "its proof")
