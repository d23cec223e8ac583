"""Runs `penstock operator`: joins the controller to the API server and Prometheus, and keeps it until a signal."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import kopf

from penstock import logs
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.lease import Election, Timing
from penstock.cluster.objects import Objects
from penstock.cluster.scale import Scales
from penstock.cluster.tokens import Tokens
from penstock.controller import process
from penstock.controller.configuration import Configuration
from penstock.controller.ports import Settings
from penstock.controller.process import Adapters, Operator, Options
from penstock.domain.observations import Scrape
from penstock.settings.operator import OperatorOptions, OperatorSettings
from penstock.telemetry.collect import collect
from penstock.telemetry.prometheus import Prometheus

log = logging.getLogger("penstock.operator")

FINE: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the command line adds to the settings: how to reach the cluster, and ports of its own (0: a free one)."""

    login: Login
    options: OperatorOptions
    metrics_port: int = 8080
    health_port: int = 8081
    timing: Timing = field(default_factory=Timing)


def run(command: Command) -> int:
    """Serve until SIGTERM or SIGINT, then give the Lease back.

    Raises:
        InvalidField: a flag or variable cannot be used, or there is no way to log in.
        Unreachable: the API server did not answer at the start.
    """
    started = command.options({})
    logs.setup(started.log_level, started.log_format)
    asyncio.run(serve(command))
    return FINE


async def serve(command: Command, stop: asyncio.Event | None = None) -> None:
    """Serve until `stop` is set, or a signal comes where none is given."""
    scraping = PrometheusScraping()
    try:
        async with Kube(command.login) as kube:
            configuration = await _configuration(command, Objects(kube))
            settings = _as_told(configuration.settings)
            operator = Operator(_adapters(command, kube, settings, scraping), configuration, _fixed(command, settings))
            await operator.run(stop)
    finally:
        await scraping.close()


async def _configuration(command: Command, objects: Objects) -> Configuration:
    """Return the configuration with what the ConfigMaps say now, since some of it cannot change later."""
    options = command.options

    def configure(texts: Mapping[str, str]) -> OperatorSettings:
        settings = options(texts)
        logging.getLogger().setLevel(settings.log_level.upper())
        return settings

    wva_namespace = options({}).wva_namespace
    configuration = Configuration(objects, configure, options.operator_namespace, wva_namespace)
    await configuration.refresh(())
    return configuration


def _as_told(settings: Settings) -> OperatorSettings:
    if not isinstance(settings, OperatorSettings):
        raise TypeError(type(settings))
    return settings


def _adapters(command: Command, kube: Kube, settings: OperatorSettings, scraping: "PrometheusScraping") -> Adapters:
    namespace = settings.operator_namespace
    identity = process.identity()
    election = Election(kube, namespace, identity, timing=command.timing) if settings.leader_elect else Alone()
    return Adapters(
        objects=Objects(kube),
        scales=Scales(kube),
        tokens=Tokens(kube, namespace),
        election=election,
        scraping=scraping,
        login=lambda: _login(command.login),
    )


def _fixed(command: Command, settings: OperatorSettings) -> Options:
    return Options(
        namespaces=tuple(sorted(settings.watch_namespaces)),
        controller_instance=settings.scaling.controller_instance,
        metrics_port=command.metrics_port,
        health_port=command.health_port,
    )


async def _login(login: Login) -> kopf.ConnectionInfo:
    """Return for kopf the credentials that our own client uses."""
    found = await login.credentials()
    scheme, _, token = found.authorization.partition(" ")
    return kopf.ConnectionInfo(
        server=found.server,
        ca_path=found.ca_path,
        insecure=found.insecure,
        scheme=scheme or None,
        token=token or None,
        certificate_path=found.certificate_path,
        private_key_path=found.private_key_path,
        proxy_url=found.proxy,
    )


class Alone:
    """Leadership without an election: leaderElect is off, and whoever set it so runs one operator only."""

    leading: Final = True
    term: Final = 0

    async def run(self) -> None:
        """Do nothing, for ever."""
        await asyncio.Event().wait()


class PrometheusScraping:
    """Asks the Prometheus of the settings in force; another address or credential makes another client."""

    def __init__(self) -> None:
        self._client: Prometheus | None = None

    async def scrape(self, settings: Settings, namespaces: frozenset[str], now_s: float) -> Scrape:
        """Return one collection; nothing is asked where there is no variant to ask about."""
        if not namespaces:
            return Scrape(at_s=now_s)
        if self._client is None or self._client.settings != settings.prometheus:
            await self.close()
            self._client = Prometheus(settings.prometheus)
        return await collect(self._client, namespaces, now_s, settings.scaling.stale_after_s)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None
