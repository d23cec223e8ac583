"""Generations that routers took: what those get that cannot run the newest, also after a restart of the operator."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from penstock.api.revisions import Revision, revision
from penstock.controller.plan import Candidate, Documents
from penstock.controller.ports import Revisions
from penstock.controller.push import Acknowledged, Wish
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.policies import PolicyDocument

log = logging.getLogger("penstock.operator")

MOST: Final = 3


@dataclass(frozen=True, slots=True)
class _Saved:
    name: str
    document: PolicyDocument


@dataclass(slots=True)
class History:
    """Per policy uid: the newest document that a router acknowledged, and the newest that all of them did (saved)."""

    store: Revisions
    documents: Documents
    good: dict[str, PolicyDocument] = field(default_factory=dict)
    _saved: dict[str, tuple[_Saved, ...]] = field(default_factory=dict)
    _term: int = -1

    async def recall(self, term: int, candidates: Iterable[Candidate]) -> None:
        """Read what was saved of policies that are new to us, and of all in a new term; forget those that are gone.

        Raises:
            Unreachable: they could not be read, so nobody knows what to fall back on.
        """
        if term != self._term:
            self._term, self._saved, self.good = term, {}, {}
        everybody = {one.uid: one for one in candidates}
        self._saved = {uid: saved for uid, saved in self._saved.items() if uid in everybody}
        self.good = {uid: document for uid, document in self.good.items() if uid in everybody}
        await asyncio.gather(*(self._read(one) for uid, one in everybody.items() if uid not in self._saved))

    def kept(self, uid: str) -> tuple[PolicyDocument, ...]:
        """Return what was good of a policy, the newest first."""
        found = [self.good[uid]] if uid in self.good else []
        found += [one.document for one in self._saved.get(uid, ())]
        return tuple({_content(document): document for document in reversed(found)}.values())[::-1]

    def wish(self, candidate: Candidate) -> Wish:
        """Return what a winner's routers have to run; of an unusable spec the last generation that was good."""
        current = self.documents.of(candidate, candidate.policy) if candidate.policy is not None else None
        known = _content(current) if current is not None else None
        return Wish(current, tuple(one for one in self.kept(candidate.uid) if _content(one) != known))

    def heard(self, uid: str, wish: Wish, answers: Iterable[Acknowledged]) -> None:
        """Note as good the newest of the documents that a router says it runs."""
        running = [one.running for one in answers if one.running is not None]
        for document in wish.documents:
            if any(one.is_(document) for one in running):
                self.good[uid] = document
                return

    async def save(self, candidate: Candidate, wish: Wish, answers: Iterable[Acknowledged]) -> None:
        """Write down a generation that every router took, once; an API server that says no costs only this."""
        answers, saved = tuple(answers), self._saved.get(candidate.uid, ())
        document = wish.current
        if document is None or not answers or not all(one.runs(document) for one in answers):
            return
        if saved and _content(saved[0].document) == _content(document):
            return
        fresh = revision(candidate.key, document.generation, document.policy)
        others = [one for one in saved if one.name != fresh.name]
        try:
            await self.store.keep(candidate.key, candidate.uid, fresh)
            self._saved[candidate.uid] = (_Saved(fresh.name, document), *others[: MOST - 1])
            for old in others[MOST - 1 :]:
                await self.store.drop(candidate.key, old.name)
        except (Refused, Unreachable) as error:
            log.warning("ControllerRevision not written", extra={"policy": str(candidate.key), "error": str(error)})

    async def _read(self, candidate: Candidate) -> None:
        try:
            found = await self.store.kept(candidate.key, candidate.uid)
        except Refused as error:
            log.warning("ControllerRevisions not read", extra={"policy": str(candidate.key), "error": str(error)})
            found = ()
        saved = self._saved[candidate.uid] = tuple(_Saved(one.name, self._issued(candidate, one)) for one in found)
        if saved:
            self.good.setdefault(candidate.uid, saved[0].document)

    def _issued(self, candidate: Candidate, kept: Revision) -> PolicyDocument:
        return self.documents.kept(candidate, kept.generation, kept.policy)


def _content(document: PolicyDocument) -> tuple[int, str]:
    """Return what tells documents of one policy from each other; their revisions do not."""
    return document.generation, document.hash
