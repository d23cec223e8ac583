"""Joins the local world: scraping in place of Prometheus, Envoy from its wheel, and somebody who watches."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console

from penstock.local.envoybin import envoy_binary
from penstock.local.ports import Ports
from penstock.local.processes import free_ports
from penstock.local.session import Neighbours, Session, Witness
from penstock.local.view import View
from penstock.local.world import NAMESPACE
from penstock.router.envoyconfig import EnvoyOptions, bootstrap
from penstock.scaling.config import Config
from penstock.settings.operator import OperatorOptions
from penstock.telemetry.scraper import SCRAPES, Scraper

PROXY_PORT: Final = 8081


def proxying(folder: Path, ports: Ports) -> Sequence[str]:
    """Write Envoy's bootstrap into `folder` and return how to start it."""
    options = EnvoyOptions(
        listen_host="127.0.0.1",
        listen_port=ports.proxy,
        admin_port=ports.proxy_admin,
        picker_port=ports.grpc,
        eds_path=str((folder / "eds.json").resolve()),
    )
    config = folder / "envoy.json"
    config.write_text(json.dumps(bootstrap(options)))
    quiet = ("--disable-hot-restart", "--log-level", "warning", "--concurrency", "1")
    return (str(envoy_binary()), "--config-path", str(config), *quiet)


def configuring(values: Mapping[str, str]) -> tuple[Config, float]:
    """Return the scaling configuration, and the interval in seconds, that `penstock-config` asks for."""
    settings = OperatorOptions(flags={}, environ=os.environ, operator_namespace=NAMESPACE)(values)
    window_s = min(SCRAPES * settings.interval_s, settings.scaling.rate_window_s)
    return replace(settings.scaling, rate_window_s=window_s), settings.interval_s


def ports(proxy: int = 0) -> Ports:
    """Choose ports on loopback; `proxy` 0 takes a free one."""
    free = free_ports(6)
    return Ports(
        proxy=proxy or free[0], proxy_admin=free[1], grpc=free[2], health=free[3], metrics=free[4], admin=free[5]
    )


@contextlib.asynccontextmanager
async def session(files: Path, folder: Path, chosen: Ports, witness: Witness) -> AsyncIterator[Session]:
    """Run the local world of `files` as long as the block lasts; logs and generated files go to an emptied `folder`."""
    _fresh(folder)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:
        neighbours = Neighbours(scraping=Scraper(http), configuring=configuring, proxying=proxying)
        world = Session(files=files, folder=folder, ports=chosen, http=http, neighbours=neighbours, witness=witness)
        async with world.running():
            yield world


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def run(files: Path, folder: Path, duration_s: float | None, *, no_color: bool) -> int:
    """Run until a signal, or for `duration_s` seconds, with a view in the terminal."""
    asyncio.run(_run(files, folder, duration_s, Console(no_color=no_color)))
    return 0


async def _run(files: Path, folder: Path, duration_s: float | None, console: Console) -> None:
    chosen = ports(PROXY_PORT)
    view = View(console, lambda: f"penstock local: http://127.0.0.1:{chosen.proxy}/v1/ · logs in {folder}")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    with view:
        async with session(files, folder, chosen, view):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(duration_s):
                    await ended.wait()
