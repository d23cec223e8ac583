"""Runs `penstock operator`: joins the controller to the API server and Prometheus, and keeps it until a signal."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import kopf

from penstock import logs
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.lease import Election, Timing
from penstock.cluster.objects import Objects
from penstock.cluster.revisions import Revisions
from penstock.cluster.scale import Scales
from penstock.cluster.tokens import Tokens
from penstock.controller import process
from penstock.controller.configuration import Configuration
from penstock.controller.ports import Settings
from penstock.controller.process import Adapters, Operator, Options
from penstock.controller.reconcile import EVERY_S
from penstock.settings.misspelt import misspelt_variables
from penstock.settings.operator import OperatorOptions, OperatorSettings
from penstock.settings.unread import OPERATOR_VARIABLES
from penstock.telemetry.source import PrometheusSource
from penstock.wiring.garbage import look_seldom

log = logging.getLogger("penstock.operator")

FINE: Final = 0
RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the command line adds to the settings: how to reach the cluster, and where to serve.

    A port of 0 takes a free one; an empty `address` is all of them. `timing` is the Lease's; `relist_s` is how often
    everything is listed anew.
    """

    login: Login
    options: OperatorOptions
    metrics_port: int = 8080
    health_port: int = 8081
    keda_port: int = 9005
    address: str = ""
    timing: Timing = field(default_factory=Timing)
    relist_s: float = EVERY_S


def run(command: Command) -> int:
    """Serve until SIGTERM or SIGINT, then give the Lease back.

    Raises:
        InvalidField: a flag or variable cannot be used, or there is no way to log in.
        Unreachable: the API server did not answer at the start.
    """
    started = command.options({})
    logs.setup(started.log_level, started.log_format)
    for error in misspelt_variables(command.options.environ, OPERATOR_VARIABLES):
        log.warning("Variable not used", extra={"problem": str(error)})
    look_seldom()
    asyncio.run(_serve(command))
    return FINE


async def _serve(command: Command) -> None:
    async with joined(command) as operator:
        await operator.run()


@asynccontextmanager
async def joined(command: Command) -> AsyncIterator[Operator]:
    """Yield the operator with its connections open; `Operator.run` serves.

    Raises:
        InvalidField, Unreachable: as `run`.
    """
    async with AsyncExitStack() as stack:
        kube = await stack.enter_async_context(Kube(command.login))
        scraping = PrometheusSource()
        stack.push_async_callback(scraping.close)
        configuration = await _configuration(command, Objects(kube))
        settings = _as_told(configuration.settings)
        yield Operator(_adapters(command, kube, settings, scraping), configuration, _fixed(command, settings))


async def _configuration(command: Command, objects: Objects) -> Configuration:
    """Return the configuration with what the ConfigMaps say; waits for them, since some of it cannot change later."""
    configure = _Configure(command.options)
    configuration = Configuration(objects, configure, command.options.operator_namespace)
    while not await configuration.refresh(()):  # noqa: ASYNC110 - an API server that is away sets no event
        await asyncio.sleep(RETRY_S)
    configure.fixed = _fixed_part(_as_told(configuration.settings))
    return configuration


class _Configure:
    """Makes settings of texts, applies level and format of the log at once, and says what needs a restart."""

    def __init__(self, options: OperatorOptions) -> None:
        self._options = options
        self.fixed: dict[str, object] | None = None  # None: not started yet

    def __call__(self, texts: Mapping[str, str]) -> OperatorSettings:
        """Return settings.

        Raises:
            InvalidField: a text cannot be used.
        """
        settings = self._options(texts)
        logging.getLogger().setLevel(settings.log_level.upper())
        logs.restyle(settings.log_format)
        now = _fixed_part(settings)
        if self.fixed is not None and now != self.fixed:
            changed = ", ".join(name for name, value in now.items() if value != self.fixed[name])
            log.warning("Restart the operator to apply a setting", extra={"settings_changed": changed})
            self.fixed = now
        return settings

    def wva_namespace(self, texts: Mapping[str, str]) -> str:
        """Return where WVA's ConfigMaps are; the log stays as it is.

        Raises:
            InvalidField: what was written can be no name of a namespace.
        """
        return self._options.wva_namespace(texts)


def _fixed_part(settings: OperatorSettings) -> dict[str, object]:
    """Return what cannot change while the process runs."""
    return {
        "watchNamespaces": settings.watch_namespaces,
        "controllerInstance": settings.scaling.controller_instance,
        "leaderElect": settings.leader_elect,
        "recordDir": settings.record_dir,
        "recordLimit": settings.record_limit_bytes,
    }


def _as_told(settings: Settings) -> OperatorSettings:
    if not isinstance(settings, OperatorSettings):
        raise TypeError(type(settings))
    return settings


def _adapters(command: Command, kube: Kube, settings: OperatorSettings, scraping: PrometheusSource) -> Adapters:
    namespace = settings.operator_namespace
    identity = process.identity()
    election = Election(kube, namespace, identity, timing=command.timing) if settings.leader_elect else Alone()
    return Adapters(
        objects=Objects(kube),
        revisions=Revisions(kube),
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
        keda_port=command.keda_port,
        address=command.address,
        relist_s=command.relist_s,
        record_dir=settings.record_dir,
        record_limit_bytes=settings.record_limit_bytes,
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
