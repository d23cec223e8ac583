"""Lets requests go to a new endpoint once the Envoy of the same pod knows it: it answers 503 for whom it does not."""

import asyncio
from collections.abc import Callable, Collection
from typing import Final

from penstock.domain.requests import Endpoint
from penstock.router.envoyadmin import heard_of

WITHIN_S: Final = 2.0
"""Longest wait, however often the set changes meanwhile: an Envoy that is so late has other troubles than ours."""


class Introduction:
    """Hands endpoints on to `take`: what stays or goes at once, what is new when Envoy has read of it."""

    def __init__(self, admin_port: int, take: Callable[[tuple[Endpoint, ...]], None]) -> None:
        self._admin_port, self._take = admin_port, take
        self._taken: frozenset[str] = frozenset()
        self._waiting: asyncio.Task[None] | None = None
        self._since_s: float | None = None

    def publish(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Take the whole set, of which Envoy was told before; whatever was still waited for is part of it, or gone."""
        self.close()
        now_s = asyncio.get_running_loop().time()
        fresh = {endpoint.address for endpoint in endpoints} - self._taken
        since_s = now_s if self._since_s is None else self._since_s
        if not fresh or now_s - since_s >= WITHIN_S:
            self._settle(endpoints)
            return
        staying = tuple([endpoint for endpoint in endpoints if endpoint.address in self._taken])
        if len(staying) < len(self._taken):
            self._hand_on(staying)
        self._since_s = since_s
        self._waiting = asyncio.create_task(self._after(fresh, endpoints, since_s + WITHIN_S - now_s))

    def close(self) -> None:
        """Wait no longer."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def _after(self, fresh: Collection[str], endpoints: tuple[Endpoint, ...], within_s: float) -> None:
        await heard_of(self._admin_port, fresh, within_s=within_s)
        self._settle(endpoints)

    def _settle(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._since_s = None
        self._hand_on(endpoints)

    def _hand_on(self, endpoints: tuple[Endpoint, ...]) -> None:
        self._taken = frozenset([endpoint.address for endpoint in endpoints])
        self._take(endpoints)
