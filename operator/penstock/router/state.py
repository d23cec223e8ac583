"""The policy in force: which document, where it came from, and when a pushed one may replace it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from penstock.domain.errors import PenstockError
from penstock.domain.policies import PolicyDocument


class Source(StrEnum):
    """Where the policy in force came from, the strongest first."""

    PUSHED = "pushed"
    DISK = "disk"
    FILE = "file"
    BUILTIN = "builtin"


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A document, its source, and the Unix time since which dispatches follow it."""

    document: PolicyDocument
    source: Source
    applied_at_s: float


class LowerRevision(PenstockError):
    """A document is older than the one in force; `in_force` says which that is."""

    def __init__(self, given: int, in_force: InForce) -> None:
        super().__init__(f"revision {given} is below {in_force.document.revision}, which is in force")
        self.given, self.in_force = given, in_force


class PolicyState:
    """Holds the document in force; `apply` hands one to the scheduler and may refuse it with InvalidField."""

    def __init__(
        self, first: PolicyDocument, source: Source, apply: Callable[[PolicyDocument], None], wall: Callable[[], float]
    ) -> None:
        self._apply, self._wall = apply, wall
        apply(first)
        self.now = InForce(document=first, source=source, applied_at_s=wall())
        self.watchers: list[Callable[[InForce], None]] = []

    def offer(self, document: PolicyDocument) -> InForce:
        """Put a pushed document in force and return what is in force now.

        A higher revision replaces; an equal one with another hash repairs; an equal hash changes only whose content
        it is (revision, uid, name, generation), so that requests are ordered as before and `applied_at_s` stays.

        Raises:
            LowerRevision: the document is older than what is in force, which stays.
            InvalidField: this router cannot run it; what is in force stays.
        """
        current = self.now.document
        if document.revision < current.revision:
            raise LowerRevision(document.revision, self.now)
        if document == current and self.now.source is Source.PUSHED:
            return self.now
        self._apply(document)
        same = document.hash == current.hash
        applied_at_s = self.now.applied_at_s if same else self._wall()
        self.now = replace(self.now, document=document, source=Source.PUSHED, applied_at_s=applied_at_s)
        for watcher in self.watchers:
            watcher(self.now)
        return self.now
