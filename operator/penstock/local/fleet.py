"""Engines as processes on this machine: started, watched, drained and ended to match a wished-for count."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from penstock.domain.requests import Endpoint
from penstock.domain.variants import ObjectKey
from penstock.local.processes import Child, free_ports, penstock_command, start, stop
from penstock.local.world import EngineTemplate

DRAIN_S: Final = 30.0
FORGOTTEN_AFTER_S: Final = 2.0  # by then the router has read the new endpoints file twice
PROBE_TIMEOUT_S: Final = 1.0


@dataclass(eq=False, slots=True)
class Engine:
    """One engine process. It is draining from the moment it is not wanted any more until its last answer ended."""

    name: str
    variant: ObjectKey
    port: int
    child: Child
    created_at_s: float  # Unix time, as the next
    ready: bool = False
    ready_at_s: float | None = None  # for the first time
    draining_since_s: float | None = None

    @property
    def draining(self) -> bool:
        """Whether the engine is not wanted any more."""
        return self.draining_since_s is not None

    @property
    def address(self) -> str:
        """`ip:port`, as endpoints are named everywhere."""
        return f"127.0.0.1:{self.port}"


@dataclass(slots=True)
class Fleet:
    """All engines of the local world, by the Deployment that asks for them."""

    folder: Path
    http: aiohttp.ClientSession
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    engines: list[Engine] = field(default_factory=list)
    wanted: dict[ObjectKey, int] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _leaving: set["asyncio.Task[None]"] = field(default_factory=set)

    def of(self, key: ObjectKey) -> list[Engine]:
        """Return the engines of one Deployment that are meant to stay."""
        return [engine for engine in self.engines if engine.variant == key and not engine.draining]

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return what may be sent requests: ready, and not draining."""
        return tuple(
            Endpoint(address=engine.address, pod=engine.name)
            for engine in self.engines
            if engine.ready and not engine.draining
        )

    async def scale(self, template: EngineTemplate, replicas: int) -> None:
        """Start what is missing; mark the youngest of what is too many as draining."""
        self.wanted[template.key] = replicas
        have = self.of(template.key)
        for _ in range(replicas - len(have)):
            self.engines.append(await self._launch(template))
        for engine in sorted(have, key=lambda one: one.ready)[: max(0, len(have) - replicas)]:
            engine.draining_since_s = self.clock()

    async def restore(self, templates: Mapping[ObjectKey, EngineTemplate]) -> None:
        """Start engines in the place of those that ended by themselves, as a Deployment would."""
        for key, replicas in tuple(self.wanted.items()):
            if key in templates:
                await self.scale(templates[key], replicas)

    async def probe(self) -> list[Child]:
        """Ask every engine whether it is ready; forget and return those that ended by themselves."""
        lost = [engine.child for engine in self.engines if not engine.child.alive and not engine.draining]
        self.engines = [engine for engine in self.engines if engine.child.alive]
        await asyncio.gather(*(self._probe(engine) for engine in self.engines))
        return lost

    def retire(self) -> None:
        """Begin to end the engines of which the router knows by now that they take no new requests."""
        leaving = {task.get_name() for task in self._leaving}
        forgotten_s = self.clock() - FORGOTTEN_AFTER_S
        for engine in self.engines:
            since_s = engine.draining_since_s
            if since_s is not None and since_s < forgotten_s and engine.name not in leaving:
                task = asyncio.create_task(stop(engine.child, DRAIN_S), name=engine.name)
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """End every engine, whatever it does."""
        for task in tuple(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await asyncio.gather(*(stop(engine.child, 2.0) for engine in self.engines))
        self.engines.clear()

    async def _launch(self, template: EngineTemplate) -> Engine:
        name, port = f"{template.key.name}-{next(self._numbers)}", free_ports(1)[0]
        created_at_s = self.wall()
        child = await start(name, _command(template.command, port), self.folder)
        return Engine(name, template.key, port, child, created_at_s)

    async def _probe(self, engine: Engine) -> None:
        engine.ready = False if engine.draining else await answers(self.http, f"http://{engine.address}/health")
        if engine.ready and engine.ready_at_s is None:
            engine.ready_at_s = self.wall()


def _command(words: Iterable[str], port: int) -> tuple[str, ...]:
    """Return the command line of one engine; `penstock …` runs in this very installation."""
    program, *rest = words
    head = penstock_command(*rest) if program == "penstock" else (program, *rest)
    return (*head, "--port", str(port))


async def answers(http: aiohttp.ClientSession, url: str) -> bool:
    """Return whether a URL answers 200 within a second."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)) as answer:
            return answer.status == 200
    return False
