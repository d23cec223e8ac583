"""The shell of our HTTP/2 on real sockets: clients that do not read, do not speak, or are too many."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from tests.h2client import greeting, parse

from penstock.router.grpc.service import route
from penstock.router.h2.frames import Kind, ping
from penstock.router.h2.limits import Limits
from penstock.router.h2.server import Patience, Peer, Server

PING = ping(b"12345678", ack=False)


@contextlib.asynccontextmanager
async def serving(limits: Limits | None = None, patience: Patience | None = None) -> AsyncIterator[tuple[Server, int]]:
    server = Server(route({}), limits, patience)
    port = await server.listen("127.0.0.1", 0)
    try:
        yield server, port
    finally:
        await server.close()


async def joined(server: Server) -> Peer:
    """Wait for the first connection."""
    async with asyncio.timeout(10):
        while True:
            if server.peers:
                return next(iter(server.peers))
            await asyncio.sleep(0.001)


@pytest.mark.unmeasured
async def test_a_client_that_does_not_read_is_not_read_either_and_loses_nothing() -> None:
    pings = 400_000
    async with serving(Limits(control_burst=1_000_000)) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
        peer = await joined(server)
        writer.write(greeting() + PING * pings)
        async with asyncio.timeout(20):
            while True:
                if peer._transport is not None and not peer._transport.is_reading():
                    break
                await asyncio.sleep(0.001)

        answered = b""
        async with asyncio.timeout(20):
            while answered.count(b"12345678") < pings:
                answered += await reader.read(1 << 20)

        assert sum(one.kind == Kind.PING for one in parse(answered)) == pings
        writer.close()


async def test_connections_above_the_limit_are_turned_away() -> None:
    async with serving(patience=Patience(max_connections=1)) as (server, port):
        first = await asyncio.open_connection("127.0.0.1", port)
        await joined(server)
        second = await asyncio.open_connection("127.0.0.1", port)

        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(second[0].read(), 10) == b""

        assert len(server.peers) == 1
        first[1].close()
        second[1].close()


@pytest.mark.parametrize(
    ("silence_s", "spoke", "asked", "dropped"),
    [
        pytest.param(5.0, True, False, False, id="short"),
        pytest.param(10.0, True, True, False, id="long"),
        pytest.param(20.0, True, False, True, id="too long"),
        pytest.param(10.0, False, False, True, id="never spoke"),
    ],
)
async def test_silent_clients_are_asked_then_dropped(
    *, silence_s: float, spoke: bool, asked: bool, dropped: bool
) -> None:
    async with serving() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        peer = await joined(server)
        if spoke:
            writer.write(greeting())
            await asyncio.wait_for(reader.readuntil(b"\0\0\0\4\1\0\0\0\0"), 10)

        peer.check(peer._heard_at_s + silence_s, 10.0)
        peer._flush()

        heard = await asyncio.wait_for(reader.read(1 << 16), 10) if asked or dropped else b""
        assert (b"presence" in heard) is asked
        if dropped:
            with contextlib.suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 10)
            assert reader.at_eof() or reader.exception() is not None
        assert (peer in server.peers) is not dropped
        writer.close()


async def test_a_client_at_fault_is_told_and_disconnected() -> None:
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")

        said = parse(await asyncio.wait_for(reader.read(), 10))

        assert [one.kind for one in said] == [Kind.SETTINGS, Kind.WINDOW_UPDATE, Kind.GOAWAY]
        writer.close()
