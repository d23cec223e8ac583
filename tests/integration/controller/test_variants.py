"""A VariantAutoscaling gets a status that is true on every path, from a real API server and a real Prometheus."""

import logging
import time
from typing import Any

import pytest
from tests.integration.controller.cluster import Cluster, busy, idle
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer, steady
from tests.waiting import eventually

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}


@pytest.fixture(name="cluster")
def _cluster(kube_api: KubeApi) -> Cluster:
    return Cluster(kube_api)


def hpa(cluster: Cluster, *metrics: dict[str, Any]) -> None:
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    cluster.apply(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "chat-hpa", "namespace": cluster.work},
            "spec": {"scaleTargetRef": TARGET, "maxReplicas": 9, "metrics": list(metrics) or [cpu]},
        }
    )


async def test_idle_variant_is_ready(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    idle(prometheus, cluster.work, "chat-1")
    cluster.variant()

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("Ready"), "a status")

    status = cluster.status()
    assert cluster.reason("Ready") == "NoTraffic"
    assert status["scaleTargetRef"] == TARGET
    assert status["replicas"] == {"current": 1, "ready": 1, "starting": 0, "stuck": 0, "draining": 0}
    assert status["currentAlloc"]["accelerator"] == "H100"
    assert status["currentAlloc"]["maxBatch"] == 64
    assert status["desiredOptimizedAlloc"]["numReplicas"] == 1
    assert status["actuation"] == {"applied": True, "mode": "Scale"}
    assert "ownerReferences" not in cluster.body()["metadata"]


@pytest.mark.parametrize(
    ("products", "accelerator"),
    [
        pytest.param(("A100", "A100"), "A100", id="of one kind"),
        pytest.param(("A100", "L40S"), None, id="of two kinds"),
    ],
)
async def test_nodes_of_its_pods_tell_the_accelerator(
    cluster: Cluster, prometheus: PrometheusServer, products: tuple[str, ...], accelerator: str | None
) -> None:
    cluster.deployment(replicas=2, product="")
    for at, product in enumerate(products):
        cluster.pod(f"chat-{at}", {"app": "chat"}, node=cluster.node(f"node-{at}", product))
    idle(prometheus, cluster.work, "chat-0", "chat-1")
    cluster.variant()

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.status().get("replicas", {}).get("ready") == 2, "a status")

    assert cluster.reason("Ready") == "NoTraffic"
    assert cluster.status()["currentAlloc"].get("accelerator") == accelerator


async def test_full_engines_get_help_through_scale(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    cluster.variant(maxReplicas=4)

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.replicas() > 1, "a second replica")
        await eventually(lambda: cluster.status().get("replicas", {}).get("current") == cluster.replicas(), "a status")
        await eventually(lambda: "Scaled" in dict(cluster.events("chat")), "an event")

    managed = cluster.body(plural="deployments", group="apps/v1")["metadata"]["managedFields"]
    assert cluster.reason("ScalingActive") == "ScaleApplied"
    assert {"penstock"} == {entry["manager"] for entry in managed if entry.get("subresource") == "scale"}


async def test_tokens_decide_where_wvas_entry_says_so(cluster: Cluster, prometheus: PrometheusServer) -> None:
    """`vllm:cache_config_info` names no model, and WVA, which looked for one, ran away to the maximum (#1198)."""
    meta = {"name": "wva-saturation-scaling-config", "namespace": cluster.home}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"default": "analyzerName: saturation"}}
    )
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    cache = {"namespace": cluster.work, "pod": "chat-1", "num_gpu_blocks": "1000", "block_size": "16"}
    prometheus.write([steady("vllm:cache_config_info", cache, time.time(), value=1)])
    cluster.variant(maxReplicas=9)

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.replicas() > 1, "more replicas")
        await eventually(lambda: "tokens" in cluster.status().get("decision", {}).get("summary", ""), "a decision")

    assert "25440 tokens held or waiting, 1 ready replica may hold 12800" in cluster.status()["decision"]["summary"]
    assert cluster.replicas() == 3


async def test_metrics_missing_holds_and_recovers(
    cluster: Cluster, prometheus: PrometheusServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cluster.deployment(replicas=2)
    for pod in ("chat-1", "chat-2"):
        cluster.pod(pod, {"app": "chat"})
    cluster.variant()

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("MetricsAvailable") == "MetricsMissing", "the right reason")
        held = cluster.replicas()
        idle(prometheus, cluster.work, "chat-1", "chat-2")
        await eventually(lambda: cluster.reason("MetricsAvailable") == "NoTraffic", "recovery")
        await eventually(lambda: "MetricsRecovered" in dict(cluster.events("chat")), "its event")
        told = lambda: [one.message for one in caplog.records]  # noqa: E731 - read anew each time
        await eventually(lambda: "Optimization completed successfully" in told(), "its line")

    skipped = [one for one in caplog.records if "Metrics unavailable, skipping optimization" in one.message]
    assert held == 2
    assert vars(skipped[0]) | {"reason": "MetricsMissing", "variant": "chat", "namespace": cluster.work} == vars(
        skipped[0]
    )


async def test_other_model_name_is_named(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    cluster.pod("chat-1", {"app": "chat"})
    idle(prometheus, cluster.work, "chat-1", model="m/M-instruct")
    cluster.variant()

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("Ready") == "ModelNameMismatch", "the right reason")

    assert any("m/M-instruct" in row["message"] for row in cluster.status()["conditions"])


async def test_target_missing_made_deleted_and_made_again(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.variant()

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("Ready") == "TargetNotFound", "the right reason")
        cluster.deployment()
        await eventually(lambda: cluster.reason("TargetResolved") == "TargetFound", "the target to be found")
        cluster.delete("deployments", "chat", "apps/v1")
        await eventually(lambda: cluster.reason("TargetResolved") == "TargetNotFound", "its end to be seen")
        cluster.deployment(replicas=3)
        await eventually(lambda: cluster.reason("TargetResolved") == "TargetFound", "the new one to be found")


@pytest.mark.parametrize(
    ("metrics", "reason", "mode"),
    [
        pytest.param((), "ForeignScaler", "Recommend", id="by CPU"),
        pytest.param(
            (
                {
                    "type": "External",
                    "external": {
                        "metric": {
                            "name": "wva_desired_replicas",
                            "selector": {"matchLabels": {"variant_name": "chat"}},
                        },
                        "target": {"type": "AverageValue", "averageValue": "1"},
                    },
                },
            ),
            "GaugePublished",
            "Metrics",
            id="by our gauge",
        ),
    ],
)
async def test_hpa_on_the_target(
    cluster: Cluster, prometheus: PrometheusServer, metrics: tuple[dict[str, Any], ...], reason: str, mode: str
) -> None:
    cluster.deployment()
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    hpa(cluster, *metrics)
    cluster.variant(maxReplicas=4)

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("ScalingActive") == reason, "the right reason")

    assert cluster.status()["actuation"]["mode"] == mode
    assert cluster.replicas() == 1


async def test_two_variants_on_one_target(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    cluster.variant("a")
    cluster.variant("b")

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("TargetResolved", "b") == "TargetShared", "the younger one to be told")

    assert cluster.reason("TargetResolved", "a") == "TargetFound"


async def test_target_owns_the_variant_in_the_old_shape(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    meta = {"name": "chat", "namespace": cluster.work}
    kind = {"apiVersion": "llmd.ai/v1alpha1", "kind": "VariantAutoscaling"}
    cluster.apply({**kind, "metadata": meta, "spec": {"modelID": "m/m"}})

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.body()["metadata"].get("ownerReferences"), "an owner")

    uid = cluster.body(plural="deployments", group="apps/v1")["metadata"]["uid"]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat", "uid": uid, "controller": True}
    assert cluster.body()["metadata"]["ownerReferences"] == [owner | {"blockOwnerDeletion": False}]


async def test_object_that_cannot_be_read_keeps_its_decision(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    cluster.pod("chat-1", {"app": "chat"})
    idle(prometheus, cluster.work, "chat-1")
    cluster.variant()
    window = {"name": "night", "schedule": "at night", "duration": "8h", "minReplicas": 3}

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        await eventually(lambda: cluster.reason("Ready") == "NoTraffic", "a status")
        cluster.variant(schedules=[window])
        await eventually(lambda: cluster.reason("Ready") == "InvalidConfiguration", "the verdict")
        await eventually(lambda: "InvalidConfiguration" in dict(cluster.events("chat")), "its event")
        kept = list(operator.meters.variants.shown)
        cluster.variant(schedules=[])
        await eventually(lambda: cluster.reason("Ready") == "NoTraffic", "recovery")

    assert "spec.schedules[0].schedule='at night'" in dict(cluster.events("chat"))["InvalidConfiguration"]
    assert cluster.status()["desiredOptimizedAlloc"]["numReplicas"] == 1
    assert [str(key) for key in kept] == [f"{cluster.work}/chat"]
    assert cluster.replicas() == 1


async def test_status_is_left_alone_while_nothing_changes(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    cluster.pod("chat-1", {"app": "chat"})
    idle(prometheus, cluster.work, "chat-1")
    cluster.variant()

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        await eventually(lambda: cluster.reason("Ready"), "a status")
        version = cluster.body()["metadata"]["resourceVersion"]
        passes = _passes(operator.meters.registry)
        await eventually(lambda: _passes(operator.meters.registry) > passes + 3, "some more passes")

    assert cluster.body()["metadata"]["resourceVersion"] == version


def _passes(registry: Any) -> float:
    return float(registry.get_sample_value("penstock_pass_duration_seconds_count") or 0.0)


async def test_a_resource_quota_on_gpus_binds_and_is_named(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment(replicas=1, gpus=2)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "gpus", "namespace": cluster.work}}
    cluster.apply(quota | {"spec": {"hard": {"requests.nvidia.com/gpu": "2"}}})
    cluster.variant(maxReplicas=4)

    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.reason("ScalingLimited") == "Quota", "the limit")

    rows = {row["type"]: row["message"] for row in cluster.status()["conditions"]}
    assert rows["ScalingLimited"] == f"quota 2 accelerators, set in ResourceQuota {cluster.work}/gpus."
    assert cluster.replicas() == 1
