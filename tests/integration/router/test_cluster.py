"""A router against a real API server: endpoints of a pool as pods come and go, and tokens that count for one pod."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.integration.router.routers import Admin, running, settings
from tests.kubeapi import KubeApi
from tests.waiting import eventually

from penstock.router.journal import Journal
from penstock.router.process import Router
from penstock.settings.router import FromPool, FromSelector, Ports, RouterSettings
from penstock.wiring.router import adapters

POD_UID = "0f1e2d3c"
AUDIENCE = f"router.penstock.dev/{POD_UID}"


def pool(namespace: str, *ports: int) -> dict[str, Any]:
    spec = {
        "selector": {"matchLabels": {"app": "vllm"}},
        "targetPorts": [{"number": port} for port in ports],
        "endpointPickerRef": {"name": "penstock-router", "port": {"number": 9002}},
    }
    return {
        "apiVersion": "inference.networking.k8s.io/v1", "kind": "InferencePool",
        "metadata": {"name": "chat", "namespace": namespace}, "spec": spec,
    }  # fmt: skip


def apply(api: KubeApi, manifest: dict[str, Any]) -> None:
    reply = api.apply(manifest)
    assert reply.ok, reply.message


def add_pod(api: KubeApi, namespace: str, name: str, ip: str, **annotations: str) -> None:
    body = {
        "metadata": {"name": name, "labels": {"app": "vllm"}, "annotations": annotations},
        "spec": {"containers": [{"name": "engine", "image": "none"}]},
    }
    api.must("POST", f"/api/v1/namespaces/{namespace}/pods", body)
    set_ready(api, namespace, name, ip, "True")


def set_ready(api: KubeApi, namespace: str, name: str, ip: str, ready: str) -> None:
    status = {"podIP": ip, "podIPs": [{"ip": ip}], "conditions": [{"type": "Ready", "status": ready}]}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/status"
    api.must("PATCH", path, {"status": status}, content="application/merge-patch+json")


@pytest.fixture
def namespace(kube_api: KubeApi, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KUBECONFIG", str(kube_api.kubeconfig))
    return kube_api.namespace()


async def routed(given: RouterSettings, journal: Journal) -> AsyncIterator[tuple[Router, Ports]]:
    async with adapters(given, journal) as joined, running(given, joined.endpoints, joined.reviewer) as router:
        yield router


@pytest.fixture
async def pooled(namespace: str, tmp_path: Path) -> AsyncIterator[tuple[Router, Ports]]:
    origin = FromPool(name="chat", namespace=namespace, group="inference.networking.k8s.io")
    given = settings(tmp_path, endpoints=origin, local=False, pod_uid=POD_UID, operator_namespace=namespace)
    async for router in routed(given, Journal(str, 50, len, float)):  # type: ignore[arg-type]  # level 50: never used
        yield router


async def test_endpoints_of_a_pool_follow_its_pods(
    kube_api: KubeApi, namespace: str, pooled: tuple[Router, Ports]
) -> None:
    router, _ = pooled
    seen: list[set[str]] = []

    async def expect(*addresses: str) -> None:
        await eventually(lambda: router.gate.addresses == set(addresses), f"endpoints {addresses}")
        seen.append(set(router.gate.addresses))

    await eventually(lambda: router.health.ready, "readiness without a pool")
    await asyncio.to_thread(apply, kube_api, pool(namespace, 8000, 8001))
    await asyncio.to_thread(add_pod, kube_api, namespace, "chat-1", "10.0.0.1")
    await expect("10.0.0.1:8000", "10.0.0.1:8001")
    await asyncio.to_thread(add_pod, kube_api, namespace, "chat-2", "10.0.0.2", **{"llm-d.ai/active-ports": "8001"})
    await expect("10.0.0.1:8000", "10.0.0.1:8001", "10.0.0.2:8001")
    await asyncio.to_thread(set_ready, kube_api, namespace, "chat-1", "10.0.0.1", "False")
    await expect("10.0.0.2:8001")
    await asyncio.to_thread(apply, kube_api, pool(namespace, 9000, 8001))
    await asyncio.to_thread(set_ready, kube_api, namespace, "chat-1", "10.0.0.1", "True")
    await expect("10.0.0.1:9000", "10.0.0.1:8001", "10.0.0.2:8001")
    await asyncio.to_thread(kube_api.must, "DELETE", f"/api/v1/namespaces/{namespace}/pods/chat-1?gracePeriodSeconds=0")
    await expect("10.0.0.2:8001")

    assert len(seen) == 5
    assert router.admin.scope() == (namespace, "app=vllm")


async def test_endpoints_of_a_selector(kube_api: KubeApi, namespace: str, tmp_path: Path) -> None:
    origin = FromSelector(selector="app=vllm", namespace=namespace, ports=(8000,))
    given = settings(tmp_path, endpoints=origin)
    await asyncio.to_thread(add_pod, kube_api, namespace, "chat-1", "10.0.0.1")

    async for router, _ in routed(given, Journal(str, 50, len, float)):  # type: ignore[arg-type]  # never used
        found = await eventually(lambda router=router: router.gate.addresses, "endpoints")
        scope = router.admin.scope()

    assert found == {"10.0.0.1:8000"}
    assert scope == (namespace, "app=vllm")


@pytest.mark.parametrize(
    ("account", "audience", "expected"),
    [
        pytest.param("penstock-operator", AUDIENCE, (200, 200), id="operator, this pod"),
        pytest.param("penstock-viewer", AUDIENCE, (200, 403), id="viewer reads"),
        pytest.param("default", AUDIENCE, (403, 403), id="another account"),
        pytest.param("penstock-operator", "router.penstock.dev/other", (403, 403), id="another pod's token"),
        pytest.param("penstock-operator", "", (403, 403), id="the API server's token"),
    ],
)
async def test_tokens_count_for_one_account_and_one_pod(
    kube_api: KubeApi, namespace: str, pooled: tuple[Router, Ports], account: str, audience: str,
    expected: tuple[int, int],
) -> None:  # fmt: skip
    token = await asyncio.to_thread(kube_api.service_account_token, namespace, account, audience)

    async with aiohttp.ClientSession() as http:
        admin = Admin(http, f"https://127.0.0.1:{pooled[1].admin}", token)
        read, _ = await admin.call("GET", "/v1/policy")
        written, _ = await admin.call("PUT", "/v1/policy", json={"schema": 1, "revision": 1})

    assert (read, written) == expected
