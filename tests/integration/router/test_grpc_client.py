"""A foreign gRPC client (grpcio) against our wire, over real sockets."""

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from tests.extproc import part, request, set_headers
from tests.picking import FixedGate

from penstock.router.certificates import ServerTls, self_signed
from penstock.router.extproc.service import PROCESS, external_processor
from penstock.router.grpc.call import Call
from penstock.router.grpc.service import route
from penstock.router.h2.server import Patience, Server
from penstock.router.health import CHECK, WATCH, Health

ECHO = "/t.T/Echo"
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Echo:
    def __init__(self, call: Call) -> None:
        self.call = call

    def message(self, message: bytes) -> None:
        self.call.send(message)

    def end(self) -> None:
        self.call.finish()

    def cancelled(self) -> None: ...


class Setup:
    """A server with all that the router serves, and an echo."""

    def __init__(self) -> None:
        self.health, self.gate = Health(), FixedGate("10.0.0.1:80")
        methods = {ECHO.encode(): Echo, **external_processor(self.gate), **self.health.methods()}
        self.server = Server(route(methods, 8 << 20), patience=Patience(probe_s=0.2))
        self.port = 0

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(f"127.0.0.1:{self.port}", options=UNLIMITED)


@pytest.fixture
async def setup() -> AsyncIterator[Setup]:
    one = Setup()
    one.port = await one.server.listen("127.0.0.1", 0)
    yield one
    await one.server.close()


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
async def test_unary_calls_of_any_size(setup: Setup, size: int) -> None:
    body = bytes(number % 251 for number in range(size))

    async with setup.channel() as channel:
        assert await channel.unary_unary(ECHO)(body) == body


async def test_many_calls_on_one_connection_at_once(setup: Setup) -> None:
    async with setup.channel() as channel:
        call = channel.unary_unary(ECHO)
        answers = await asyncio.gather(*[call(b"%d" % number) for number in range(200)])

    assert answers == [b"%d" % number for number in range(200)]


async def test_streams_in_both_directions(setup: Setup) -> None:
    async with setup.channel() as channel:
        call = channel.stream_stream(ECHO)()
        for number in range(50):
            await call.write(b"x" * number)
            assert await call.read() == b"x" * number
        await call.write(b"y" * 1_000_000)
        assert await call.read() == b"y" * 1_000_000
        await call.done_writing()

        assert await call.read() is grpc.aio.EOF
        assert await call.code() is grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("path", "body", "options", "code"),
    [
        pytest.param("/t.T/No", b"", {}, grpc.StatusCode.UNIMPLEMENTED, id="unknown method"),
        pytest.param(ECHO, b"x" * (9 << 20), {}, grpc.StatusCode.RESOURCE_EXHAUSTED, id="too large"),
        pytest.param(
            ECHO, b"x" * 5_000, {"compression": grpc.Compression.Gzip}, grpc.StatusCode.UNIMPLEMENTED, id="compressed"
        ),
        pytest.param("/grpc.health.v1.Health/Check", b"\x0a\x01?", {}, grpc.StatusCode.NOT_FOUND, id="unknown service"),
    ],
)
async def test_refusals_have_a_status_and_leave_the_connection_usable(
    setup: Setup, path: str, body: bytes, options: dict[str, object], code: grpc.StatusCode
) -> None:
    async with setup.channel() as channel:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await channel.unary_unary(path)(body, **options)

        assert raised.value.code() is code
        assert await channel.unary_unary(ECHO)(b"still here") == b"still here"
    assert setup.server.memory.held == 0


async def test_a_pick_over_grpc(setup: Setup) -> None:
    async with setup.channel() as channel:
        call = channel.stream_stream(PROCESS.decode())()
        await call.write(request({":path": "/v1/completions"}))
        answer = await call.read()
        await call.write(part("response_headers"))
        passed = await call.read()
        await call.done_writing()

        assert set_headers(answer)["x-gateway-destination-endpoint"] == b"10.0.0.1:80"
        assert pb.ProcessingResponse.FromString(passed).WhichOneof("response") == "response_headers"
        assert await call.read() is grpc.aio.EOF
    assert setup.gate.calls == [("submit", 1), ("first_byte", 1), ("done", 1)]


async def test_a_client_that_cancels_is_cancelled_at_the_gate(setup: Setup) -> None:
    setup.gate.holding = True
    async with setup.channel() as channel:
        call = channel.stream_stream(PROCESS.decode())()
        await call.write(request({":path": "/v1/completions"}))
        await setup.gate.until("submit")

        call.cancel()
        await setup.gate.until("cancel")


async def test_health_is_checked_and_watched(setup: Setup) -> None:
    async with setup.channel() as channel:
        watch = channel.unary_stream(WATCH.decode())(b"")
        first = await watch.read()
        setup.health.ready = True
        second = await watch.read()
        checked = await channel.unary_unary(CHECK.decode())(b"\x0a\x13inference-extension")

    assert (first, second, checked) == (b"\x08\x02", b"\x08\x01", b"\x08\x01")


async def test_a_drain_lets_open_calls_end_and_takes_no_new_ones(setup: Setup) -> None:
    async with setup.channel() as channel:
        call = channel.stream_stream(ECHO)()
        await call.write(b"before")
        assert await call.read() == b"before"

        drained = asyncio.create_task(setup.server.drain(10.0))
        await asyncio.sleep(0)
        await call.write(b"after")
        assert await call.read() == b"after"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await refused_once_told(channel)
        assert not drained.done()
        await call.done_writing()

        assert await call.read() is grpc.aio.EOF
        assert await drained
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE


async def refused_once_told(channel: grpc.aio.Channel) -> None:
    """Call until the client has learnt of the drain."""
    for _ in range(1_000):
        await channel.unary_unary(ECHO)(b"x")


async def test_a_drain_that_takes_too_long_says_so(setup: Setup) -> None:
    async with setup.channel() as channel:
        call = channel.stream_stream(ECHO)()
        await call.write(b"open")
        await call.read()

        assert not await setup.server.drain(0.05)
        call.cancel()


async def test_silent_clients_are_probed_and_those_that_never_speak_are_dropped(setup: Setup) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", setup.port)

    async with asyncio.timeout(10):
        await reader.read()  # the server's greeting, then the end that it puts to it

    writer.close()
    async with setup.channel() as channel:
        call = channel.stream_stream(ECHO)()
        await call.write(b"x")
        await call.read()
        peer = next(iter(setup.server.peers))
        peer.check(peer._heard_at_s + 0.3, 0.2)
        await call.write(b"alive")
        assert await call.read() == b"alive"


async def test_over_tls(setup: Setup, tmp_path: Path) -> None:
    certificate, key = self_signed(["router"], datetime.datetime.now(datetime.UTC))
    (tmp_path / "tls.crt").write_bytes(certificate)
    (tmp_path / "tls.key").write_bytes(key)
    tls = ServerTls(tmp_path / "tls.crt", tmp_path / "tls.key").context(["h2"])
    port = await setup.server.listen("127.0.0.1", 0, tls)

    async with grpc.aio.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(certificate)) as channel:
        assert await channel.unary_unary(ECHO)(b"secret") == b"secret"
