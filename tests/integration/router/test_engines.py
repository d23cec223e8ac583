"""A router beside a real (emulated) engine: gauges come in over HTTP, and a certificate from a folder serves gRPC."""

import asyncio
import contextlib
import datetime
import http.client
import logging
import re
import ssl
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest
from tests.integration.router.processes import Proxy
from tests.integration.router.routers import running, settings
from tests.waiting import eventually

from penstock import logs
from penstock.domain.policies import Detector
from penstock.router.certificates import CERTIFICATE, KEY, self_signed
from penstock.router.health import CHECK
from penstock.router.journal import Journal
from penstock.router.process import Router
from penstock.settings.router import Ports, RouterSettings
from penstock.wiring.router import adapters

LISTENS = re.compile(r"port=(\d+)")


@contextlib.asynccontextmanager
async def engine(home: Path) -> AsyncIterator[int]:
    """Run an emulated engine and yield its port."""
    command = (sys.executable, "-m", "penstock", "engine", "--model=m", "--port=0", "--host=127.0.0.1",
               "--time-to-first-token=5s", "--max-num-seqs=1")  # fmt: skip
    log = home / "engine.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(*command, stdout=sink, stderr=sink)
    try:
        found = await eventually(lambda: LISTENS.search(log.read_text()), "a listening engine", timeout_s=20.0)
        yield int(found[1])
    finally:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def served(given: RouterSettings) -> AsyncIterator[tuple[Router, Ports]]:
    journal = Journal(logs.text_line, logging.WARNING, len, time.time)
    async with adapters(given, journal) as joined, running(given, joined.endpoints, loads=joined.loads) as router:
        yield router


def post(port: int) -> None:
    body = b'{"model": "m", "prompt": "a", "max_tokens": 1}'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
    connection.close()


async def test_gauges_of_engines_reach_the_scheduler_and_the_pools_metrics(tmp_path: Path) -> None:
    async with engine(tmp_path) as port:
        address = f"127.0.0.1:{port}"
        (tmp_path / "endpoints.json").write_text(f'["{address}"]')
        asked = [asyncio.create_task(asyncio.to_thread(post, port)) for _ in range(3)]
        async with served(settings(tmp_path)) as (router, ports):
            await eventually(lambda: router.health.ready, "readiness")
            load = await eventually(
                lambda: (found := router.gate.gauges.get(address)) and found.waiting == 2 and found, "two waiting"
            )
            text = await asyncio.to_thread(scrape, ports.metrics)
    await asyncio.gather(*asked)

    assert (load.running, load.waiting) == (1, 2)
    assert router.state.now.document.policy.queue.saturation.detector is Detector.LEARNED
    assert 'llm_d_epp_average_queue_size{name="endpoints"} 2.0' in text


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return str(answer.read().decode())


@pytest.mark.parametrize("own_certificate", [True, False], ids=["from a folder", "self-signed"])
async def test_ext_proc_and_its_health_are_served_over_tls(tmp_path: Path, own_certificate: bool) -> None:
    certificate, key = self_signed(["router"], datetime.datetime.now(datetime.UTC))
    (tmp_path / CERTIFICATE).write_bytes(certificate)
    (tmp_path / KEY).write_bytes(key)
    (tmp_path / "endpoints.json").write_text('["127.0.0.1:9"]')
    given = settings(tmp_path, cert_path=tmp_path if own_certificate else None)

    async with served(given) as (router, ports):
        await eventually(lambda: router.health.ready, "readiness")
        shown = await asyncio.to_thread(certificate_of, ports.grpc)
        credentials = grpc.ssl_channel_credentials(shown)
        async with grpc.aio.secure_channel(f"localhost:{ports.grpc}", credentials) as channel:
            healthy = await channel.unary_unary(CHECK.decode())(b"")
            proxy = Proxy(channel=channel)
            exchange = await proxy.send("over-tls")
            endpoint = await exchange.endpoint()
            await exchange.done()

    assert (shown == certificate) is own_certificate
    assert (healthy, endpoint) == (b"\x08\x01", "127.0.0.1:9")


def certificate_of(port: int) -> bytes:
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()
