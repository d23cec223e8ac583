"""Tells what routers run and remember of a request to people, who reach the operator where only it reaches routers."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiohttp import web

from penstock.controller.pods import PodFacts
from penstock.controller.routers import Running
from penstock.domain.errors import Refused, Unreachable

DEADLINE_S: Final = 3.0
AT_ONCE: Final = 4
"""Calls that are answered at a time: nobody can make us flood the routers."""


class Admin(Protocol):
    """The admin API of a router pod; see controller.routers."""

    async def running(self, router: PodFacts) -> Running:
        """Return what it runs."""
        ...

    async def remembered(self, router: PodFacts, request_id: str) -> Mapping[str, Any]:
        """Return what it knows of a request."""
        ...


@dataclass(slots=True)
class Relay:
    """Asks the routers of a namespace, all at once, each within its own deadline."""

    admin: Admin
    routers: Callable[[], Iterable[PodFacts]]
    deadline_s: float = DEADLINE_S
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def show(self, request: web.Request) -> web.Response:
        """Answer `GET /routers?namespace=NS[&request_id=ID]`: a row for each router, with `error` if it fails."""
        namespace, request_id = request.query.get("namespace", ""), request.query.get("request_id", "")
        pods = sorted((pod for pod in self.routers() if pod.key.namespace == namespace), key=lambda pod: pod.key)
        async with self._turns:
            rows = await asyncio.gather(*(self._row(pod, request_id) for pod in pods))
        return web.json_response({"routers": rows})

    async def _row(self, pod: PodFacts, request_id: str) -> dict[str, Any]:
        row: dict[str, Any] = {"pod": pod.key.name}
        if not pod.answers:
            return row | {"error": "not ready"}
        try:
            async with asyncio.timeout(self.deadline_s):
                row |= _row_of(await self.admin.running(pod))
                row |= await self.admin.remembered(pod, request_id) if request_id else {}
        except TimeoutError:
            return row | {"error": f"no answer within {self.deadline_s:g}s"}
        except Unreachable as error:
            return row | {"error": error.cause}
        except Refused as error:
            return row | {"error": f"{error.status} {error.message}"}
        return row


def _row_of(running: Running) -> dict[str, Any]:
    return {
        "revision": running.revision,
        "uid": running.uid,
        "generation": running.generation,
        "hash": running.hash,
        "appliedAt": running.applied_at,
        "source": running.source,
    }
