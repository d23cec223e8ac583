"""Prometheus as the source of a scaling pass: follows the settings when they name another one."""

from collections.abc import Mapping
from typing import Protocol

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Scrape
from penstock.scaling.config import Config
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.attainment import Targets, attained
from penstock.telemetry.collect import collect
from penstock.telemetry.prometheus import Prometheus


class Settings(Protocol):
    """Those settings that a collection needs."""

    @property
    def prometheus(self) -> PrometheusSettings:
        """Whom to ask."""
        ...

    @property
    def scaling(self) -> Config:
        """When a sample is stale."""
        ...


class PrometheusSource:
    """One client at a time, replaced when its settings change."""

    def __init__(self) -> None:
        self._client: Prometheus | None = None

    async def scrape(self, settings: Settings, namespaces: frozenset[str], now_s: float) -> Scrape:
        """Return one collection over these namespaces at Unix time `now_s`; a failure stands in its `problem`."""
        client = await self._for(settings.prometheus)
        return await collect(client, namespaces, now_s, settings.scaling.stale_after_s)

    async def attained(
        self, settings: Settings, wanted: Mapping[ModelScope, frozenset[Targets]], now_s: float
    ) -> dict[tuple[ModelScope, Targets], float]:
        """Return the share of requests that met these targets of late; raises Unreachable, Refused."""
        return await attained(await self._for(settings.prometheus), wanted, now_s)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _for(self, wanted: PrometheusSettings) -> Prometheus:
        if self._client is not None and self._client.settings == wanted:
            return self._client
        await self.close()
        self._client = Prometheus(wanted)
        return self._client
