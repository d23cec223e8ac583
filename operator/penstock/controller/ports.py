"""What the controller needs from outside; adapters of `cluster` and `telemetry` fit by shape, `wiring` joins them."""

from collections.abc import Mapping
from typing import Any, Protocol

from penstock.api.kinds import Kind
from penstock.api.revisions import Revision
from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Scale, Scrape
from penstock.domain.variants import ObjectKey, TargetRef
from penstock.scaling.config import Config
from penstock.settings.prometheus import PrometheusSettings


class Scales(Protocol):
    """Replica counts of any kind. All calls raise Unreachable, or Refused with the HTTP status that tells why."""

    async def read(self, namespace: str, ref: TargetRef) -> Scale:
        """Return the scale; Refused 404: no such object or kind, 405: no scale, 403: no right."""
        ...

    async def change(self, namespace: str, ref: TargetRef, *, seen: int, version: str, wanted: int) -> None:
        """Set the count if it still is `seen`, else Refused 409 or 422."""
        ...

    async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
        """Return the scaled object itself."""
        ...


class Objects(Protocol):
    """Objects as plain JSON. All calls raise Unreachable or Refused."""

    async def get(self, kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
        """Return one object, None where there is none."""
        ...

    async def list(self, kind: Kind, namespace: str | None = None, selector: str = "") -> list[Mapping[str, Any]]:
        """Return all objects of a kind; none where the kind is not served."""
        ...

    async def write_status(self, kind: Kind, about: Mapping[str, Any], status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make `status` all that we say about an object and return the object; Refused 409 if it changed since."""
        ...

    async def write_data(self, kind: Kind, key: ObjectKey, data: Mapping[str, str]) -> None:
        """Set texts of a ConfigMap that exists."""
        ...

    async def annotate(self, pod: ObjectKey, uid: str, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of a pod, None removes one; Refused 409 if it is another pod by now."""
        ...

    async def own(self, variant: ObjectKey, uid: str, owner: Mapping[str, Any]) -> None:
        """Give a VariantAutoscaling its owner."""
        ...

    async def event(self, about: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        """Post one event; `kind` is Normal or Warning."""
        ...


class Revisions(Protocol):
    """Generations of policies that were good, beside these. All calls raise Unreachable or Refused."""

    async def kept(self, policy: ObjectKey, uid: str) -> tuple[Revision, ...]:
        """Return those of a policy, the newest first."""
        ...

    async def keep(self, policy: ObjectKey, uid: str, revision: Revision) -> None:
        """Write one, in place of one of that name."""
        ...

    async def drop(self, policy: ObjectKey, name: str) -> None:
        """Remove one."""
        ...


class Tokens(Protocol):
    """Tokens of the operator's account, each good at one audience."""

    async def token(self, audience: str) -> str:
        """Return a token; raises Unreachable or Refused."""
        ...

    def forget(self, audience: str) -> None:
        """Drop a token that its audience refused."""
        ...


class Leadership(Protocol):
    """Whether this process may act, and in which term."""

    @property
    def leading(self) -> bool:
        """Whether this process may act right now."""
        ...

    @property
    def term(self) -> int:
        """A number that grows each time another process takes over."""
        ...


class Settings(Protocol):
    """What the ConfigMaps of the moment make of the operator's settings."""

    @property
    def interval_s(self) -> float:
        """Time from one scaling pass, and one comparison of routers, to the next."""
        ...

    @property
    def scaling(self) -> Config:
        """What decisions are made by."""
        ...

    @property
    def wva_namespace(self) -> str:
        """Where WVA's ConfigMaps are."""
        ...

    @property
    def limit_to_nodes(self) -> bool:
        """Whether fleets are kept within what the nodes of the moment have."""
        ...

    @property
    def prometheus(self) -> PrometheusSettings:
        """Whom to ask."""
        ...


class Configure(Protocol):
    """Makes settings of flags, environment and what the ConfigMaps say now."""

    def __call__(self, texts: Mapping[str, str]) -> Settings:
        """Return settings.

        Raises:
            InvalidField: a text cannot be used; `field` is its key.
        """
        ...

    def wva_namespace(self, texts: Mapping[str, str]) -> str:
        """Return where WVA's ConfigMaps are, and change nothing.

        Raises:
            InvalidField: the text can be no name of a namespace.
        """
        ...


class Scraping(Protocol):
    """Reads what engines report."""

    async def scrape(self, settings: Settings, namespaces: frozenset[str], now_s: float) -> Scrape:
        """Return one collection; never raises, a failure stands in `problem`."""
        ...

    async def attained(
        self, settings: Settings, wanted: Mapping[ModelScope, frozenset[tuple[float, float]]], now_s: float
    ) -> Mapping[tuple[ModelScope, tuple[float, float]], float]:
        """Return the share of requests that met targets for the first token and for the next; raises as `Objects`."""
        ...
