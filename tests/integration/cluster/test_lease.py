"""One leader at a time, a term that grows, and no leader where the API server cannot be asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from tests.kubeapi import KubeApi
from tests.waiting import eventually

from penstock.api.names import LEASE
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.lease import Election, Timing
from penstock.domain.errors import Unreachable

FAST = Timing(lease_s=1.0, renew_s=0.6, retry_s=0.05)


class CutOff:
    """A connection to the API server that is none."""

    async def call(self, *_: Any, **__: Any) -> Any:
        raise Unreachable("Kubernetes API", "timeout", "")


@asynccontextmanager
async def competing(kube: Kube, namespace: str, identity: str) -> AsyncIterator[Election]:
    election = Election(kube, namespace, identity, timing=FAST)
    task = asyncio.create_task(election.run())
    try:
        yield election
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def shipped(api: KubeApi) -> str:
    namespace = api.namespace()
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    assert api.apply({**lease, "metadata": {"name": LEASE, "namespace": namespace}, "spec": {}}).ok
    return namespace


async def test_second_waits_and_takes_over_with_a_higher_term(kube_api: KubeApi, kube: Kube) -> None:
    namespace = shipped(kube_api)

    async with competing(kube, namespace, "a") as first:
        await eventually(lambda: first.leading)
        async with competing(kube, namespace, "b") as second:
            acquired_until_s = first._held_until_s
            await eventually(lambda: first._held_until_s > acquired_until_s + FAST.lease_s)
            both = (first.leading, second.leading)
            first_term = first.term
            first._kube = CutOff()  # type: ignore[assignment] - it needs no more
            await eventually(lambda: second.leading)
            overlap = first.leading

    assert both == (True, False)
    assert not overlap
    assert (first_term, second.term) == (1, 2)


async def test_lease_given_back_is_free_at_once(kube_api: KubeApi, kube: Kube) -> None:
    namespace = shipped(kube_api)
    async with competing(kube, namespace, "a") as first:
        await eventually(lambda: first.leading)

    lease = kube_api.must("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE}")

    assert not lease["spec"].get("holderIdentity")


async def test_missing_lease_is_named_and_nobody_leads(
    kube_api: KubeApi, kube: Kube, caplog: pytest.LogCaptureFixture
) -> None:
    async with competing(kube, kube_api.namespace(), "a") as only:
        await eventually(lambda: "manifests/operator/lease.yaml" in caplog.text)

    assert not only.leading


async def test_leader_stops_leading_when_the_api_server_is_gone(stopping_kube_api: KubeApi) -> None:
    namespace = shipped(stopping_kube_api)
    async with (
        Kube(Login(kubeconfig=str(stopping_kube_api.kubeconfig))) as kube,
        competing(kube, namespace, "a") as only,
    ):
        await eventually(lambda: only.leading)

        await asyncio.to_thread(stopping_kube_api.stop)

        await eventually(lambda: not only.leading)
