"""`/scale` of real kinds: found, read, and changed only from the count that was read."""

import pytest
from tests.integration.cluster.conftest import deployment
from tests.kubeapi import KubeApi

from penstock.cluster.client import Kube
from penstock.cluster.scale import Scales
from penstock.domain.errors import NoSuchKind, Refused
from penstock.domain.variants import TargetRef

DEPLOYMENT = TargetRef(api_version="apps/v1", kind="Deployment", name="chat")


@pytest.mark.parametrize("start", [pytest.param(2, id="from two"), pytest.param(0, id="from zero")])
async def test_count_changes_from_what_was_read(kube_api: KubeApi, kube: Kube, start: int) -> None:
    namespace, scales = kube_api.namespace(), Scales(kube)
    assert kube_api.apply(deployment(namespace, "chat", start)).ok

    read = await scales.read(namespace, DEPLOYMENT)
    await scales.change(namespace, DEPLOYMENT, seen=read.replicas, version=read.resource_version, wanted=5)

    assert (read.replicas, read.selector) == (start, "app=chat")
    assert (await scales.read(namespace, DEPLOYMENT)).replicas == 5


@pytest.mark.parametrize("start", [pytest.param(2, id="from two"), pytest.param(0, id="from zero")])
async def test_count_that_moved_since_is_left_alone(kube_api: KubeApi, kube: Kube, start: int) -> None:
    namespace, scales = kube_api.namespace(), Scales(kube)
    kube_api.apply(deployment(namespace, "chat", start))
    read = await scales.read(namespace, DEPLOYMENT)
    kube_api.apply(deployment(namespace, "chat", 3))

    with pytest.raises(Refused) as refused:
        await scales.change(namespace, DEPLOYMENT, seen=read.replicas, version=read.resource_version, wanted=5)

    assert refused.value.status in {409, 422}
    assert (await scales.read(namespace, DEPLOYMENT)).replicas == 3


async def test_leader_worker_set_scales_to_zero(kube_api: KubeApi, kube: Kube) -> None:
    namespace, scales = kube_api.namespace(), Scales(kube)
    kind = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}
    kube_api.apply({**kind, "metadata": {"name": "big", "namespace": namespace}, "spec": {"replicas": 2}})
    target = TargetRef(api_version="leaderworkerset.x-k8s.io/v1", kind="LeaderWorkerSet", name="big")

    read = await scales.read(namespace, target)
    await scales.change(namespace, target, seen=2, version=read.resource_version, wanted=0)

    assert (await scales.read(namespace, target)).replicas == 0
    assert (await scales.body(namespace, target))["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("target", "status", "error"),
    [
        pytest.param(DEPLOYMENT, 404, Refused, id="no such object"),
        pytest.param(TargetRef(api_version="apps/v1", kind="Fleet", name="a"), 404, NoSuchKind, id="no such kind"),
        pytest.param(TargetRef(api_version="x.io/v1", kind="Fleet", name="a"), 404, NoSuchKind, id="no such group"),
        pytest.param(TargetRef(api_version="apps/v1", kind="DaemonSet", name="a"), 405, Refused, id="without scale"),
    ],
)
async def test_what_cannot_be_scaled_says_why(
    kube_api: KubeApi, kube: Kube, target: TargetRef, status: int, error: type[Refused]
) -> None:
    with pytest.raises(Refused) as refused:
        await Scales(kube).read(kube_api.namespace(), target)

    assert (refused.value.status, type(refused.value)) == (status, error)
