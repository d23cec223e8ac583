"""Which policy each router has to run: attachment, conflict and revisions, without any I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from penstock.api.document import SCHEMA, policy_hash
from penstock.api.workloadpolicy import PolicyTarget
from penstock.controller.pods import PodFacts
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Policy, PolicyDocument
from penstock.domain.reasons import PolicyReason
from penstock.domain.variants import ObjectKey

TERM_BITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One WorkloadPolicy. `policy` is None where its spec cannot be used, and `fault` says why.

    Such a policy keeps its routers: they go on with the last good generation, and no younger policy takes them.
    """

    key: ObjectKey
    uid: str
    generation: int
    created_at_s: float
    target: PolicyTarget | None
    policy: Policy | None
    fault: InvalidField | None = None

    @property
    def age(self) -> tuple[float, ObjectKey]:
        """What decides conflicts: the oldest first, ties by name."""
        return self.created_at_s, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What became of one policy: accepted or why not, and the routers that it programs (none unless it won)."""

    candidate: Candidate
    reason: PolicyReason
    routers: tuple[PodFacts, ...] = ()
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def wins(self) -> bool:
        """Whether this policy decides over its routers, be it by the last generation that was good."""
        return self.reason in {PolicyReason.ACCEPTED, PolicyReason.INVALID}


def attach(
    candidates: Iterable[Candidate], found: Mapping[PolicyTarget, tuple[PodFacts, ...] | None], namespace: str
) -> tuple[Attachment, ...]:
    """Decide among the policies of one namespace; `found` maps a target to its routers, None: there is no target.

    Policies conflict when they would program the same router, by whatever target; the oldest wins whole.
    """
    attachments: list[Attachment] = []
    for candidate in sorted(candidates, key=lambda one: one.age):
        routers = found.get(candidate.target) if candidate.target else None
        if routers is None:
            attachments.append(_targetless(candidate, namespace))
            continue
        older = next((one for one in attachments if _overlap(one, candidate, routers)), None)
        if older is not None:
            facts = {"policy": older.candidate.key.name}
            attachments.append(Attachment(candidate=candidate, reason=PolicyReason.CONFLICTED, facts=facts))
        else:
            attachments.append(_won(candidate, routers))
    return tuple(attachments)


def _targetless(candidate: Candidate, namespace: str) -> Attachment:
    if candidate.target is None:
        return _won(candidate, ())
    facts = {"kind": candidate.target.kind, "name": candidate.target.name, "namespace": namespace}
    return Attachment(candidate=candidate, reason=PolicyReason.TARGET_NOT_FOUND, facts=facts)


def _won(candidate: Candidate, routers: tuple[PodFacts, ...]) -> Attachment:
    if candidate.fault is None:
        return Attachment(candidate=candidate, reason=PolicyReason.ACCEPTED, routers=routers)
    facts = {"field": candidate.fault.field, "value": str(candidate.fault.value), "remedy": candidate.fault.remedy}
    return Attachment(candidate=candidate, reason=PolicyReason.INVALID, routers=routers, facts=facts)


def _overlap(older: Attachment, candidate: Candidate, routers: tuple[PodFacts, ...]) -> bool:
    if not older.wins:
        return False
    same_target = older.candidate.target == candidate.target
    return same_target or bool({pod.uid for pod in older.routers} & {pod.uid for pod in routers})


class Documents:
    """Turns policies into immutable documents with revisions that only grow.

    A revision is the leader's term above a counter. A router may report a higher one, of a Lease that was made anew:
    then the term rises above it.
    """

    def __init__(self) -> None:
        self._term = 0
        self._counter = 0
        self._documents: dict[tuple[str, int, str], PolicyDocument] = {}

    def lead(self, term: int) -> None:
        """Begin a term, if it is a new one."""
        if term > self._term:
            self._term, self._counter = term, 0

    def of(self, candidate: Candidate, policy: Policy) -> PolicyDocument:
        """Return the document of one generation of a policy; the same one each time."""
        return self._issue(candidate.uid, candidate.key.name, candidate.generation, policy)

    def kept(self, candidate: Candidate, generation: int, policy: Policy) -> PolicyDocument:
        """Return the document of an earlier generation of a policy."""
        return self._issue(candidate.uid, candidate.key.name, generation, policy)

    def defaults(self) -> PolicyDocument:
        """Return the document of the built-in policy, for routers that no policy holds any more."""
        return self._issue("", "", 0, Policy())

    def above(self, document: PolicyDocument, reported: int) -> PolicyDocument:
        """Return the document under a revision above what a router reports; the same one if it is above already."""
        if reported >> TERM_BITS > self._term or (reported >> TERM_BITS == self._term and self._last < reported):
            self._term, self._counter = (reported >> TERM_BITS) + 1, 0
        key = _identity(document)
        current = self._documents.get(key, document)
        if current.revision <= reported:
            current = self._documents[key] = _renumbered(document, self._next())
        return current

    def keep(self, documents: Iterable[PolicyDocument]) -> None:
        """Forget all documents but these."""
        wanted = {_identity(document) for document in documents}
        self._documents = {key: document for key, document in self._documents.items() if key in wanted}

    @property
    def _last(self) -> int:
        return self._term << TERM_BITS | self._counter

    def _next(self) -> int:
        self._counter += 1
        return self._last

    def _issue(self, uid: str, name: str, generation: int, policy: Policy) -> PolicyDocument:
        digest = policy_hash(policy)
        known = self._documents.get((uid, generation, digest))
        if known is None:
            known = self._documents[uid, generation, digest] = PolicyDocument(
                schema=SCHEMA,
                revision=self._next(),
                uid=uid,
                name=name,
                generation=generation,
                hash=digest,
                policy=policy,
            )
        return known


def _identity(document: PolicyDocument) -> tuple[str, int, str]:
    return document.uid, document.generation, document.hash


def _renumbered(document: PolicyDocument, revision: int) -> PolicyDocument:
    return PolicyDocument(
        schema=document.schema,
        revision=revision,
        uid=document.uid,
        name=document.name,
        generation=document.generation,
        hash=document.hash,
        policy=document.policy,
    )
