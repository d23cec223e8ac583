"""Real Envoy in front of our wire, with the bootstrap that we ship."""

import asyncio
import contextlib
import datetime
import io
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from tests.envoy import Envoy, envoy, knows
from tests.picking import DEADLINE_S, Engine, FixedGate, engines
from tests.ports import free_ports

from penstock.domain.reasons import RejectReason
from penstock.router.certificates import ServerTls, self_signed
from penstock.router.envoyconfig import BodyMode
from penstock.router.extproc.service import external_processor, limits
from penstock.router.grpc.service import route
from penstock.router.h2.server import Server
from penstock.router.ports import Picked, Refusal

DUPLEX = {"request_body": BodyMode.FULL_DUPLEX_STREAMED, "response_body": BodyMode.FULL_DUPLEX_STREAMED}
PATH = "/v1/completions"


@dataclass(slots=True)
class Rig:
    """A gate behind our wire, behind Envoy, before two engines."""

    gate: FixedGate
    front: Envoy
    engines: list[Engine]
    server: Server
    http: aiohttp.ClientSession

    async def post(self, body: bytes = b"{}", **headers: str) -> aiohttp.ClientResponse:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.front.url + PATH, data=io.BytesIO(body), headers=names) as response:
            await response.read()
            return response

    def pick(self, *addresses: str) -> None:
        self.gate.answer = Picked(addresses=addresses)


@contextlib.asynccontextmanager
async def rig(folder: Path, **options: object) -> AsyncIterator[Rig]:
    async with contextlib.AsyncExitStack() as stack:
        served = await stack.enter_async_context(engines("one", "two"))
        gate = FixedGate(served[1].address)
        server = Server(route(external_processor(gate), 11 << 20), limits())
        port = await server.listen("127.0.0.1", 0, secret(folder) if options.get("picker_tls") else None)
        stack.push_async_callback(server.close)
        addresses = tuple(engine.address for engine in served)
        front = await stack.enter_async_context(envoy(folder, port, addresses, **options))
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        yield Rig(gate=gate, front=front, engines=served, server=server, http=http)


def secret(folder: Path) -> ssl.SSLContext:
    """Return a context with a certificate that nobody has signed but itself."""
    certificate, key = self_signed(["router"], datetime.datetime.now(datetime.UTC))
    (folder / "tls.crt").write_bytes(certificate)
    (folder / "tls.key").write_bytes(key)
    return ServerTls(folder / "tls.crt", folder / "tls.key").context(["h2"])


async def test_the_picker_may_speak_tls(tmp_path: Path) -> None:
    async with rig(tmp_path, picker_tls=True) as one:
        answer = await one.post()
        await one.gate.until("done")

        assert answer.headers["x-engine"] == "two"


async def test_the_pick_is_honoured_and_what_engines_must_not_see_is_gone(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        one.gate.answer = Picked(addresses=(one.engines[1].address,), set_headers=(("x-request-id", b"ours"),))

        answers = [
            await one.post(
                b"prompt",
                x_workload_context='{"workload_id": "a"}',
                x_gateway_destination_endpoint=one.engines[0].address,
                x_prefiller_host_port="10.9.9.9:1",
                x_kept="yes",
            )
            for _ in range(5)
        ]
        await one.gate.until("done", 5)

        assert {answer.headers["x-engine"] for answer in answers} == {"two"}
        headers, body = one.engines[1].requests[0]
        assert body == b"prompt"
        assert headers["x-gateway-destination-endpoint"] == one.engines[1].address
        assert (headers["x-request-id"], headers["x-kept"]) == ("ours", "yes")
        assert not {"x-workload-context", "x-prefiller-host-port"} & set(headers)
        head = one.gate.heads[0]
        assert (head.path, head.size_bytes, head.body) == (PATH.encode(), 6, None)
        assert head.headers[b"x-workload-context"] == b'{"workload_id": "a"}'
        assert b"x-gateway-destination-endpoint" not in head.headers


async def test_a_repeated_header_is_told(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.front.port)
        repeated = "x-workload-context: 1\r\nX-Workload-Context: 2\r\n"
        writer.write(f"GET {PATH} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{repeated}\r\n".encode())
        await reader.read()
        writer.close()

        head = one.gate.heads[0]
        assert head.headers[b"x-workload-context"] == b"1"
        assert head.repeated == {b"x-workload-context"}


async def test_requests_without_a_body_are_picked_at_once_in_every_mode(tmp_path: Path) -> None:
    async with rig(tmp_path, **DUPLEX) as one:
        async with one.http.get(one.front.url + "/v1/models") as answer:
            assert (answer.status, answer.headers["x-engine"]) == (200, "two")

        await one.gate.until("done")
        assert one.gate.heads[0].end_of_stream


async def test_a_dead_endpoint_falls_back_to_the_next_of_the_list(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        dead = f"127.0.0.1:{free_ports(1)[0]}"
        one.front.set_engines(dead, *[engine.address for engine in one.engines])
        one.pick(dead, one.engines[0].address)
        await knows(one.front, dead)

        answers = [await one.post() for _ in range(3)]

        assert [(answer.status, answer.headers.get("x-engine")) for answer in answers] == [(200, "one")] * 3


@pytest.mark.parametrize("size", [2, 3_000_000])
async def test_a_request_is_held_and_released(tmp_path: Path, size: int) -> None:
    async with rig(tmp_path) as one:
        one.gate.holding = True
        waiting = asyncio.create_task(one.post(b"x" * size))
        await one.gate.until("submit")
        before = len(one.engines[1].requests)

        one.gate.release()
        answer = await waiting

        assert (before, answer.status, answer.headers["x-engine"]) == (0, 200, "two")
        assert len(one.engines[1].requests[0][1]) == size


async def test_a_client_that_leaves_while_held_is_cancelled(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        one.gate.holding = True
        waiting = asyncio.create_task(one.post())
        await one.gate.until("submit")

        waiting.cancel()
        await one.gate.until("cancel")

        assert one.gate.count("done") == 0
        assert one.engines[1].requests == []


@pytest.mark.parametrize("first_byte", [False, True])
async def test_the_end_of_a_stream_is_told_and_not_before(tmp_path: Path, *, first_byte: bool) -> None:
    async with rig(tmp_path, first_byte=first_byte) as one:
        async with one.http.get(one.front.url + "/stream") as answer:
            one.engines[1].chunks.put_nowait(b"data: 1\n\n")
            first = await answer.content.readany()
            early = one.gate.count("done")
            one.engines[1].chunks.put_nowait(b"data: 2\n\n")
            one.engines[1].chunks.put_nowait(None)
            rest = await answer.read()
        await one.gate.until("done")

        assert (first, early, rest) == (b"data: 1\n\n", 0, b"data: 2\n\n")
        assert one.gate.count("first_byte") == int(first_byte)


async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_done(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        async with one.http.get(one.front.url + "/stream") as answer:
            one.engines[1].chunks.put_nowait(b"data: 1\n\n")
            await answer.content.readany()
            answer.close()

        await one.gate.until("done")
        assert one.gate.count("cancel") == 0


async def test_while_the_picker_is_away_requests_go_to_the_least_loaded_without_spoofed_headers(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        assert (await one.post()).headers["x-engine"] == "two"
        await one.server.close()

        answers = [await one.post(x_prefiller_host_port="10.9.9.9:1") for _ in range(20)]

        assert {answer.status for answer in answers} == {200}
        assert {answer.headers["x-engine"] for answer in answers} == {"one", "two"}
        assert all("x-prefiller-host-port" not in headers for headers, _ in one.engines[0].requests)


async def test_a_picker_that_comes_back_is_used_at_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        port = next(iter(one.server._listeners)).sockets[0].getsockname()[1]
        await one.server.close()
        await one.post()
        again = Server(route(external_processor(one.gate)))
        await again.listen("127.0.0.1", port)

        async with asyncio.timeout(DEADLINE_S):
            while one.gate.count("submit") == 0:
                await one.post()

        await again.close()


async def test_a_fail_closed_front_refuses_while_the_picker_is_away(tmp_path: Path) -> None:
    async with rig(tmp_path, fail_open=False) as one:
        await one.server.close()

        assert (await one.post()).status == 500


@pytest.mark.unmeasured
async def test_two_thousand_held_requests_are_released_at_once_without_an_error(tmp_path: Path) -> None:
    count = 2_000
    async with rig(tmp_path) as one:
        one.gate.holding = True
        waiting = [asyncio.create_task(one.post()) for _ in range(count)]
        await one.gate.until("submit", count)

        one.gate.release()
        answers = await asyncio.gather(*waiting)
        await one.gate.until("done", count)

        assert {answer.status for answer in answers} == {200}
        assert one.server.memory.held == 0


@pytest.mark.parametrize("size", [0, 1, 62_000, 62_001, 10 << 20])
async def test_full_duplex_bodies_arrive_byte_by_byte_both_ways(tmp_path: Path, size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    async with rig(tmp_path, **DUPLEX) as one:
        async with one.http.post(one.front.url + PATH, data=io.BytesIO(body)) as answer:
            returned = await answer.read()
        await one.gate.until("done")

        assert one.engines[1].requests[0][1] == body
        assert returned == body
        assert one.gate.heads[0].body == (body if size else None)
        assert one.gate.count("first_byte") == 1


async def test_a_full_duplex_body_of_unknown_length_is_collected_too(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 10_000

    async with rig(tmp_path, **DUPLEX) as one:
        async with one.http.post(one.front.url + PATH, data=pieces()) as answer:
            assert await answer.read() == b"x" * 50_000

        assert one.gate.heads[0].size_bytes == 50_000


@pytest.mark.parametrize("mode", [BodyMode.FULL_DUPLEX_STREAMED, BodyMode.BUFFERED])
async def test_a_body_above_the_limit_is_refused(tmp_path: Path, mode: BodyMode) -> None:
    async with rig(tmp_path, request_body=mode, body_limit_bytes=32 << 20) as one:
        answer = await one.post(b"x" * ((10 << 20) + 1))

        assert answer.status == 413
        assert one.gate.heads == []


async def test_full_duplex_streams_pass_chunk_by_chunk(tmp_path: Path) -> None:
    async with rig(tmp_path, **DUPLEX) as one:
        async with one.http.get(one.front.url + "/stream") as answer:
            for chunk in (b"data: 1\n\n", b"data: 2\n\n"):
                one.engines[1].chunks.put_nowait(chunk)
                assert await answer.content.readany() == chunk
            one.engines[1].chunks.put_nowait(None)
            assert await answer.read() == b""
        await one.gate.until("done")


@pytest.mark.parametrize("mode", [BodyMode.BUFFERED, BodyMode.STREAMED])
async def test_other_body_modes(tmp_path: Path, mode: BodyMode) -> None:
    body = b"z" * 200_000
    async with rig(tmp_path, request_body=mode, response_body=mode) as one:
        async with one.http.post(one.front.url + PATH, data=body) as answer:
            assert await answer.read() == body
            assert answer.headers["x-engine"] == "two"
        await one.gate.until("done")

        assert one.engines[1].requests[0][1] == body
        assert one.gate.heads[0].body == (body if mode is BodyMode.BUFFERED else None)


@pytest.mark.parametrize("mode", [BodyMode.NONE, BodyMode.BUFFERED, BodyMode.FULL_DUPLEX_STREAMED])
async def test_a_refusal_reaches_the_client_in_every_mode(tmp_path: Path, mode: BodyMode) -> None:
    async with rig(tmp_path, request_body=mode) as one:
        one.gate.answer = Refusal(status=429, reason=RejectReason.SATURATED, message="queue full", retry_after_s=2.0)

        async with one.http.post(one.front.url + PATH, data=b"prompt") as answer:
            body = await answer.json()

        assert (answer.status, answer.headers["retry-after"]) == (429, "2")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-llm-d-request-dropped-reason"] == "rejected-saturated"
        assert body["error"]["message"] == "queue full"
        assert one.engines[1].requests == []


async def test_engines_that_come_and_go_are_followed_from_the_file(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        one.front.set_engines(one.engines[0].address)
        await knows(one.front, one.engines[1].address, known=False)

        answer = await one.post()

        assert answer.headers["x-engine"] == "one"


async def test_the_router_drains_without_an_error_to_the_client(tmp_path: Path) -> None:
    async with rig(tmp_path) as one:
        one.gate.holding = True
        waiting = asyncio.create_task(one.post())
        await one.gate.until("submit")

        drained = asyncio.create_task(one.server.drain(DEADLINE_S))
        await asyncio.sleep(0)
        one.gate.release()
        answer = await waiting

        assert (answer.status, answer.headers["x-engine"]) == (200, "two")
        assert await drained
