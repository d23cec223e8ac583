"""Whole lists after each change, also of what vanished while the API server was away."""

import asyncio
from collections.abc import AsyncIterator

from tests.kubeapi import KubeApi

from penstock.api.kinds import CONFIGMAPS
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.watch import Objects, Watch, follow


async def until(lists: AsyncIterator[Objects], names: set[str]) -> None:
    async with asyncio.timeout(20):
        async for objects in lists:
            if {item["metadata"]["name"] for item in objects} == names:
                return


def put(api: KubeApi, namespace: str, name: str, **labels: str) -> None:
    meta = {"name": name, "namespace": namespace, "labels": labels}
    assert api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}).ok


async def test_lists_follow_what_happens(kube_api: KubeApi, kube: Kube) -> None:
    namespace = kube_api.namespace()
    put(kube_api, namespace, "a", use="yes")
    put(kube_api, namespace, "other", use="no")
    lists = follow(kube, Watch(kind=CONFIGMAPS, namespace=namespace, selector="use=yes"))

    await until(lists, {"a"})
    put(kube_api, namespace, "b", use="yes")
    await until(lists, {"a", "b"})
    kube_api.must("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/a")
    await until(lists, {"b"})


async def test_one_object_by_name(kube_api: KubeApi, kube: Kube) -> None:
    namespace = kube_api.namespace()
    put(kube_api, namespace, "a")
    put(kube_api, namespace, "b")

    await until(follow(kube, Watch(kind=CONFIGMAPS, namespace=namespace, name="b")), {"b"})


async def test_outage_forgets_nothing_and_misses_nothing(stopping_kube_api: KubeApi) -> None:
    api = stopping_kube_api
    put(api, "default", "a", use="yes")
    async with Kube(Login(kubeconfig=str(api.kubeconfig))) as kube:
        lists = follow(kube, Watch(kind=CONFIGMAPS, namespace="default", selector="use=yes"))
        await until(lists, {"a"})
        waiting = asyncio.ensure_future(until(lists, {"b"}))

        await asyncio.to_thread(api.stop)
        await asyncio.to_thread(api.start)
        put(api, "default", "b", use="yes")
        api.must("DELETE", "/api/v1/namespaces/default/configmaps/a")

        await waiting
