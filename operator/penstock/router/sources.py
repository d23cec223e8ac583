"""What the router needs from outside: endpoints, their loads, and who knows tokens; adapters fit by shape."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from penstock.domain.requests import Endpoint, EndpointLoad

Publish: TypeAlias = Callable[[tuple[Endpoint, ...]], None]


class EndpointSource(Protocol):
    """Knows which endpoints there are."""

    async def run(self, publish: Publish) -> None:
        """Publish the whole set once it is known, empty or not, and again whenever it changes; never returns."""
        ...


class LoadReader(Protocol):
    """Reads an engine's own gauges."""

    async def read(self, address: str) -> EndpointLoad | None:
        """Return the load of the endpoint `ip:port`; None where it does not answer or has no such gauges."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...


class TokenReviewer(Protocol):
    """Asks the API server about bearer tokens."""

    async def review(self, token: str, audience: str) -> str | None:
        """Return the subject (`system:serviceaccount:ns:name`) of a token valid for `audience`, else None.

        Raises:
            Unreachable, Refused: the API server did not answer, or does not let us ask.
        """
        ...
