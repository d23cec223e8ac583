"""A real Envoy for tests, from its wheel, on free loopback ports, with the bootstrap that we ship."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.needs import missing

from penstock.domain.errors import NotEnoughData
from penstock.local.envoybin import envoy_binary
from penstock.router.envoyconfig import EnvoyOptions, bootstrap, cluster_load_assignment

READY_WITHIN_S = 20.0
LISTENS = re.compile(r"inference::[0-9.]+:(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envoy:
    """A running Envoy: where it listens, its admin port, and the EDS file that it follows."""

    port: int
    admin_port: int
    eds: Path
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def set_engines(self, *addresses: str) -> None:
        """Replace the EDS file by rename, as the router does."""
        fresh = self.eds.with_suffix(".new")
        fresh.write_text(json.dumps(cluster_load_assignment(addresses)))
        fresh.rename(self.eds)


def binary() -> Path:
    """Return Envoy's binary, or skip the test."""
    try:
        return envoy_binary()
    except NotEnoughData as error:
        missing("Envoy", str(error))


@contextlib.asynccontextmanager
async def envoy(
    folder: Path,
    picker_port: int,
    engines: tuple[str, ...],
    edit: Callable[[dict[str, Any]], None] = lambda _: None,
    **changes: object,
) -> AsyncIterator[Envoy]:
    """Run Envoy in front of `engines` (`ip:port`) with the picker on `picker_port`.

    `changes` go to EnvoyOptions; `edit` may alter the bootstrap before Envoy reads it.
    """
    eds, config, address = folder / "eds.json", folder / "envoy.json", folder / "admin.txt"
    eds.write_text(json.dumps(cluster_load_assignment(engines)))
    options = EnvoyOptions(
        listen_host="127.0.0.1", listen_port=0, admin_port=0, picker_port=picker_port, eds_path=str(eds)
    )
    written = bootstrap(replace(options, **changes))  # type: ignore[arg-type]  # rows of a table
    edit(written)
    config.write_text(json.dumps(written))
    flags = ("--disable-hot-restart", "--concurrency", "1", "-l", "error", "--admin-address-path", str(address))
    with (folder / "envoy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(str(binary()), "-c", str(config), *flags, stderr=log)
    try:
        ports = await _ready(address, process)
        assert ports, (folder / "envoy.log").read_text()
        yield Envoy(port=ports[1], admin_port=ports[0], eds=eds, process=process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def admin(port: int, path: str) -> str:
    """Return the body of a GET on Envoy's admin port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def knows(front: Envoy, address: str, *, known: bool = True) -> None:
    """Wait until Envoy has taken an engine's address in, or let it go."""
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            if (address in await admin(front.admin_port, "/clusters")) is known:
                return
            await asyncio.sleep(0.01)


async def _ready(address: Path, process: asyncio.subprocess.Process) -> tuple[int, int] | None:
    """Wait until the listeners are up and return the ports of admin and listener; None where Envoy has ended."""
    async with asyncio.timeout(READY_WITHIN_S):
        while process.returncode is None:
            with contextlib.suppress(OSError, ValueError):
                port = _port(address)
                if "LIVE" in await admin(port, "/ready"):
                    return port, int(LISTENS.findall(await admin(port, "/listeners"))[0])
            await asyncio.sleep(0.02)
    return None


def _port(address: Path) -> int:
    """Return the admin port that Envoy wrote down; ValueError or OSError before it has."""
    return int(address.read_text().rpartition(":")[2])
