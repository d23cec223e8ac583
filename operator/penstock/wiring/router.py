"""Runs `penstock router`: joins the router to the API server, or to a file, and keeps it until a signal ends it."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, TextIO

import aiohttp
import uvloop

from penstock import logs
from penstock.api.kinds import Kind
from penstock.router.endpoints import PoolEndpoints, SelectedEndpoints
from penstock.router.endpoints_file import FileEndpoints
from penstock.router.journal import Journal
from penstock.router.process import Adapters, Router
from penstock.router.sources import EndpointSource, Following, TokenReviewer
from penstock.settings.router import FromFile, FromPool, FromSelector, RouterSettings
from penstock.telemetry.scraper import LoadReader

SCRAPES_AT_ONCE: Final = 16
SCRAPE_WITHIN_S: Final = 0.9
_log: Final = logging.getLogger("penstock.router")


def run(settings: RouterSettings, *, log_format: str, ignored_flags: tuple[str, ...], sink: TextIO) -> int:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises:
        InvalidField: a setting that cannot be used; Unreachable, Refused: no way to the API server.
    """
    for flag in ignored_flags:
        _log.warning("flag has no effect here", extra={"flag": flag})
    level = _log.getEffectiveLevel()

    def write(text: str) -> None:
        sink.write(text)
        sink.flush()

    render = logs.json_line if log_format == "json" else logs.text_line
    uvloop.run(_serve(settings, Journal(render, level, write, time.time)))
    return 0


async def _serve(settings: RouterSettings, journal: Journal) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with adapters(settings, journal) as joined:
        router = Router(settings, joined)
        try:
            ports = await router.start()
            _log.info(
                "router serves",
                extra={"grpc": ports.grpc, "health": ports.health, "metrics": ports.metrics, "admin": ports.admin,
                       "policy_source": router.state.now.source.value,
                       "policy_generation": router.state.now.document.generation},
            )  # fmt: skip
            await stop.wait()
            _log.info("router drains", extra={"open_requests": router.gate.open_requests})
            await router.drain()
        finally:
            await router.close()


@contextlib.asynccontextmanager
async def adapters(settings: RouterSettings, journal: Journal) -> AsyncIterator[Adapters]:
    """Open what the router needs from outside, and close it in the end."""
    async with contextlib.AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=SCRAPES_AT_ONCE)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        source, reviewer = await _cluster(settings, stack)
        yield Adapters(endpoints=source, loads=LoadReader(http, SCRAPE_WITHIN_S), reviewer=reviewer, journal=journal)


async def _cluster(
    settings: RouterSettings, stack: contextlib.AsyncExitStack
) -> tuple[EndpointSource, TokenReviewer | None]:
    """Return where endpoints come from and who knows tokens; the API server is talked to only where one is needed."""
    if settings.local and isinstance(settings.endpoints, FromFile):
        return FileEndpoints(settings.endpoints.path), None
    from penstock.cluster.client import Kube  # noqa: PLC0415 - a second of imports that local mode does not need
    from penstock.cluster.connection import Login  # noqa: PLC0415 - same
    from penstock.cluster.reviews import Reviews  # noqa: PLC0415 - same
    from penstock.cluster.watch import Watch, follow  # noqa: PLC0415 - same

    kube = await stack.enter_async_context(Kube(Login()))

    class Follower:
        def follow(
            self, kind: Kind, namespace: str, *, selector: str = "", name: str = ""
        ) -> AsyncIterator[tuple[Mapping[str, Any], ...]]:
            return follow(kube, Watch(kind=kind, namespace=namespace, selector=selector, name=name))

    return _source(settings, Follower()), None if settings.local else Reviews(kube)


def _source(settings: RouterSettings, following: Following) -> EndpointSource:
    match settings.endpoints:
        case FromPool(name=name, namespace=namespace, group=group):
            return PoolEndpoints(following, namespace, name, group)
        case FromSelector(selector=selector, namespace=namespace, ports=ports):
            return SelectedEndpoints(following, namespace, selector, ports)
        case FromFile(path=path):
            return FileEndpoints(path)
