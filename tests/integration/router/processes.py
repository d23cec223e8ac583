"""`penstock router --local` as a process, a proxy's side of its gRPC, and what it printed."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from tests.extproc import part, request, set_headers

from penstock.router.extproc.service import PROCESS
from penstock.router.headernames import LB_NAMESPACE, SERVED

SERVES = re.compile(r"router serves\W+grpc\W+(\d+)\W+health\W+(\d+)\W+metrics\W+(\d+)\W+admin\W+(\d+)")
READY = re.compile(r"endpoints\W+count\W+\d")
FREE_PORTS = ("--grpc-port=0", "--grpc-health-port=0", "--metrics-port=0", "--admin-port=0")
DEADLINE_S = 20.0


@dataclass
class Process:
    """One router process; `grpc` and the other ports are known once it serves."""

    process: asyncio.subprocess.Process
    log: Path
    grpc: int = 0
    health: int = 0
    metrics: int = 0
    admin: int = 0

    def lines(self, containing: str = "") -> list[str]:
        return [line for line in self.log.read_text().splitlines() if containing in line]

    async def until_line(self, containing: str, count: int = 1) -> list[str]:
        """Wait until so many lines hold a text, and return them."""
        await self.until(lambda: len(self.lines(containing)) >= count)
        return self.lines(containing)

    async def until_ready(self) -> None:
        """Wait until the endpoints are known, and take the ports from the log."""
        await self.until(lambda: READY.search(self.log.read_text()) is not None)
        ports = SERVES.search(self.log.read_text())
        assert ports
        self.grpc, self.health, self.metrics, self.admin = map(int, ports.groups())

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                if self.process.returncode is not None:
                    raise AssertionError(f"ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
                await asyncio.sleep(0.01)

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), DEADLINE_S)


@contextlib.asynccontextmanager
async def started(home: Path, *flags: str, name: str = "router", **environment: str) -> AsyncIterator[Process]:
    """Run a router until the context ends; its endpoints file is `home/endpoints.json`."""
    endpoints = home / "endpoints.json"
    if not endpoints.exists():
        endpoints.write_text("[127.0.0.1:9]")
    command = (sys.executable, "-m", "penstock", "router", "--local", f"--endpoints-file={endpoints}",
               f"--state-dir={home / 'state'}", "--secure-serving=false", *FREE_PORTS, *flags)  # fmt: skip
    log = home / f"{name}.log"
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=sink, stderr=sink, env={**os.environ, **environment}
        )
    running = Process(process, log)
    try:
        await running.until_ready()
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def refused(*flags: str, **environment: str) -> tuple[int, str]:
    """Start a router that must not start, and return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "penstock", "router", *flags),
        stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment},
    )  # fmt: skip
    _, said = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode or 0, said.decode()


class Proxy:
    """Envoy's side: one stream per request, closed when the response ends."""

    def __init__(self, port: int = 0, channel: grpc.aio.Channel | None = None) -> None:
        self._channel = channel or grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._process = self._channel.stream_stream(PROCESS.decode())

    async def close(self) -> None:
        await self._channel.close()

    async def send(self, request_id: str, context: Mapping[str, object] | str | None = None, **more: str) -> "Exchange":
        headers = {":path": "/v1/completions", ":method": "POST", "x-request-id": request_id, **more}
        if context is not None:
            headers["x-workload-context"] = context if isinstance(context, str) else json.dumps(context)
        call = self._process()
        await call.write(request(headers))
        return Exchange(call)


class Exchange:
    """One request on its way."""

    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self._call = call

    async def answer(self) -> pb.ProcessingResponse:
        return pb.ProcessingResponse.FromString(await asyncio.wait_for(self._call.read(), DEADLINE_S))

    async def endpoint(self) -> str:
        """Wait for the pick."""
        raw = await asyncio.wait_for(self._call.read(), DEADLINE_S)
        return set_headers(raw)["x-gateway-destination-endpoint"].decode()

    async def served(self, endpoint: str) -> bytes:
        """Tell who served, as the proxy does with response headers, and return what the client would see of it."""
        told = pb.ProcessingRequest.FromString(part("response_headers"))
        told.metadata_context.filter_metadata[LB_NAMESPACE].update({SERVED: endpoint})
        await self._call.write(told.SerializeToString())
        raw = await asyncio.wait_for(self._call.read(), DEADLINE_S)
        return set_headers(raw)["x-conformance-test-served-endpoint"]

    async def done(self) -> None:
        """End the response."""
        await self._call.done_writing()

    async def code(self) -> grpc.StatusCode:
        """Wait until the router ends the call."""
        return await asyncio.wait_for(self._call.code(), DEADLINE_S)

    def leave(self) -> None:
        """Let the client go away."""
        self._call.cancel()


def fields(line: str) -> dict[str, str]:
    """Return the pairs of a text line."""
    return dict(pair.split("=", 1) for pair in line.split() if "=" in pair)


def request_ids(lines: Sequence[str]) -> list[str]:
    return [fields(line)["request_id"] for line in lines]
