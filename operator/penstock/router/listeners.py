"""The router's HTTP listeners: metrics in plain HTTP, the admin API over TLS."""

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web

from penstock.domain.errors import InvalidField
from penstock.router.metrics import CONTENT_TYPE, Snapshot, exposition, router_families, workload_families
from penstock.router.metrics_aliases import alias_families
from penstock.router.sockets import BACKLOG, bind

FAMILIES = (router_families, workload_families, alias_families)


def metrics_app(take: Callable[[], Snapshot]) -> web.Application:
    """Return an application that answers /metrics from what `take` sees on the event loop."""

    async def metrics(request: web.Request) -> web.Response:
        del request
        text = await asyncio.to_thread(exposition, take(), FAMILIES)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    return app


async def listen(
    app: web.Application, host: str, port: int, flag: str, tls: ssl.SSLContext | None = None
) -> tuple[web.AppRunner, int]:
    """Serve an application and return its runner and port; an empty host is every address, port 0 a free one.

    Raises:
        InvalidField: the port cannot be had; `flag` is where it was asked for.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, bind(host, port), ssl_context=tls, backlog=BACKLOG).start()
    except OSError as error:
        await runner.cleanup()
        raise taken(flag, port, error) from None
    return runner, int(runner.addresses[0][1])


def taken(flag: str, port: int, error: OSError) -> InvalidField:
    """Return the error of a port that cannot be had."""
    return InvalidField(flag, port, f"free the port or choose another ({error.strerror or error})")
