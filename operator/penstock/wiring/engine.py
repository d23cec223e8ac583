"""Runs `penstock engine`: one emulated server per rank in one event loop, until a signal ends it."""

import asyncio
import contextlib
import logging
import random
import signal
import ssl
import time
from collections.abc import AsyncIterator
from typing import Final

import uvloop
from aiohttp import web

from penstock.domain.errors import InvalidField, Unreachable
from penstock.emulator.host import Clocks, Host
from penstock.emulator.server import application
from penstock.settings.engine import EngineSettings

GRACE_S: Final = 25.0  # below Kubernetes' own 30 s, so that streams end before the kill
_log = logging.getLogger("penstock.engine")


def run(settings: EngineSettings) -> int:
    """Serve until SIGTERM or SIGINT; running answers then have a grace to end."""
    for flag in settings.ignored:
        _log.warning("Flag has no effect here", extra={"flag": f"--{flag}"})
    uvloop.run(_serve(settings))
    return 0


async def _serve(settings: EngineSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        hosts = [await stack.enter_async_context(served(settings, rank)) for rank in range(settings.ranks)]
        await stop.wait()
        for host in hosts:
            host.stopping = True


@contextlib.asynccontextmanager
async def served(settings: EngineSettings, rank: int = 0) -> AsyncIterator[Host]:
    """Serve one rank while the context lasts; port 0 takes any free one, told by the host's `port`."""
    seed = settings.seed if settings.seed is not None else time.time_ns()
    host = Host(settings, rank, Clocks(monotonic=time.monotonic, wall=time.time), random.Random(seed + rank))
    runner = web.AppRunner(
        application(host), handler_cancellation=True, access_log=None, shutdown_timeout=GRACE_S, handle_signals=False
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, host.port, ssl_context=_tls(settings), backlog=1024)
        try:
            await site.start()
        except OSError as error:
            address = f"{settings.host}:{host.port}"
            raise Unreachable(
                address, error.strerror or "cannot listen", "free the port, or name another with --port"
            ) from None
        host.port = runner.addresses[0][1]
        _log.info("Serving", extra={"model": settings.model, "port": host.port, "rank": rank})
        yield host
    finally:
        await runner.cleanup()


def _tls(settings: EngineSettings) -> ssl.SSLContext | None:
    if settings.certificate is None or settings.key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidField("--ssl-certfile", str(settings.certificate), f"name a readable pair ({error})") from None
    return context
