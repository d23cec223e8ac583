"""What the operator shows of itself and reads from ConfigMaps, and what it does without what others install."""

import io
import logging

import aiohttp
import pytest
from tests.integration.controller.cluster import MODEL, Cluster, busy, idle
from tests.kubeapi import FOREIGN_CRDS, OUR_CRDS, KubeApi
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

from penstock.logs import JsonLines, TextLines


@pytest.fixture(name="cluster")
def _cluster(kube_api: KubeApi) -> Cluster:
    return Cluster(kube_api)


async def fetch(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_series_go_with_their_object(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment()
    cluster.pod("chat-1", {"app": "chat"})
    idle(prometheus, cluster.work, "chat-1")
    cluster.variant()
    series = f'wva_desired_replicas{{accelerator_type="H100",namespace="{cluster.work}",variant_name="chat"}} 1.0'

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        await eventually(lambda: operator.meters.variants.shown, "an outcome")
        _, before = await fetch(operator.ports[0], "/metrics")
        cluster.delete("variantautoscalings", "chat", "llmd.ai/v1alpha1")
        await eventually(lambda: not operator.meters.variants.shown, "the end of the series")
        _, after = await fetch(operator.ports[0], "/metrics")

    assert series in before
    assert "inferno_current_replicas{" in before
    assert "penstock_leader 1.0" in before
    assert "wva_desired_replicas" not in after
    assert "penstock_pass_duration_seconds_count" in after


async def test_health_and_readiness(cluster: Cluster) -> None:
    async with cluster.operating() as operator:
        health = await fetch(operator.ports[1], "/healthz")
        ready = await fetch(operator.ports[1], "/readyz")
        operator.world.pods.complete = False
        not_ready = await fetch(operator.ports[1], "/readyz")

    assert health == (200, "ok")
    assert ready == (200, "ok")
    assert not_ready == (503, "not listed yet: pods")


async def test_settings_are_live_and_a_bad_one_keeps_its_last_value(cluster: Cluster) -> None:
    cluster.settings(staleAfter="90s")

    async with cluster.operating() as operator:
        scaling = lambda: operator.configuration.settings.scaling  # noqa: E731 - read anew each time
        await eventually(lambda: scaling().stale_after_s == 90.0, "the first text")
        cluster.settings(staleAfter="soon", scaleDownWindow="1m")
        await eventually(lambda: scaling().scale_down_window_s == 60.0, "the good text beside the bad one")
        await eventually(lambda: cluster.events("penstock-config", cluster.home), "an event")
        entry = {"configmap": f"{cluster.home}/penstock-config", "key": "staleAfter"}
        value = lambda: operator.meters.registry.get_sample_value("penstock_config_entry_invalid", entry)  # noqa: E731
        await eventually(lambda: value() == 1.0, "its metric")

    reason, message = cluster.events("penstock-config", cluster.home)[0]
    assert reason == "InvalidConfigEntry"
    assert "soon" in message
    assert scaling().stale_after_s == 90.0


async def test_the_shape_of_log_lines_is_live(cluster: Cluster) -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(TextLines())
    logging.getLogger().addHandler(handler)
    try:
        async with cluster.operating():
            await eventually(lambda: isinstance(handler.formatter, JsonLines), "the default")
            cluster.settings(logFormat="text")
            await eventually(lambda: isinstance(handler.formatter, TextLines), "what the ConfigMap says")
    finally:
        logging.getLogger().removeHandler(handler)


async def test_setting_that_needs_a_restart_says_so(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    async with cluster.operating():
        cluster.settings(leaderElect="false", logLevel="info")
        await eventually(lambda: "Restart the operator to apply a setting" in caplog.text, "the line")

    told = [one for one in caplog.records if one.message.startswith("Restart")]
    assert [vars(one)["settings_changed"] for one in told] == ["leaderElect"]


async def test_bad_entry_of_wva_is_told_on_its_configmap(cluster: Cluster) -> None:
    meta = {"name": "accelerator-unit-costs", "namespace": cluster.home}
    data = {"A100": '{"device": "NVIDIA-A100", "cost": "40.00"}', "H100": '{"cost": "much"}'}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})

    async with cluster.operating() as operator:
        await eventually(lambda: cluster.events("accelerator-unit-costs", cluster.home), "an event")

    assert operator.configuration.catalogue.unit_costs_per_h == {"A100": 40.0}


async def test_runs_on_a_whole_cluster_where_nobody_installed_anything_else(own_kube_api: KubeApi) -> None:
    own_kube_api.install(OUR_CRDS)
    cluster = Cluster(own_kube_api)
    cluster.deployment()
    cluster.variant()
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "chat"}
    meta = {"name": "chat", "namespace": cluster.work}
    kind = {"apiVersion": "penstock.dev/v1alpha1", "kind": "WorkloadPolicy"}
    cluster.apply({**kind, "metadata": meta, "spec": {"targetRef": pool}})
    triggers = [{"type": "cron", "metadata": {"desiredReplicas": "3"}}]
    spec = {"scaleTargetRef": {"name": "chat"}, "triggers": triggers}
    scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": spec}

    async with cluster.operating(watchNamespaces=""):
        await eventually(lambda: cluster.reason("Ready") == "PrometheusUnreachable", "a status of the variant")
        await eventually(lambda: cluster.policy().get("status"), "a status of the policy")
        own_kube_api.install(FOREIGN_CRDS)
        cluster.apply(scaled | {"metadata": meta})
        await eventually(lambda: cluster.reason("ScalingActive") == "ForeignScaler", "what was installed later")

    assert cluster.policy()["status"]["reason"] == "TargetNotFound"


async def test_excluded_namespace_is_skipped(kube_api: KubeApi) -> None:
    cluster = Cluster(kube_api)
    cluster.deployment()
    cluster.variant()
    annotations = {"wva.llmd.ai/exclude": "true"}
    meta = {"name": cluster.work, "annotations": annotations}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})

    async with cluster.operating():
        await eventually(lambda: cluster.reason("OptimizationReady") == "SkippedProcessing", "the verdict")


async def test_an_annotated_hpa_is_a_variant_with_gauges_and_events_and_no_object(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    gauge = {"name": "wva_desired_replicas", "selector": {"matchLabels": {"variant_name": "chat"}}}
    metric = {
        "type": "External",
        "external": {"metric": gauge, "target": {"type": "AverageValue", "averageValue": "1"}},
    }
    said = {"llm-d.ai/managed": "true", "llm-d.ai/model-id": MODEL}
    meta = {"name": "chat-hpa", "namespace": cluster.work, "annotations": said}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "metrics": [metric]}
    cluster.apply({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec})

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        await eventually(lambda: "Scaled" in dict(cluster.events("chat-hpa")), "an event on the scaler")
        _, metrics = await fetch(operator.ports[0], "/metrics")

    (wanted,) = (line for line in metrics.splitlines() if line.startswith("wva_desired_replicas{"))
    assert 'variant_name="chat"' in wanted
    assert float(wanted.split()[-1]) > 1
    assert cluster.replicas() == 1
