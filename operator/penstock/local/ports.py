"""What the local world needs from its neighbours; `wiring` brings adapters that fit by shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from penstock.domain.observations import Scrape
from penstock.scaling.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Loopback ports of one local world: where clients send requests, and what its processes use among themselves."""

    proxy: int
    proxy_admin: int
    grpc: int
    health: int
    metrics: int
    admin: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the router sees of requests: how many it holds back, and how many arrive per second; None is unknown."""

    waiting: int | None
    arrivals_per_s: float | None


class Scraping(Protocol):
    """Reads the engines themselves, where there is no Prometheus."""

    async def scrape(self, engines: Mapping[str, str], namespace: str, now_s: float) -> Scrape:
        """Read each engine once; `engines` maps a pod's name to its `ip:port`."""
        ...


class Configuring(Protocol):
    """Turns what a ConfigMap says into settings of the scaling pass."""

    def __call__(self, values: Mapping[str, str]) -> tuple[Config, float]:
        """Return the scaling configuration and the interval of the pass in seconds."""
        ...


class Proxying(Protocol):
    """Writes Envoy's configuration and says how to start it."""

    def __call__(self, folder: Path, ports: Ports) -> Sequence[str]:
        """Return the command line of an Envoy that asks the router at `ports.grpc` and reads `folder/eds.json`."""
        ...
