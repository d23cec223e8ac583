"""What the router needs from outside: endpoints, their loads, and who knows tokens; adapters fit by shape."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from penstock.api.kinds import Kind
from penstock.domain.requests import Endpoint, EndpointLoad

Publish: TypeAlias = Callable[[tuple[Endpoint, ...]], None]


class Scope(NamedTuple):
    """The pods that a router chooses from, by label selector; the operator finds their model by it."""

    namespace: str
    selector: str


class EndpointSource(Protocol):
    """Knows which endpoints there are."""

    @property
    def scope(self) -> Scope | None:
        """Where they come from; None where no selector tells it, or not yet."""
        ...

    async def run(self, publish: Publish) -> None:
        """Publish the whole set once it is known, empty or not, and again whenever it changes; never returns."""
        ...


class LoadReader(Protocol):
    """Reads engines' own gauges, all within less than a second."""

    async def loads(self, addresses: Iterable[str], now_s: float) -> Mapping[str, EndpointLoad]:
        """Return the load of each `ip:port` that answers with its gauges, dated `now_s`."""
        ...


class TokenReviewer(Protocol):
    """Asks the API server about bearer tokens."""

    async def review(self, token: str, audience: str) -> str | None:
        """Return the subject (`system:serviceaccount:ns:name`) of a token valid for `audience`, else None.

        Raises:
            Unreachable, Refused: the API server did not answer, or does not let us ask.
        """
        ...


class Following(Protocol):
    """Follows objects of the API server as whole lists: one at first, one after each change, through all outages."""

    def follow(
        self, kind: Kind, namespace: str, *, selector: str = "", name: str = ""
    ) -> AsyncIterator[tuple[Mapping[str, Any], ...]]:
        """Yield all objects each time something changed; never ends."""
        ...
