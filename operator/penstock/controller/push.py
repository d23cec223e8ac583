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


@dataclass(frozen=True, slots=True)
class Wish:
    """What a router has to run: `current`, or where it cannot, the newest that it can of those that were good before.

    No `current`: the spec cannot be used, so only what was good before is left.
    """

    current: PolicyDocument | None
    before: tuple[PolicyDocument, ...] = ()

    @property
    def documents(self) -> tuple[PolicyDocument, ...]:
        """All of them, the best first; none: the router is left alone."""
        return (self.current, *self.before) if self.current is not None else self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What is known of one router: what it runs (None: it never answered), what is wrong, pushes by their result."""

    router: PodFacts
    running: Running | None = None
    fault: Fault | None = None
    pushed: str = ""

    def runs(self, document: PolicyDocument) -> bool:
        """Whether it took a document and runs it."""
        return self.fault is None and self.running is not None and self.running.is_(document)


class Pusher:
    """Compares and pushes; what routers said last is kept by pod uid, so that only differences cost a request."""

    def __init__(self, admin: Admin, documents: Documents, *, deadline_s: float = DEADLINE_S) -> None:
        self._admin, self._documents, self._deadline_s = admin, documents, deadline_s
        self._known: dict[str, Running] = {}

    async def converge(
        self, wanted: Mapping[str, Wish], routers: Iterable[PodFacts], *, compare: bool
    ) -> dict[str, Acknowledged]:
        """Return by pod uid what each router runs afterwards.

        `wanted` by pod uid; absent: no policy holds the router, so what an earlier one left there is replaced
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

    async def _one(self, router: PodFacts, wish: Wish | None) -> Acknowledged:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._serve(router, wish)
        except TimeoutError:
            fault = Fault(reason=PolicyReason.ROUTER_UNREACHABLE, text=f"no answer after {self._deadline_s:g}s")
        except InvalidField as error:
            fault = _rejected(error)
        except (Unreachable, Refused, HigherRevision) as error:
            fault = Fault(reason=PolicyReason.ROUTER_UNREACHABLE, text=_text(error))
        running = self._known.pop(router.uid, None)
        result = "rejected" if fault.invalid else "unreachable"
        return Acknowledged(router=router, running=running, fault=fault, pushed=result)

    async def _serve(self, router: PodFacts, wish: Wish | None) -> Acknowledged:
        """Bring a router to the first of the wished documents that it can run; what it refused is told all the same."""
        running = await self._running(router)
        if wish is None:
            return await self._bring(router, running, self._documents.defaults() if running.uid else None)
        refused: InvalidField | None = None
        done = Acknowledged(router=router, running=running)
        for document in wish.documents:
            if document is not wish.current and _newer(running, document):
                break
            try:
                done = await self._bring(router, running, document)
                break
            except InvalidField as error:
                refused = refused or error
        return done if refused is None else self._despite(_rejected(refused), done)

    def _despite(self, refused: Fault, done: Acknowledged) -> Acknowledged:
        """Return what a router runs instead of what it refused; it is asked anew in the next round."""
        self._known.pop(done.router.uid, None)
        return replace(done, fault=refused, pushed="rejected")

    async def _running(self, router: PodFacts) -> Running:
        known = self._known.get(router.uid)
        if known is None:
            known = self._known[router.uid] = await self._admin.running(router)
        return known

    async def _bring(self, router: PodFacts, running: Running, document: PolicyDocument | None) -> Acknowledged:
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


def _rejected(error: InvalidField) -> Fault:
    return Fault(reason=PolicyReason.ROUTER_REJECTED, text=f"rejected: {error}", invalid=error)


def _newer(running: Running, document: PolicyDocument) -> bool:
    """Whether a router runs a later generation of that policy, which an operator that restarted knows nothing of."""
    return running.uid == document.uid and running.generation > document.generation


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
