"""One router: puts wire, gate, admin API, metrics and endpoint watch together, and takes them apart in good order."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from penstock.domain.requests import Endpoint
from penstock.flow.credit import STALE_AFTER_S
from penstock.flow.scheduler import Scheduler
from penstock.router import loads, tls
from penstock.router.admin import Admin
from penstock.router.admin_auth import Guard
from penstock.router.disk import PolicyDisk
from penstock.router.eds import EdsFile
from penstock.router.envoyadmin import send_clients_away
from penstock.router.extproc.service import MESSAGE_OVERHEAD_BYTES, external_processor, limits
from penstock.router.firstpolicy import first
from penstock.router.gate import FlowGate
from penstock.router.grpc.service import route
from penstock.router.h2.exchange import Route
from penstock.router.h2.server import Server
from penstock.router.health import Health
from penstock.router.introduction import Introduction
from penstock.router.journal import Journal
from penstock.router.listeners import listen, metrics_app, taken
from penstock.router.metrics import Snapshot
from penstock.router.sources import EndpointSource, LoadReader, TokenReviewer
from penstock.router.state import PolicyState
from penstock.settings.router import Ports, RouterSettings

AGAIN_AFTER_S: Final = 1.0
LINGER_S: Final = 5.0  # until gateways have heard that we go
_log: Final = logging.getLogger("penstock.router")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """The outside world. Without a reviewer the admin API asks for no token (local mode)."""

    endpoints: EndpointSource
    loads: LoadReader
    reviewer: TokenReviewer | None
    journal: Journal


class Router:
    """A whole router on one event loop: `start`, later `drain`, then `close`."""

    def __init__(self, settings: RouterSettings, adapters: Adapters) -> None:
        loop = asyncio.get_running_loop()
        self._settings, self._adapters = settings, adapters
        disk = PolicyDisk(settings.state_dir)
        document, source = first(disk, settings.policy_file, settings.config_file)
        scheduler = Scheduler(document, loop.time(), max_workloads=settings.max_workloads)
        self.gate = FlowGate(scheduler, adapters.journal, loop.time, time.time, conformance=settings.conformance)
        self.state = PolicyState(document, source, self.gate.policy, time.time)
        self.health = Health()
        self.admin = Admin(self.gate, self.state, disk.save, settings.pod_name, lambda: adapters.endpoints.scope)
        self._eds = EdsFile(settings.eds_file) if settings.eds_file else None
        known_by_envoy = self._eds is not None and settings.envoy_admin_port
        self._introduction = Introduction(settings.envoy_admin_port, self._take) if known_by_envoy else None
        self._wire = Server(self._wire_route(), limits(settings.max_body_bytes))
        self._probes = Server(route(self.health.methods()))
        self._runners: list[web.AppRunner] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> Ports:
        """Listen, follow endpoints, and return the ports; readiness follows when the endpoints are known.

        Raises:
            InvalidField: a port or a certificate that cannot be used.
        """
        if self._eds is not None:
            self._eds.prepare()
        contexts = tls.contexts(self._settings)
        if (pair := contexts.reloaded) is not None:
            self._spawn(lambda: tls.keep_fresh(pair))
        ports = await self._listen(contexts)
        self._spawn(lambda: self._adapters.endpoints.run(self._publish))
        self._spawn(
            lambda: loads.poll(
                self._adapters.loads,
                lambda: self.gate.addresses,
                lambda: self.state.now.document.policy.queue.saturation.detector,
                self.gate.loads,
            )
        )
        return ports

    async def drain(self) -> None:
        """Say that we go, and wait until nothing is open or the time for it is over; then refuse what still waits."""
        self.health.ready = False
        self.admin.draining = True
        if self._settings.envoy_admin_port:
            await send_clients_away(self._settings.envoy_admin_port)
        loop = asyncio.get_running_loop()
        latest_s = loop.time() + self._settings.drain_timeout_s
        earliest_s = loop.time() + (0.0 if self._settings.local else min(LINGER_S, self._settings.drain_timeout_s))
        while loop.time() < latest_s and (loop.time() < earliest_s or self.gate.open_requests):  # noqa: ASYNC110 - an event would cost every request
            await asyncio.sleep(0.02)
        self.gate.drain()

    async def close(self) -> None:
        """Close everything; what is still open is cut off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._introduction is not None:
            self._introduction.close()
        self.health.hang_up()
        self.admin.hub.close()
        self._wire.release()
        for server in (self._wire, self._probes):
            await server.drain(0.5)
            await server.close()
        for runner in self._runners:
            await runner.cleanup()
        self.gate.close()
        await self._adapters.journal.close()

    def _wire_route(self) -> Route:
        settings = self._settings
        picker = external_processor(self.gate, settings.max_body_bytes, conformance=settings.conformance)
        return route(picker | self.health.methods(), settings.max_body_bytes + MESSAGE_OVERHEAD_BYTES)

    async def _listen(self, contexts: tls.Contexts) -> Ports:
        settings, host = self._settings, self._settings.listen_address
        wanted = settings.ports
        guard = None
        if self._adapters.reviewer is not None:
            clock = asyncio.get_running_loop().time
            guard = Guard(self._adapters.reviewer, settings.pod_uid, settings.operator_namespace, clock)
        metrics, metrics_port = await listen(metrics_app(self._snapshot), host, wanted.metrics, "--metrics-port")
        self._runners.append(metrics)
        admin, admin_port = await listen(self.admin.app(guard), host, wanted.admin, "--admin-port", contexts.admin)
        self._runners.append(admin)
        return Ports(
            grpc=await _bind(self._wire, settings.grpc_address, wanted.grpc, "--grpc-port", contexts.wire),
            health=await _bind(self._probes, host, wanted.health, "--grpc-health-port", None),
            metrics=metrics_port,
            admin=admin_port,
        )

    def _publish(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Tell the endpoints: Envoy first, so that it knows whom we pick."""
        if self._eds is not None:
            self._eds.write(endpoints)
        (self._take if self._introduction is None else self._introduction.publish)(endpoints)

    def _take(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.gate.endpoints(endpoints)
        if not self.admin.draining:
            self.health.ready = True
        _log.info("endpoints", extra={"count": len(endpoints)})

    def _snapshot(self) -> Snapshot:
        now_s = asyncio.get_running_loop().time()
        in_force, gauges = self.state.now, self.gate.gauges
        fresh = sum(now_s - load.at_s <= STALE_AFTER_S for load in gauges.values())
        return Snapshot(
            pool=self._settings.pool_name,
            policy=in_force.document.policy,
            generation=in_force.document.generation,
            policy_age_s=max(0.0, time.time() - in_force.applied_at_s),
            view=self.gate.scheduler.view(now_s),
            workloads=tuple(self.gate.scheduler.workloads(now_s)),
            loads=dict(gauges),
            stale_endpoints=len(self.gate.addresses) - fresh,
            counters=self.gate.counters.copy(),
            dropped_facts=self._adapters.journal.dropped,
        )

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.append(asyncio.create_task(_kept_alive(work)))


async def _kept_alive(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do work that never ends; if it does, log why and begin again."""
    while True:
        try:
            await work()
        except Exception:
            _log.exception("background work failed; it begins again")
        await asyncio.sleep(AGAIN_AFTER_S)


async def _bind(server: Server, host: str, port: int, flag: str, tls: ssl.SSLContext | None) -> int:
    try:
        return await server.listen(host, port, tls)
    except OSError as error:
        raise taken(flag, port, error) from None
