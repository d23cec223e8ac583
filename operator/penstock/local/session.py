"""The whole of Penstock on one machine: starts the processes, keeps them as the files wish, and ends them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from penstock.domain.decisions import Outcome
from penstock.domain.errors import InvalidField, PenstockError, Refused, Unreachable
from penstock.domain.policies import PolicyDocument
from penstock.domain.requests import Endpoint
from penstock.local.fleet import Fleet, answers
from penstock.local.passes import Passes
from penstock.local.ports import Configuring, Ports, Proxying, Scraping
from penstock.local.processes import Child, ended, penstock_command, start, stop
from penstock.local.routing import RouterClient, compiled, write_endpoints
from penstock.local.world import World, fingerprint, read_world

PROBE_EVERY_S: Final = 0.5
START_WITHIN_S: Final = 30.0


class Witness(Protocol):
    """Somebody who is told what happens: the terminal view, the demo's recorder."""

    def passed(self, outcomes: tuple[Outcome, ...], fleet: Fleet) -> None:
        """Learn what one scaling pass came to."""
        ...

    def programmed(self, document: PolicyDocument) -> None:
        """Learn that the router runs this policy now."""
        ...

    def troubled(self, error: PenstockError) -> None:
        """Learn what a person has to mend; everything goes on as it was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Adapters that `wiring` brings."""

    scraping: Scraping
    configuring: Configuring
    proxying: Proxying


@dataclass(slots=True, kw_only=True)
class Session:
    """One run of the local world. `files` is watched; logs and generated files go to `folder`."""

    files: Path
    folder: Path
    ports: Ports
    http: aiohttp.ClientSession
    neighbours: Neighbours
    witness: Witness
    clock: Callable[[], float] = time.time
    fleet: Fleet = field(init=False)
    router: RouterClient = field(init=False)
    world: World = field(init=False)
    _children: list[Child] = field(default_factory=list)
    _seen: str = ""
    _endpoints: tuple[Endpoint, ...] = ()
    _revision: int = 0

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.folder, self.http)
        self.router = RouterClient(f"http://127.0.0.1:{self.ports.admin}", self.http)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Session"]:
        """Start everything, keep it going inside the block, and end it after.

        Raises:
            InvalidField: the files cannot be used.
            Unreachable: a process ended, or did not come up within half a minute.
        """
        self.world = read_world(self.files)
        self._seen = fingerprint(self.files)
        try:
            await self._start()
            async with asyncio.TaskGroup() as loops:
                tasks = [loops.create_task(loop()) for loop in (self._probing, self._watching, self._scaling)]
                try:
                    yield self
                finally:
                    for task in tasks:
                        task.cancel()
        finally:
            await asyncio.gather(*(stop(child) for child in self._children))
            await self.fleet.close()

    async def _start(self) -> None:
        write_endpoints(self.folder / "endpoints.json", ())
        self._children.append(await start("router", self._router_command(), self.folder))
        for template in self.world.engines.values():
            await self.fleet.scale(template, template.replicas)
        await self._until(self._router_answers)
        await self._push()
        proxy = self.neighbours.proxying(self.folder, self.ports)
        self._children.append(await start("envoy", proxy, self.folder))
        await self._until(self._all_ready)
        await self._until(self._proxy_serves)

    def _router_command(self) -> tuple[str, ...]:
        options = {
            "endpoints-file": self.folder / "endpoints.json",
            "eds-file": self.folder / "eds.json",
            "state-dir": self.folder / "router",
            "grpc-port": self.ports.grpc,
            "grpc-health-port": self.ports.health,
            "metrics-port": self.ports.metrics,
            "admin-port": self.ports.admin,
            "envoy-admin-port": self.ports.proxy_admin,
            "secure-serving": "false",
            "log-format": "text",
        }
        return penstock_command("router", "--local", *(f"--{name}={value}" for name, value in options.items()))

    async def _until(self, reached: Callable[[], Awaitable[bool]]) -> None:
        """Ask again and again until `reached`; a process that ended meanwhile ends the waiting."""
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while not await reached():
                    self._check_children()
                    await asyncio.sleep(PROBE_EVERY_S / 2)
        except TimeoutError:
            where = ", ".join(sorted(path.name for path in self.folder.glob("*.log")))
            raise Unreachable("local world", f"not up in {START_WITHIN_S:.0f} s", f"read {where}") from None

    async def _router_answers(self) -> bool:
        return bool(await self.router.state())

    async def _all_ready(self) -> bool:
        for child in await self._probe_once():
            raise ended(child)
        return all(engine.ready for engine in self.fleet.engines)

    async def _proxy_serves(self) -> bool:
        """Whether a request gets through: the router has read its endpoints, and Envoy has read the router's."""
        return await answers(self.http, f"http://127.0.0.1:{self.ports.proxy}/v1/models")

    def _check_children(self) -> None:
        for child in self._children:
            if not child.alive:
                raise ended(child)

    async def _probing(self) -> None:
        while True:
            self._check_children()
            for child in await self._probe_once():
                self.witness.troubled(ended(child))
            await asyncio.sleep(PROBE_EVERY_S)

    async def _probe_once(self) -> list[Child]:
        lost = await self.fleet.probe()
        endpoints = self.fleet.endpoints()
        if endpoints != self._endpoints:
            write_endpoints(self.folder / "endpoints.json", endpoints)
            self._endpoints = endpoints
        self.fleet.retire()
        return lost

    async def _watching(self) -> None:
        while True:
            await asyncio.sleep(PROBE_EVERY_S)
            digest = fingerprint(self.files)
            if digest != self._seen:
                self._seen = digest
                await self._reload()

    async def _reload(self) -> None:
        """Take over changed files; what cannot be used is told and changes nothing."""
        try:
            self.world = read_world(self.files, previous=self.world, generation=self.world.generation + 1)
            await self._push()
        except (InvalidField, Refused) as error:
            self.witness.troubled(error)

    async def _push(self) -> None:
        self._revision += 1
        document = compiled(self.world.policy, self._revision)
        await self.router.push(document)
        self.witness.programmed(document)

    async def _scaling(self) -> None:
        passes = Passes(self.fleet, self.neighbours.scraping, self.clock)
        while True:
            config, interval_s = self.neighbours.configuring(self.world.settings)
            await self.fleet.restore(self.world.engines)
            self.witness.passed(await passes.run(self.world, config, await self.router.asked()), self.fleet)
            await asyncio.sleep(interval_s)
