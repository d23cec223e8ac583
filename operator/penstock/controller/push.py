"""Brings every Ready router to the document that it has to run, all at once, each within its own deadline."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Protocol

from penstock.controller.plan import Documents
from penstock.controller.pods import PodFacts
from penstock.controller.routers import HigherRevision, Running
from penstock.domain.errors import InvalidField, PenstockError, Refused, Unreachable
from penstock.domain.policies import PolicyDocument
from penstock.domain.reasons import PolicyReason

DEADLINE_S: Final = 2.0
_BUSY: Final = frozenset({HTTPStatus.SERVICE_UNAVAILABLE})


class Admin(Protocol):
    """The admin API of a router pod; see controller.routers."""

    async def running(self, router: PodFacts) -> Running:
        """Return what it runs."""
        ...

    async def put(self, router: PodFacts, document: PolicyDocument) -> Running:
        """Make it run a document."""
        ...

    async def starvation_bound_s(self, router: PodFacts) -> float | None:
        """Return the longest wait that it guarantees."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a router does not run what it has to: ROUTER_UNREACHABLE or ROUTER_REJECTED, and what happened."""

    reason: PolicyReason
    text: str
    invalid: InvalidField | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What is known of one router: what it runs (None: it never answered), what is wrong, pushes by their result."""

    router: PodFacts
    running: Running | None = None
    fault: Fault | None = None
    pushed: str = ""


class Pusher:
    """Compares and pushes; what routers said last is kept by pod uid, so that only differences cost a request."""

    def __init__(self, admin: Admin, documents: Documents, *, deadline_s: float = DEADLINE_S) -> None:
        self._admin, self._documents, self._deadline_s = admin, documents, deadline_s
        self._known: dict[str, Running] = {}

    async def converge(
        self, wanted: Mapping[str, PolicyDocument | None], routers: Iterable[PodFacts], *, compare: bool
    ) -> dict[str, Acknowledged]:
        """Return by pod uid what each router runs afterwards.

        `wanted` by pod uid; None or absent: no policy holds the router, so what an earlier one left there is replaced
        by the defaults, and anything else is left alone. `compare`: ask every router, whatever it said before.
        """
        routers = tuple(routers)
        uids = {router.uid for router in routers}
        self._known = {uid: running for uid, running in self._known.items() if uid in uids and not compare}
        done = await asyncio.gather(*(self._one(router, wanted.get(router.uid)) for router in routers))
        return {one.router.uid: one for one in done}

    async def worst_bound_s(self, routers: Iterable[PodFacts]) -> float | None:
        """Return the longest wait that all of these guarantee; None where one of them does not, or does not say."""
        bounds = await asyncio.gather(*map(self._bound, routers))
        known = [bound for bound in bounds if bound is not None]
        return max(known) if known and len(known) == len(bounds) else None

    async def _bound(self, router: PodFacts) -> float | None:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._admin.starvation_bound_s(router)
        except (Unreachable, Refused, InvalidField, TimeoutError):
            return None

    async def _one(self, router: PodFacts, document: PolicyDocument | None) -> Acknowledged:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._bring(router, document)
        except TimeoutError:
            fault = Fault(reason=PolicyReason.ROUTER_UNREACHABLE, text=f"no answer after {self._deadline_s:g}s")
        except InvalidField as error:
            fault = Fault(reason=PolicyReason.ROUTER_REJECTED, text=f"rejected: {error}", invalid=error)
        except (Unreachable, Refused, HigherRevision) as error:
            fault = Fault(reason=PolicyReason.ROUTER_UNREACHABLE, text=_text(error))
        running = self._known.pop(router.uid, None)
        result = "rejected" if fault.invalid else "unreachable"
        return Acknowledged(router=router, running=running, fault=fault, pushed=result)

    async def _bring(self, router: PodFacts, document: PolicyDocument | None) -> Acknowledged:
        running = self._known.get(router.uid)
        if running is None:
            running = self._known[router.uid] = await self._admin.running(router)
        if document is None and running.uid:
            document = self._documents.defaults()
        if document is None or running.is_(document):
            return Acknowledged(router=router, running=running)
        if running.revision > document.revision:
            document = self._documents.above(document, running.revision)
        running = self._known[router.uid] = await self._put(router, document)
        return Acknowledged(router=router, running=running, pushed="ok")

    async def _put(self, router: PodFacts, document: PolicyDocument) -> Running:
        """Push; a router that runs a later revision by now is offered one above that, once."""
        try:
            running = await self._admin.put(router, document)
        except HigherRevision as error:
            running = await self._admin.put(router, self._documents.above(document, error.revision))
        return running if running.uid else replace(running, uid=document.uid)


def _text(error: PenstockError | HigherRevision) -> str:
    match error:
        case Unreachable():
            return error.cause
        case Refused(status=status) if status in _BUSY:
            return f"{status} draining or not able to check the token: {error.message}"
        case Refused():
            return f"{error.status} {error.message}"
        case _:
            return str(error)
