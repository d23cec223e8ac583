"""Which accelerator a node has, by its labels; read once for each node, and only where nothing nearer tells it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import NODES, Kind
from penstock.controller.hardware import of_labels
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.variants import ObjectKey

KEPT: Final = 5000  # nodes that one cluster may have (Kubernetes, considerations for large clusters)
SILENT_S: Final = 300.0  # feature discovery labels a new node late, and rights are granted late

log = logging.getLogger("penstock.operator")

Get = Callable[[Kind, ObjectKey], Awaitable[Mapping[str, Any] | None]]


class Nodes:
    """Remembers products for good, since a node keeps its accelerator, and for `SILENT_S` that it names none."""

    def __init__(self, get: Get, clock: Callable[[], float] = time.monotonic) -> None:
        self._get, self._clock = get, clock
        self._kept: dict[str, tuple[str | None, float]] = {}  # node -> product, and when it was read
        self._told: set[str] = set()

    async def products(self, names: Iterable[str], gate: asyncio.Semaphore) -> dict[str, str | None]:
        """Return the accelerator of each node, None where it is unknown; never raises."""

        async def one(name: str) -> str | None:
            async with gate:
                return await self._product(name)

        names = tuple(names)
        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))

    async def _product(self, name: str) -> str | None:
        product, read_s = self._kept.get(name, (None, float("-inf")))
        if product is not None or self._clock() - read_s < SILENT_S:
            return product
        try:
            return self._keep(name, await self._read(name))
        except (Refused, Unreachable) as error:  # passes over: the next pass asks again
            self._tell(name, "unreachable", str(error))
            return None

    async def _read(self, name: str) -> str | None:
        try:
            body = await self._get(NODES, ObjectKey("", name))
        except Refused as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            self._tell(name, "forbidden", str(error))
            return None
        if body is None:
            self._tell(name, "not found", "no such node")
            return None
        return of_labels(body["metadata"].get("labels") or {})

    def _keep(self, name: str, product: str | None) -> str | None:
        self._kept.pop(name, None)
        self._kept[name] = (product, self._clock())
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        return product

    def _tell(self, name: str, cause: str, error: str) -> None:
        """Log the first failure of a kind; what follows is an accelerator that is unknown, no fault of a variant."""
        if cause not in self._told:
            self._told.add(cause)
            log.info("Node not read, so it tells no accelerator", extra={"node": name, "error": error})
