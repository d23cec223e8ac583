"""What the doctor needs from outside; adapters of `cluster` and `telemetry` fit by shape, `wiring` joins them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from penstock.api.kinds import Kind
from penstock.api.workloadpolicy import PolicyTarget
from penstock.doctor.facts import Answer, Body
from penstock.domain.observations import Scrape, Target
from penstock.domain.variants import ObjectKey, Variant
from penstock.settings.operator import OperatorSettings


class Objects(Protocol):
    """Objects as plain JSON. All calls raise Unreachable or Refused."""

    async def get(self, kind: Kind, key: ObjectKey) -> Body | None:
        """Return one object, None where there is none."""
        ...

    async def list(self, kind: Kind, namespace: str | None = None, selector: str = "") -> list[Body]:
        """Return all objects of a kind; none where the kind is not served."""
        ...

    async def serves(self, kind: Kind) -> bool:
        """Return whether the API server knows the kind."""
        ...

    async def may(self, account: ObjectKey, verb: str, kind: Kind) -> bool:
        """Return whether a service account has a right in the whole cluster."""
        ...


class Engines(Protocol):
    """The engines' own metrics."""

    async def ask(self, namespace: str, pod: str, port: int) -> Answer:
        """Read `/metrics` of one pod; never raises, a failure is a fault of the answer."""
        ...


class Targets(Protocol):
    """Scaled objects."""

    async def observe(self, variants: Iterable[Variant], pods: Iterable[Body]) -> Mapping[ObjectKey, Target]:
        """Return what there is behind every variant; never raises, a failure is a state of the target."""
        ...


class Scraping(Protocol):
    """Prometheus, as the operator asks it."""

    async def scrape(self, settings: OperatorSettings, namespaces: frozenset[str], now_s: float) -> tuple[Scrape, bool]:
        """Return one collection, and whether a problem in it is Prometheus's and not one of our way to it."""
        ...


class Routers(Protocol):
    """Router pods by what a policy names."""

    async def behind(self, namespace: str, target: PolicyTarget, pods: Iterable[Body]) -> frozenset[str] | None:
        """Return the names of those of the pods that are routers behind a target; None: there is no such target."""
        ...
