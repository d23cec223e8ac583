"""The leader's streams from all routers: what comes in and waits, and sums of what those of one policy see.

There is one stream per router. Routers of one policy are told their sums once a second, so that all of them order by
the whole; one that stands alone is told nothing.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from penstock.controller.inflows import Inflows
from penstock.controller.pods import PodFacts
from penstock.domain.errors import InvalidField, Refused, Unreachable

log = logging.getLogger("penstock.operator")

EVERY_S: Final = 1.0
FRESH_S: Final = 3.0  # older rows of a router that fell silent do not count
MOST: Final = 1000  # workloads in one aggregate, the busiest first


class Streams(Protocol):
    """The two calls of a router's admin API that this needs; see controller.routers."""

    def watch(self, router: PodFacts) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the router's events until the stream breaks (Unreachable, Refused)."""
        ...

    async def aggregate(self, router: PodFacts, rows: Sequence[Mapping[str, Any]]) -> None:
        """Tell a router what all of them saw."""
        ...


@dataclass(frozen=True, slots=True)
class _Heard:
    at_s: float
    rows: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class Aggregator:
    """Listens to `routers` and tells those of each group their sums; a group serves one target together."""

    admin: Streams
    inflows: Inflows
    clock: Callable[[], float] = time.monotonic
    groups: tuple[tuple[PodFacts, ...], ...] = ()
    routers: tuple[PodFacts, ...] = ()
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def serve(self, groups: Iterable[tuple[PodFacts, ...]], routers: Iterable[PodFacts]) -> None:
        """Serve these groups from now on, and listen to all of these routers."""
        self.groups = tuple(group for group in groups if len(group) > 1)
        self.routers = tuple(routers)

    async def run_while(self, leading: Callable[[], bool]) -> None:
        """Listen and tell as long as we lead, or until cancelled; then hang up."""
        try:
            while leading():
                self._listen()
                await asyncio.gather(*(self._tell(group) for group in self.groups))
                await asyncio.sleep(EVERY_S)
        finally:
            self.groups = self.routers = ()
            self._listen()

    def _listen(self) -> None:
        """Hold a stream to every router, and forget those that have gone."""
        wanted = {router.uid: router for router in self.routers}
        self.inflows.keep(wanted)
        for uid in set(self._tasks) - set(wanted):
            self._tasks.pop(uid).cancel()
            self._heard.pop(uid, None)
        for uid, router in wanted.items():
            if uid not in self._tasks or self._tasks[uid].done():
                self._tasks[uid] = asyncio.create_task(self._follow(router))

    async def _follow(self, router: PodFacts) -> None:
        """Note what one router tells until its stream breaks; the next round opens another."""
        try:
            async for event in self.admin.watch(router):
                self._hear(router, event)
        except (Unreachable, Refused, KeyError, TypeError, ValueError) as error:
            log.debug("Stream of a router broke", extra={"router": str(router.key), "error": str(error)})

    def _hear(self, router: PodFacts, event: Mapping[str, Any]) -> None:
        match event.get("type"):
            case "workloads":
                self._heard[router.uid] = _Heard(self.clock(), tuple(event.get("workloads") or ()))
            case "queued":
                self.inflows.hear(router, event)

    async def _tell(self, group: tuple[PodFacts, ...]) -> None:
        now_s = self.clock()
        heard = [self._heard[router.uid] for router in group if router.uid in self._heard]
        rows = combined(one.rows for one in heard if now_s - one.at_s <= FRESH_S)
        if rows:
            await asyncio.gather(*(self._give(router, rows) for router in group))

    async def _give(self, router: PodFacts, rows: Sequence[Mapping[str, Any]]) -> None:
        """Tell one router; what it misses it counts by itself after five seconds."""
        try:
            async with asyncio.timeout(EVERY_S):
                await self.admin.aggregate(router, rows)
        except (Unreachable, Refused, InvalidField, TimeoutError) as error:
            log.debug("Sums not told", extra={"router": str(router.key), "error": str(error)})


def combined(tables: Iterable[Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return one row per tenant and workload: rates add up, waits are means over the requests (plain without any)."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in (row for table in tables for row in table):
        found[str(row.get("tenant", "")), str(row["id"])].append((float(row["rate"]), float(row["wait"])))
    rows = [
        {"id": workload, "tenant": tenant, "rate": sum(rate for rate, _ in seen), "wait": _mean_wait(seen)}
        for (tenant, workload), seen in found.items()
    ]
    return sorted(rows, key=lambda row: (-float(row["rate"]), row["tenant"], row["id"]))[:MOST]


def _mean_wait(seen: Sequence[tuple[float, float]]) -> float:
    total = sum(rate for rate, _ in seen)
    if total == 0:
        return sum(wait for _, wait in seen) / len(seen)
    return sum(rate * wait for rate, wait in seen) / total
