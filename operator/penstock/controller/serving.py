"""The operator's own HTTP ports: metrics on one, liveness and readiness on the other."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

LATE_AFTER_S: Final = 60.0


@dataclass(slots=True)
class Pulse:
    """When each loop last came round; a loop that stopped makes the process unhealthy, whatever else still answers."""

    clock: Callable[[], float] = time.monotonic
    _beats: dict[str, tuple[float, float]] = field(default_factory=dict)

    def beat(self, loop: str, next_in_s: float) -> None:
        """Note that `loop` is alive and means to come round again after `next_in_s`."""
        self._beats[loop] = (self.clock(), next_in_s)

    def late(self) -> list[str]:
        """Return the loops that should have come round long ago."""
        now_s = self.clock()
        return [name for name, (at_s, next_s) in self._beats.items() if now_s - at_s > next_s + LATE_AFTER_S]


@asynccontextmanager
async def serving(
    metrics: CollectorRegistry,
    pulse: Pulse,
    ready: Callable[[], str],
    ports: tuple[int, int],
    address: str = "",
    more: Iterable[web.RouteDef] = (),
) -> AsyncIterator[tuple[int, int]]:
    """Serve `/metrics` and `more` on the first port, `/healthz` and `/readyz` on the second; yield those bound.

    `ready` returns why the operator is not ready, or an empty text.
    """

    async def show_metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(_: web.Request) -> web.Response:
        late = pulse.late()
        return web.Response(text="ok" if not late else f"late: {', '.join(late)}", status=500 if late else 200)

    async def readyz(_: web.Request) -> web.Response:
        missing = ready()
        return web.Response(text=missing or "ok", status=503 if missing else 200)

    async with AsyncExitStack() as stack:
        first = await _listen(stack, [web.get("/metrics", show_metrics), *more], address, ports[0])
        second = await _listen(stack, [web.get("/healthz", healthz), web.get("/readyz", readyz)], address, ports[1])
        yield first, second


async def _listen(stack: AsyncExitStack, routes: list[web.RouteDef], address: str, port: int) -> int:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, address or None, port).start()
    return int(runner.addresses[0][1])
