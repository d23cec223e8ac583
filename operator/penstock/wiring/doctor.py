"""Runs `penstock doctor`: joins the checks to the API server, and through it to engines, Prometheus and routers."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from penstock.api.workloadpolicy import PolicyTarget
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.objects import Objects
from penstock.cluster.proxy import Place, Proxy, place_of
from penstock.cluster.scale import Scales
from penstock.controller.attachments import routers_of
from penstock.controller.nodes import Nodes
from penstock.controller.pods import PodFacts, pod_facts
from penstock.controller.targets import Targets
from penstock.doctor.examine import Asked, examine
from penstock.doctor.facts import Answer
from penstock.doctor.findings import Examination
from penstock.doctor.gather import Sources
from penstock.domain.errors import InvalidField, Refused, Unreachable
from penstock.domain.observations import Scrape, Target
from penstock.domain.variants import ObjectKey, Variant
from penstock.settings.operator import OperatorSettings
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.answers import Answer as PrometheusAnswer
from penstock.telemetry.answers import decode
from penstock.telemetry.collect import collect
from penstock.telemetry.exposition import parse
from penstock.telemetry.prometheus import REMEDY, Prometheus

ENGINE_PREFIX: Final = "vllm:"
_SHOWN: Final = 160
_DENIED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

Body = Mapping[str, Any]


def run(login: Login, asked: Asked) -> list[Examination]:
    """Examine what was asked for.

    Raises:
        InvalidField: there is no way to log in; Unreachable, Refused: the API server did not answer, or said no.
    """
    return asyncio.run(_examine(login, asked))


async def _examine(login: Login, asked: Asked) -> list[Examination]:
    async with Kube(login) as kube:
        return await examine(joined(kube), asked, time.time())


def joined(kube: Kube) -> Sources:
    """Return everything that the doctor looks through, over one connection to the API server."""
    objects, proxy = Objects(kube), Proxy(kube)
    return Sources(
        objects=objects,
        engines=ProxiedEngines(proxy),
        targets=SeenTargets(Targets(Scales(kube), Nodes(objects.get))),
        scraping=ProxiedScraping(proxy),
        routers=FoundRouters(objects),
    )


@dataclass(frozen=True, slots=True)
class ProxiedEngines:
    """Engines' own metrics, by the API server's pod proxy."""

    proxy: Proxy

    async def ask(self, namespace: str, pod: str, port: int) -> Answer:
        """Read `/metrics` of one pod; never raises, a failure is a fault of the answer."""
        silent = Answer(pod=pod, port=port)
        try:
            status, body = await self.proxy.pod(namespace, pod, port, "/metrics")
            lines = parse(body.decode(errors="replace")) if status == HTTPStatus.OK else []
        except Refused as error:
            return replace(silent, fault=error.message[:_SHOWN], denied=error.status in _DENIED)
        except Unreachable as error:
            return replace(silent, fault=error.cause)
        except InvalidField as error:
            return replace(silent, fault=f"no exposition: {error}"[:_SHOWN])
        if status != HTTPStatus.OK:
            return replace(silent, fault=f"status {status}")
        ours = [line for line in lines if line.name.startswith(ENGINE_PREFIX)]
        models = frozenset(line.labels["model_name"] for line in ours if line.labels.get("model_name"))
        return replace(silent, series=len(ours), models=models)


@dataclass(frozen=True, slots=True)
class SeenTargets:
    """Scaled objects, as the operator sees them; other scalers are left to the status."""

    targets: Targets

    async def observe(self, variants: Iterable[Variant], pods: Iterable[Body]) -> Mapping[ObjectKey, Target]:
        """Return what there is behind every variant."""
        sights = await self.targets.observe(variants, _facts(pods), ())
        return {key: sight.target for key, sight in sights.items()}


@dataclass(frozen=True, slots=True)
class FoundRouters:
    """Routers of a policy, found as the operator finds them."""

    objects: Objects

    async def behind(self, namespace: str, target: PolicyTarget, pods: Iterable[Body]) -> frozenset[str] | None:
        """Return the names of the routers behind a target; None: there is no such target."""
        found = await routers_of(self.objects, namespace, target, [one for one in _facts(pods) if one.is_router])
        return None if found is None else frozenset(one.key.name for one in found)


@dataclass(frozen=True, slots=True)
class ProxiedScraping:
    """Prometheus: a Service of the cluster through the API server, any other address from here."""

    proxy: Proxy

    async def scrape(self, settings: OperatorSettings, namespaces: frozenset[str], now_s: float) -> tuple[Scrape, bool]:
        """Return one collection, made of the operator's own queries, and whether its problem is Prometheus's."""
        stale_after_s, place = settings.scaling.stale_after_s, place_of(settings.prometheus.url)
        if place is not None:
            asking = ProxiedPrometheus(self.proxy, place, settings.prometheus.url)
            return await collect(asking, namespaces, now_s, stale_after_s), await self._allowed(place)
        client = Prometheus(_without_files(settings.prometheus))
        try:
            return await collect(client, namespaces, now_s, stale_after_s), False
        finally:
            await client.close()

    async def _allowed(self, place: Place) -> bool:
        """Return whether we may go through the proxy, and Prometheus wants no token, which the proxy withholds."""
        try:
            status, _ = await self.proxy.service(place, "/api/v1/status/buildinfo", {})
        except Refused as error:
            status = error.status
        except Unreachable:
            return True
        return status not in _DENIED


@dataclass(frozen=True, slots=True)
class ProxiedPrometheus:
    """Instant queries by the API server's service proxy, which hands on no token."""

    proxy: Proxy
    place: Place
    url: str

    async def query(self, name: str, promql: str, at_s: float) -> PrometheusAnswer:
        """Answer one instant query; raises as `telemetry.prometheus.Prometheus.query`."""
        form = {"query": promql, "time": f"{at_s:.3f}"}
        try:
            status, body = await self.proxy.service(self.place, "/api/v1/query", form)
        except Refused as error:
            raise Unreachable(self.url, error.message[:_SHOWN], REMEDY) from error
        if status in _DENIED:
            raise Unreachable(self.url, f"{status}: it wants a token, which the proxy does not hand on", REMEDY)
        try:
            return decode(name, status, body, 0.0)
        except ValueError as error:
            raise Unreachable(self.url, f"status {status}, no Prometheus there", REMEDY) from error


def _without_files(settings: PrometheusSettings) -> PrometheusSettings:
    """Return settings without the files of the operator's pod, which are not here."""
    return PrometheusSettings(url=settings.url, insecure_skip_verify=settings.insecure_skip_verify)


def _facts(pods: Iterable[Body]) -> list[PodFacts]:
    return [facts for facts in map(pod_facts, pods) if facts is not None]
