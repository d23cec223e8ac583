"""What goes wrong around the operator: nothing is lost, nothing is scaled on absent data, and status says why."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.controller.cluster import Cluster, busy, idle
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

from penstock.api.kinds import Kind
from penstock.controller.ports import Scales
from penstock.controller.process import Operator
from penstock.controller.world import World
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.observations import Scale
from penstock.domain.variants import ObjectKey, TargetRef


@pytest.fixture(name="cluster")
def _cluster(kube_api: KubeApi) -> Cluster:
    return Cluster(kube_api)


@pytest.fixture(name="fragile")
def _fragile(stopping_kube_api: KubeApi) -> Cluster:
    """A cluster whose API server the test may stop."""
    return Cluster(stopping_kube_api)


def busy_chat(cluster: Cluster, prometheus: PrometheusServer) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    cluster.variant(maxReplicas=2)


@dataclass(slots=True)
class Meddled:
    """The real scales, and something that happens right before a count is changed."""

    real: Scales
    before: Any

    async def read(self, namespace: str, ref: TargetRef) -> Scale:
        return await self.real.read(namespace, ref)

    async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
        return await self.real.body(namespace, ref)

    async def change(self, namespace: str, ref: TargetRef, *, seen: int, version: str, wanted: int) -> None:
        await self.before()
        await self.real.change(namespace, ref, seen=seen, version=version, wanted=wanted)


def meddle(operator: Operator, before: Any) -> None:
    actuator = operator.scaling.actuator
    operator.scaling.actuator = replace(actuator, scales=Meddled(actuator.scales, before))


async def test_api_server_restarts_and_what_vanished_meanwhile_is_seen(
    fragile: Cluster, prometheus: PrometheusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = World.happened

    def deaf(world: World, kind: Kind, what: str | None, body: Any) -> None:
        """Lose every deletion, as a watch does that broke before it and lists anew after it."""
        if what != "DELETED":
            happened(world, kind, what, body)

    monkeypatch.setattr(World, "happened", deaf)
    fragile.deployment()
    fragile.pod("chat-1", {"app": "chat"})
    idle(prometheus, fragile.work, "chat-1")
    fragile.variant("chat")
    fragile.variant("doomed", model="m/other")
    async with fragile.operating(relist_s=0.5, prometheusURL=prometheus.url) as operator:
        key = ObjectKey(fragile.work, "doomed")
        await eventually(lambda: key in operator.meters.variants.shown, "both variants")
        await asyncio.to_thread(fragile.api.stop)
        held = len(operator.world.variants.values())
        await asyncio.to_thread(fragile.api.start)
        fragile.delete("variantautoscalings", "doomed", "llmd.ai/v1alpha1")
        await eventually(lambda: operator.world.variants.get(key) is None, "the end of what vanished")
        fragile.variant("chat", minReplicas=2)
        await eventually(lambda: fragile.replicas() == 2, "work to go on")
        await eventually(lambda: key not in operator.meters.variants.shown, "the end of its series")

    assert held == 2


async def test_prometheus_is_absent_at_the_start_and_killed_later(cluster: Cluster, tmp_path: Path) -> None:
    own = PrometheusServer(tmp_path)
    own.open()
    own.stop()
    busy_chat_without_series(cluster)
    try:
        async with cluster.operating(prometheusURL=own.url):
            await eventually(lambda: cluster.reason("Ready") == "PrometheusUnreachable", "the verdict")
            untouched = cluster.replicas()
            await asyncio.to_thread(own.open)
            busy(own, cluster.work, "chat-1")
            await eventually(lambda: cluster.replicas() == 2, "a decision")
            await eventually(lambda: cluster.reason("ScalingActive") == "ScaleApplied", "its status")
            await asyncio.to_thread(own.stop)
            await eventually(lambda: cluster.reason("MetricsAvailable") == "PrometheusUnreachable", "the outage")
            await eventually(lambda: cluster.reason("ScalingActive") == "HoldingLastDecision", "the hold")
    finally:
        own.close()

    assert untouched == 1
    assert cluster.replicas() == 2
    assert cluster.status()["desiredOptimizedAlloc"]["numReplicas"] == 2


def busy_chat_without_series(cluster: Cluster) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    cluster.variant(maxReplicas=2)


async def test_operator_dies_between_decision_and_action(cluster: Cluster, prometheus: PrometheusServer) -> None:
    busy_chat(cluster, prometheus)
    about_to_act = asyncio.Event()

    async def hang() -> None:
        about_to_act.set()
        await asyncio.Event().wait()

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        meddle(operator, hang)
        async with asyncio.timeout(20):
            await about_to_act.wait()
    unchanged = cluster.replicas()
    async with cluster.operating(prometheusURL=prometheus.url):
        await eventually(lambda: cluster.replicas() == 2, "the successor to act")
        await eventually(lambda: cluster.status().get("replicas", {}).get("current") == 2, "its status")

    assert unchanged == 1
    assert cluster.status()["desiredOptimizedAlloc"]["numReplicas"] == 2


async def test_count_that_somebody_else_moved_is_not_overwritten(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    busy_chat(cluster, prometheus)

    async def somebody_else() -> None:
        path = f"/apis/apps/v1/namespaces/{cluster.work}/deployments/chat?fieldManager=intruder"
        cluster.api.must("PATCH", path, {"spec": {"replicas": 7}}, content="application/merge-patch+json")

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        meddle(operator, somebody_else)
        await eventually(lambda: cluster.reason("ScalingActive") == "ScaleChanged", "the verdict")
        await eventually(lambda: "ScaleChanged" in dict(cluster.events("chat")), "its event")

    rows = {row["type"]: row["message"] for row in cluster.status()["conditions"]}
    assert "intruder" in rows["ScalingActive"]


async def test_variant_that_was_edited_meanwhile_is_decided_anew(
    cluster: Cluster, prometheus: PrometheusServer
) -> None:
    cluster.deployment(replicas=1)
    cluster.pod("chat-1", {"app": "chat"})
    busy(prometheus, cluster.work, "chat-1")
    cluster.variant(maxReplicas=2)

    async with cluster.operating(interval="1h", prometheusURL=prometheus.url) as operator:
        real = operator.scaling.actuator.objects
        edited = asyncio.Event()

        class Edited:
            """The real objects, with an edit right before the variant is read again."""

            async def get(self, kind: Any, key: ObjectKey) -> Any:
                if not edited.is_set():
                    edited.set()
                    cluster.variant(maxReplicas=1)
                return await real.get(kind, key)

        operator.scaling.actuator = replace(operator.scaling.actuator, objects=Edited())  # type: ignore[arg-type] - get is all it needs
        async with asyncio.timeout(20):
            await edited.wait()
        await eventually(lambda: cluster.status().get("observedGeneration") == 2, "the decision on the edit")

    assert cluster.replicas() == 1


class CutOff:
    """A connection to the API server that is none."""

    async def call(self, *_: Any, **__: Any) -> Any:
        raise Unreachable("Kubernetes API", "timeout", "")


async def test_two_operators_one_acts_and_the_other_takes_over(cluster: Cluster, prometheus: PrometheusServer) -> None:
    busy_chat(cluster, prometheus)

    async with cluster.operating(prometheusURL=prometheus.url) as second_to_none:
        await eventually(lambda: cluster.replicas() == 2, "the first to act")
        async with cluster.operating(prometheusURL=prometheus.url) as standby:
            first_term = second_to_none.scaling.leadership.term
            both = [one.scaling.leadership.leading for one in (second_to_none, standby)]
            idle_series = dict(standby.meters.variants.shown)
            second_to_none.scaling.leadership._kube = CutOff()  # type: ignore[attr-defined] - it is an Election
            await eventually(lambda: standby.scaling.leadership.leading, "the takeover")
            await eventually(lambda: standby.meters.variants.shown, "the new leader's series")
            await eventually(lambda: not second_to_none.meters.variants.shown, "the end of the old one's")
            cluster.variant(maxReplicas=2, minReplicas=1, paused=True)
            await eventually(lambda: cluster.reason("ScalingActive") == "Paused", "the new leader to act")

    assert both == [True, False]
    assert idle_series == {}
    assert standby.scaling.term == first_term + 1
    assert cluster.status()["desiredOptimizedAlloc"]["numReplicas"] == 2


async def test_missing_right_to_scale_is_named(cluster: Cluster, prometheus: PrometheusServer) -> None:
    busy_chat(cluster, prometheus)

    async def forbidden() -> None:
        raise Refused("Kubernetes API", 403, "deployments/scale is forbidden", "")

    async with cluster.operating(prometheusURL=prometheus.url) as operator:
        meddle(operator, forbidden)
        await eventually(lambda: cluster.reason("ScalingActive") == "ScaleForbidden", "the verdict")

    assert cluster.replicas() == 1
