"""A ScaledObject that is annotated is a variant: KEDA is told its number, events stand on it, and no object is made."""

import grpc
import pytest
from tests.integration.controller.cluster import MODEL, Body, Cluster, busy
from tests.integration.controller.test_keda import Keda
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer
from tests.waiting import eventually


@pytest.fixture(name="cluster")
def _cluster(kube_api: KubeApi) -> Cluster:
    return Cluster(kube_api)


def scaled_object(cluster: Cluster, variant: str) -> Body:
    said = {"llm-d.ai/managed": "true", "llm-d.ai/model-id": MODEL}
    trigger = {"type": "external", "metadata": {"scalerAddress": "penstock-operator:9005", "variant": variant}}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "chat-keda", "namespace": cluster.work, "annotations": said},
        "spec": {"scaleTargetRef": {"name": "chat"}, "maxReplicaCount": 3, "triggers": [trigger]},
    }


async def test_keda_is_told_the_number_of_a_variant_that_its_own_object_declares(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    cluster.apply(scaled_object(cluster, "chat-h100"))

    async with (
        cluster.operating(prometheusURL=prometheus.url) as operator,
        grpc.aio.insecure_channel(f"127.0.0.1:{operator.ports[2]}") as channel,
    ):
        await eventually(lambda: "Scaled" in dict(cluster.events("chat-keda")), "an event on the scaler")
        keda = Keda(channel, cluster.work)
        (value,) = (await keda.ask("GetMetrics", "chat-h100")).metricValues
        active = (await keda.ask("IsActive", "chat-h100")).result
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await keda.ask("GetMetrics", "chat-keda")

    assert (value.metricValue, active) == (2, True)
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    assert (
        cluster.api.must("GET", f"/apis/llmd.ai/v1alpha1/namespaces/{cluster.work}/variantautoscalings")["items"] == []
    )
    assert "status" not in cluster.body("chat-keda", "scaledobjects", "keda.sh/v1alpha1")
    assert cluster.replicas() == 1
