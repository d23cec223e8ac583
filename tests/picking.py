"""A gate for tests of the wire: answers at once, or holds until told; and engines that tell what reached them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from penstock.router.ports import Answer, Picked, Reply, RequestHead

DEADLINE_S = 20.0


class FixedGate:
    """Sends everything to `addresses`, and counts its calls."""

    def __init__(self, *addresses: str) -> None:
        self.answer: Answer = Picked(addresses=addresses)
        self.holding = False
        self.calls: list[tuple[str, int]] = []
        self.heads: list[RequestHead] = []
        self.held: dict[int, Reply] = {}
        self.served: list[str] = []
        self._changed = asyncio.Event()

    def submit(self, head: RequestHead, reply: Reply) -> int:
        ticket = len(self.heads) + 1
        self.heads.append(head)
        self._note("submit", ticket)
        if self.holding:
            self.held[ticket] = reply
        else:
            reply(self.answer)
        return ticket

    def first_byte(self, ticket: int, served: str = "") -> None:
        self.served.append(served)
        self._note("first_byte", ticket)

    def done(self, ticket: int) -> None:
        self._note("done", ticket)

    def cancel(self, ticket: int) -> None:
        self.held.pop(ticket, None)
        self._note("cancel", ticket)

    def release(self) -> None:
        """Answer all that is held, at once."""
        held, self.held = self.held, {}
        for reply in held.values():
            reply(self.answer)

    def count(self, name: str) -> int:
        return sum(1 for what, _ in self.calls if what == name)

    async def until(self, name: str, count: int = 1) -> None:
        """Wait until a call has come so many times."""
        async with asyncio.timeout(DEADLINE_S):
            while self.count(name) < count:
                self._changed.clear()
                await self._changed.wait()

    def _note(self, name: str, ticket: int) -> None:
        self.calls.append((name, ticket))
        self._changed.set()


class Engine:
    """An HTTP server that tells its name and what it was sent; `/stream` sends chunks as the test says."""

    def __init__(self, name: str) -> None:
        self.name, self.port = name, 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.streaming = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def plain(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests.append(({key.lower(): value for key, value in request.headers.items()}, body))
        return web.Response(body=body, headers={"x-engine": self.name})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "x-engine": self.name})
        await response.prepare(request)
        self.streaming += 1
        while (chunk := await self.chunks.get()) is not None:
            await response.write(chunk)
        return response


@contextlib.asynccontextmanager
async def engines(*names: str) -> AsyncIterator[list[Engine]]:
    """Run engines on free loopback ports."""
    made = [Engine(name) for name in names]
    async with contextlib.AsyncExitStack() as stack:
        for engine in made:
            engine.port = await stack.enter_async_context(_serving(engine))
        yield made


@contextlib.asynccontextmanager
async def _serving(engine: Engine) -> AsyncIterator[int]:
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/stream", engine.stream)
    app.router.add_route("*", "/{path:.*}", engine.plain)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
