"""Replicas that leave drain first: real routers send nothing more to them, and the scale falls when they are idle."""

import time

from tests.integration.controller.cluster import MODEL, Body, Cluster
from tests.integration.controller.fleet import Fleet
from tests.integration.router.routers import Fixed
from tests.prometheus import PrometheusServer, steady
from tests.waiting import eventually

from penstock.api.names import ANNOTATION_DELETION_COST, ANNOTATION_DRAINING
from penstock.router.sources import Scope


def load(prometheus: PrometheusServer, cluster: Cluster, **running: int) -> None:
    for name, number in running.items():
        labels = {"namespace": cluster.work, "pod": name, "model_name": MODEL}
        values = {"num_requests_running": number, "num_requests_waiting": 0, "kv_cache_usage_perc": 0.1}
        prometheus.write([steady(f"vllm:{what}", labels, time.time(), value=value) for what, value in values.items()])


def annotations(cluster: Cluster, name: str) -> Body:
    found: Body = cluster.api.must("GET", f"/api/v1/namespaces/{cluster.work}/pods/{name}")["metadata"]
    return found.get("annotations") or {}


async def routed(world: Fleet) -> None:
    source = Fixed()
    source.scope = Scope(world.cluster.work, "app=chat")
    await world.add("router-0", source=source)


async def test_the_scale_falls_when_the_least_loaded_have_ended_their_work(
    world: Fleet, prometheus: PrometheusServer
) -> None:
    cluster = world.cluster
    cluster.deployment(replicas=3)
    for name in ("a", "b", "c"):
        cluster.pod(name, {"app": "chat"})
    load(prometheus, cluster, a=3, b=1, c=2)
    await routed(world)
    cluster.variant(minReplicas=3, maxReplicas=3)
    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        await eventually(lambda: cluster.reason("ScalingActive") == "ScaleApplied", "a first decision")
        cluster.variant(minReplicas=2, maxReplicas=2)
        await eventually(lambda: ANNOTATION_DRAINING in annotations(cluster, "b"), "the least loaded drains")
        await eventually(lambda: cluster.reason("ScalingActive") == "Draining", "status tells")
        during, status = cluster.replicas(), cluster.status()
        await eventually(lambda: cluster.status()["replicas"]["draining"] == 1, "the count of those that drain")
        load(prometheus, cluster, a=3, b=1, c=2)
        await eventually(lambda: cluster.status()["replicas"] == {
            "current": 3, "ready": 2, "starting": 0, "stuck": 0, "draining": 1,
        }, "the counts")  # fmt: skip

        def idle_and_lowered() -> bool:
            load(prometheus, cluster, b=0)
            return cluster.replicas() == 2

        await eventually(idle_and_lowered, "the scale falls")
        await eventually(lambda: cluster.reason("ScalingActive") == "ScaleApplied", "its proof")

    assert (during, status["actuation"]["applied"]) == (3, False)
    labels = {"namespace": cluster.work, "variant": "chat"}
    ended = operator.meters.registry.get_sample_value("penstock_variant_ended_requests_total", labels)
    assert ended == 0.0, "counted, and none"
    assert int(annotations(cluster, "b")[ANNOTATION_DELETION_COST]) < 0
    assert not {ANNOTATION_DRAINING, ANNOTATION_DELETION_COST} & (
        set(annotations(cluster, "a")) | set(annotations(cluster, "c"))
    )


async def test_who_drains_is_freed_when_it_is_needed_again_and_when_its_variant_has_gone(
    world: Fleet, prometheus: PrometheusServer
) -> None:
    cluster = world.cluster
    cluster.deployment(replicas=2)
    for name in ("a", "b"):
        cluster.pod(name, {"app": "chat"})
    load(prometheus, cluster, a=3, b=1)
    await routed(world)
    cluster.variant(minReplicas=1, maxReplicas=1)
    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: ANNOTATION_DRAINING in annotations(cluster, "b"), "it drains")
        cluster.variant(minReplicas=2, maxReplicas=2)
        await eventually(lambda: not annotations(cluster, "b"), "it is freed")
        cluster.variant(minReplicas=1, maxReplicas=1)
        await eventually(lambda: ANNOTATION_DRAINING in annotations(cluster, "b"), "it drains again")
    async with cluster.operating(0.5, prometheusURL=prometheus.url):  # another process finds it so
        cluster.delete("variantautoscalings", "chat", "llmd.ai/v1alpha1")
        await eventually(lambda: not annotations(cluster, "b"), "it is freed again")

    assert cluster.replicas() == 2
