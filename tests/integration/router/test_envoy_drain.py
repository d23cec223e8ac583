"""A router that goes has its Envoy send the clients away, on real Envoys and on what is none."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.envoy import Envoy, envoy
from tests.picking import engines
from tests.ports import free_ports

from penstock.router.envoyadmin import send_clients_away


@pytest.fixture(name="front")
async def _front(tmp_path: Path) -> AsyncIterator[Envoy]:
    async with engines("one") as (engine,), envoy(tmp_path, free_ports(1)[0], (engine.address,)) as front:
        yield front


async def test_clients_are_answered_and_told_to_go(front: Envoy) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(front.url) as before:
            assert before.headers.get("connection") != "close"

        await send_clients_away(front.admin_port)

        async with http.get(front.url) as after:
            assert after.status == 200
            assert after.headers["connection"] == "close"


async def test_no_envoy_is_no_reason_to_stay(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await send_clients_away(free_ports(1)[0])

    assert "Envoy does not drain its clients" in caplog.text


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 404 Not Found\r\n\r\n", b"nonsense\r\n"])
async def test_somebody_else_on_that_port_is_told(caplog: pytest.LogCaptureFixture, answer: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    async with server:
        with caplog.at_level(logging.WARNING):
            await send_clients_away(server.sockets[0].getsockname()[1])

    assert "Envoy does not drain its clients" in caplog.text
