"""What must survive from one scaling pass to the next, and how it comes back from a status after a restart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from penstock.domain.catalogue import ModelScope
from penstock.domain.reasons import DecisionReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.experience import Experience
from penstock.scaling.history import ModelPast
from penstock.scaling.rates import NEVER_MOVED, Moves
from penstock.scaling.stabilise import Recommendations


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last decision that changed something, at Unix time `at_s`; `record_id` names its record."""

    at_s: float
    reason: DecisionReason
    summary: str
    record_id: str


class Remembered(NamedTuple):
    """One variant's past: what is desired since `change`, when a pass last computed it, and what passes asked for.

    `moves` are the numbers of late; `starting_since_s` is the first pass of those in a row that saw a replica start,
    None where none does. `uid` is empty where it is not known; an object that was deleted and created anew starts
    without a past.
    """

    uid: str
    desired: int
    decided_at_s: float
    change: Change
    recommendations: Recommendations
    moves: Moves = NEVER_MOVED
    starting_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """The past of every variant that was ever decided, of the demand of every model, and what was learnt of engines."""

    variants: Mapping[ObjectKey, Remembered] = field(default_factory=lambda: MappingProxyType({}))
    models: Mapping[ModelScope, ModelPast] = field(default_factory=lambda: MappingProxyType({}))
    experiences: Mapping[ObjectKey, Experience] = field(default_factory=lambda: MappingProxyType({}))

    def last(self, key: ObjectKey, uid: str) -> Remembered | None:
        """Return the past of this very object, or None where it has none."""
        found = self.variants.get(key)
        return found if found is not None and (found.uid == uid or not found.uid) else None

    def experience(self, key: ObjectKey, uid: str) -> Experience:
        """Return what was learnt of this very object."""
        found = self.experiences.get(key)
        return found if found is not None and (found.uid == uid or not found.uid) else Experience(uid=uid)

    def knows(self, key: ObjectKey) -> bool:
        """Whether anything is remembered under this name."""
        return key in self.variants

    def adding(self, recalled: Mapping[ObjectKey, Remembered]) -> "Memory":
        """Return this memory with `recalled` for the names that it does not know yet."""
        return replace(self, variants=MappingProxyType({**recalled, **self.variants}))


def recall(status: Mapping[str, Any], now_s: float) -> Remembered | None:
    """Rebuild a variant's past from its status; None where it holds no decision.

    What was asked for before the restart is unknown, so the number in force counts as asked for just now: nothing
    is lowered until a whole window has been seen. A zero without an accelerator is the empty value that WVA wrote
    before its first decision.
    """
    desired = _mapping(status, "desiredOptimizedAlloc")
    replicas = desired.get("numReplicas")
    if not isinstance(replicas, int) or replicas < 0 or (replicas == 0 and not desired.get("accelerator")):
        return None
    decided_at_s = _unix(desired.get("lastRunTime"), now_s)
    return Remembered(
        uid="",
        desired=replicas,
        decided_at_s=decided_at_s,
        change=_change(_mapping(status, "decision"), decided_at_s),
        recommendations=Recommendations().adding(now_s, replicas),
    )


def _change(decision: Mapping[str, Any], decided_at_s: float) -> Change:
    reason = decision.get("reason")
    return Change(
        at_s=_unix(decision.get("time"), decided_at_s),
        reason=DecisionReason(reason) if reason in set(DecisionReason) else DecisionReason.STEADY,
        summary=str(decision.get("summary", "")),
        record_id=str(decision.get("id", "")),
    )


def _mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def _unix(text: object, otherwise_s: float) -> float:
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise_s
    return parsed.timestamp() if parsed.tzinfo else otherwise_s
