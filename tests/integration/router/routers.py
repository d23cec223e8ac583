"""A router in this process, on real sockets, and the little that its tests say to it."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from penstock import logs
from penstock.api.document import encode, policy_hash
from penstock.domain.policies import Detector, Policy, PolicyDocument, QueueLimits, Saturation, Weights
from penstock.domain.requests import Endpoint, EndpointLoad
from penstock.router.journal import Journal
from penstock.router.ports import RequestHead
from penstock.router.process import Adapters, Router
from penstock.router.sources import EndpointSource, LoadReader, Publish, Scope, TokenReviewer
from penstock.settings.router import FromFile, Ports, RouterSettings

NAMESPACE = "penstock-system"
ENDPOINT = Endpoint(address="127.0.0.1:9", pod="chat-1")


class Fixed:
    """Endpoints that the test names, at once and whenever it wants."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self._sets: asyncio.Queue[tuple[Endpoint, ...]] = asyncio.Queue()
        self.publish(*endpoints)

    scope: Scope | None = None

    def publish(self, *endpoints: Endpoint) -> None:
        self._sets.put_nowait(endpoints)

    async def run(self, publish: Publish) -> None:
        while True:
            publish(await self._sets.get())


class NoLoads:
    """Engines that tell nothing."""

    async def loads(self, addresses: Iterable[str], now_s: float) -> Mapping[str, EndpointLoad]:
        del addresses, now_s
        return {}


def settings(home: Path, **changes: Any) -> RouterSettings:
    made = RouterSettings(
        endpoints=FromFile(path=home / "endpoints.json"), ports=Ports(grpc=0, health=0, metrics=0, admin=0),
        grpc_address="127.0.0.1", config_file=None, policy_file=None, state_dir=home / "state", eds_file=None,
        secure_serving=True, cert_path=None, drain_timeout_s=0.2, max_workloads=1000, max_body_bytes=1 << 20,
        conformance=False, local=True, operator_namespace=NAMESPACE, pod_name="router-0", pod_uid="pod-uid-1",
    )  # fmt: skip
    return replace(made, **changes)


@contextlib.asynccontextmanager
async def running(
    given: RouterSettings,
    source: EndpointSource,
    reviewer: TokenReviewer | None = None,
    loads: LoadReader | None = None,
) -> AsyncIterator[tuple[Router, Ports]]:
    """Run a router as long as the context lasts."""
    journal = Journal(logs.text_line, logging.INFO, len, time.time)
    joined = Adapters(endpoints=source, loads=loads or NoLoads(), reviewer=reviewer, journal=journal)
    router = Router(given, joined)
    try:
        yield router, await router.start()
    finally:
        await router.close()


def document(revision: int, *, generation: int = 1, at_once: int = 1, **weights: float) -> PolicyDocument:
    saturation = Saturation(detector=Detector.CONCURRENCY, max_concurrency=at_once)
    policy = Policy(weights=replace(Weights(), **weights), queue=QueueLimits(saturation=saturation))
    return PolicyDocument(
        schema=1, revision=revision, uid="uid-1", name="chat", generation=generation, hash=policy_hash(policy),
        policy=policy,
    )  # fmt: skip


def body(revision: int, **how: Any) -> dict[str, Any]:
    return encode(document(revision, **how))


class Admin:
    """Calls the admin API; every answer is a status and a JSON body."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self.http, self.url = http, url
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def call(self, method: str, path: str, **how: Any) -> tuple[int, Any]:
        headers = self.headers | how.pop("headers", {})
        async with self.http.request(method, self.url + path, ssl=False, headers=headers, **how) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str) -> Any:
        status, answer = await self.call("GET", path)
        assert status == 200, answer
        return answer

    async def put_policy(self, given: object) -> tuple[int, Any]:
        return await self.call("PUT", "/v1/policy", json=given)


def send(router: Router, *names: str) -> list[int]:
    heads = [
        RequestHead(headers={b"x-workload-context": f'{{"workload_id":"{name}","criticality":5}}'.encode(),
                             b"x-request-id": f"req-{name}".encode()})
        for name in names
    ]  # fmt: skip
    return [router.gate.submit(head, lambda _: None) for head in heads]
