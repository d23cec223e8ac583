"""The operator as one process: watches, lists, elections, loops and ports, all of which end together."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import kopf
from aiohttp import web

from penstock.controller import handlers, loops, reconcile
from penstock.controller.actuate import Actuator
from penstock.controller.aggregate import Aggregator
from penstock.controller.configuration import Configuration
from penstock.controller.drains import Drains
from penstock.controller.history import History
from penstock.controller.inflows import Inflows
from penstock.controller.judge import Judge
from penstock.controller.keda import Numbers, answering
from penstock.controller.learned import Learned
from penstock.controller.metrics import Meters
from penstock.controller.nodelist import NodeList
from penstock.controller.nodes import Nodes
from penstock.controller.plan import Documents
from penstock.controller.ports import Leadership, Objects, Revisions, Scales, Scraping, Tokens
from penstock.controller.push import Pusher
from penstock.controller.recording import Recorder
from penstock.controller.recordring import Ring
from penstock.controller.relay import Relay
from penstock.controller.report import Reporter
from penstock.controller.routers import RouterAdmin
from penstock.controller.routing import Routing
from penstock.controller.scalers import SCALER_PORT
from penstock.controller.scaling_pass import ScalingPass
from penstock.controller.serving import Pulse, serving
from penstock.controller.targets import Targets
from penstock.controller.world import World
from penstock.domain.variants import ObjectKey

log = logging.getLogger("penstock.operator")


class Election(Leadership, Protocol):
    """Leadership that has to be worked for."""

    async def run(self) -> None:
        """Compete until cancelled."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """What the process needs from outside."""

    objects: Objects
    revisions: Revisions
    scales: Scales
    tokens: Tokens
    election: Election
    scraping: Scraping
    login: Callable[[], Awaitable[kopf.ConnectionInfo]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What cannot change while the process runs. Ports of 0 take free ones, which the log names."""

    namespaces: tuple[str, ...] = ()
    controller_instance: str = ""
    metrics_port: int = 8080
    health_port: int = 8081
    keda_port: int = SCALER_PORT
    address: str = ""
    relist_s: float = reconcile.EVERY_S
    record_dir: Path = Path("/var/lib/penstock/records")
    record_limit_bytes: int = 256 * 2**20


class Operator:
    """Joins the parts; `run` serves until cancelled or told to stop."""

    def __init__(self, adapters: Adapters, configuration: Configuration, options: Options) -> None:
        self._adapters, self._options = adapters, options
        self.configuration = configuration
        self.world = World()
        self.ports = (0, 0, 0)  # of metrics, health and KEDA's scaler, once it serves
        self.meters = Meters(options.controller_instance)
        self.admin = RouterAdmin(adapters.tokens)
        documents, inflows = Documents(), Inflows(wake=self.world.scaling.set)
        self.recorder = Recorder(Ring(options.record_dir, options.record_limit_bytes))
        self.scaling = ScalingPass(
            world=self.world,
            configuration=configuration,
            scraping=adapters.scraping,
            targets=Targets(adapters.scales, Nodes(adapters.objects.get)),
            inflows=inflows,
            actuator=Actuator(
                adapters.scales, adapters.objects, adapters.election, Drains(adapters.objects), self.meters.ended
            ),
            reporter=Reporter(adapters.objects, self.world, self.meters),
            meters=self.meters,
            leadership=adapters.election,
            recorder=self.recorder,
            learned=Learned(adapters.objects, configuration.operator_namespace),
            judge=Judge(adapters.scraping, configuration),
            nodes=NodeList(adapters.objects),
        )
        self.routing = Routing(
            world=self.world,
            objects=adapters.objects,
            documents=documents,
            pusher=Pusher(self.admin, documents),
            aggregator=Aggregator(self.admin, inflows),
            history=History(adapters.revisions, documents),
            meters=self.meters,
            leadership=adapters.election,
        )

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Serve until `stop` is set (None: until SIGTERM or SIGINT).

        A part that fails for good ends all of them and is raised, so that Kubernetes starts the process anew.
        """
        options, pulse, stopping = self._options, Pulse(), stop or asyncio.Event()
        ports = (options.metrics_port, options.health_port)
        told = [
            web.get("/records", self.recorder.show),
            web.get("/routers", Relay(self.admin, self.world.routers).show),
        ]
        async with (
            serving(self.meters.registry, pulse, self._unready, ports, options.address, told) as bound,
            answering(Numbers(self._told), options.address, options.keda_port) as keda,
        ):
            self.ports = (*bound, keda)
            log.info("Operator serves", extra={"metrics": bound[0], "health": bound[1], "keda": keda})
            try:
                parts = self._parts(pulse, stopping, signals=stop is None)
                await _until(stopping, self._adapters.election.run(), parts, self._hand_over)
            finally:
                await self.admin.close()

    def _parts(self, pulse: Pulse, stop: asyncio.Event, *, signals: bool) -> list[Coroutine[Any, Any, None]]:
        adapters, options, world = self._adapters, self._options, self.world
        shared, kopf_runs = handlers.Shared(world, adapters.login), asyncio.Event()
        self.meters.leader.set_function(lambda: float(adapters.election.leading))
        kinds = [cache.kind for cache in world.caches if cache.kind.namespaced or not options.namespaces]
        return [
            handlers.run(shared, kinds, options.namespaces, kopf_runs),
            reconcile.keep_listing(world, adapters.objects, options.namespaces, options.relist_s),
            loops.keep_scaling(self.scaling, adapters.election, pulse),
            loops.keep_routing(self.routing, lambda: self.configuration.settings.interval_s, adapters.election, pulse),
            self.scaling.learned.keep_writing(adapters.election),
            self.scaling.judge.keep_asking(adapters.election),
            loops.keep_summing(self.routing.aggregator, adapters.election),
            *([_stop_on_signals(stop, kopf_runs)] if signals else []),
        ]

    def _told(self, key: ObjectKey) -> Mapping[str, Any] | None:
        """Return an object of ours; of a variant that a scaler declares, which has none, what the leader told last."""
        found = self.world.variants.get(key)
        if found is None and self._adapters.election.leading:
            return self.scaling.reporter.declared.of(key)
        return found

    async def _hand_over(self) -> None:
        await self.scaling.learned.hand_over(self._adapters.election)

    def _unready(self) -> str:
        missing = [str(cache.kind) for cache in self.world.caches if not cache.complete]
        return f"not listed yet: {', '.join(missing)}" if missing else ""


async def _until(
    stop: asyncio.Event,
    election: Coroutine[Any, Any, None],
    parts: Iterable[Coroutine[Any, Any, None]],
    hand_over: Callable[[], Awaitable[None]],
) -> None:
    """Run everything until `stop`; the first that ends by itself ends the others, and its error is raised.

    The election ends last: who gives leadership back has stopped acting, and handed over what the next one needs.
    (kopf, too, cancels what began after it, so nothing that has to end well may begin before kopf has ended.)
    """
    leading = asyncio.create_task(election)
    tasks = [asyncio.create_task(part) for part in (stop.wait(), *parts)]
    try:
        done, _ = await asyncio.wait([leading, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
        await hand_over()
        await _end([leading])
    for task in done:
        task.result()


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    tasks = tuple(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_on_signals(stop: asyncio.Event, kopf_runs: asyncio.Event) -> None:
    """Set `stop` on SIGTERM or SIGINT. kopf takes the signals when it starts, but would not end our parts in order."""
    await kopf_runs.wait()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await asyncio.Event().wait()


def identity() -> str:
    """Return a name for this process in the election, the pod's where there is one."""
    return f"{os.environ.get('POD_NAME') or os.uname().nodename}_{os.getpid()}_{os.urandom(4).hex()}"
