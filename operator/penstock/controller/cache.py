"""Objects of one kind as watch events and lists tell of them; neither can undo what the other knows better."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from penstock.api.kinds import Kind
from penstock.domain.variants import ObjectKey

T = TypeVar("T")
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    uid: str
    version: int
    seen: int
    value: T | None


class Cache(Generic[T]):
    """What is known of one kind: each object reduced by `project`, which returns None for what need not be kept.

    `remember` adds to an object what was known of it before (None: it is new), which its body does not tell any more.

    A watch does not tell what vanished while it was broken, so lists are folded in now and then: `mark` before asking,
    `fold` with the answer. What was seen after the mark is newer than the list and stays.
    """

    def __init__(
        self, kind: Kind, project: Callable[[Body], T | None], remember: Callable[[T | None, T], T] | None = None
    ) -> None:
        self.kind, self._project, self._remember = kind, project, remember
        self._entries: dict[ObjectKey, _Entry[T]] = {}
        self._clock = 0
        self.complete = False  # whether a whole list was folded in since the start

    def values(self) -> tuple[T, ...]:
        """Return everything that is kept."""
        return tuple(entry.value for entry in self._entries.values() if entry.value is not None)

    def get(self, key: ObjectKey) -> T | None:
        """Return one object, or None."""
        entry = self._entries.get(key)
        return entry.value if entry else None

    def see(self, body: Body) -> bool:
        """Take in one object as it is now; return whether what is kept of it changed."""
        key, uid, version = _identity(body)
        known = self._entries.get(key)
        if known and known.uid == uid and version < known.version:
            return False
        self._clock += 1
        value = self._project(body)
        if value is not None and self._remember is not None:
            value = self._remember(known.value if known and known.uid == uid else None, value)
        self._entries[key] = _Entry(uid, version, self._clock, value)
        return known is None or known.value != value

    def drop(self, key: ObjectKey, uid: str) -> bool:
        """Forget an object that is gone, unless another one of its name has taken its place."""
        known = self._entries.get(key)
        if known is None or known.uid != uid:
            return False
        del self._entries[key]
        return True

    def mark(self) -> int:
        """Return the moment before a list is asked for."""
        return self._clock

    def fold(self, bodies: Iterable[Body], mark: int) -> bool:
        """Take in a whole list asked for at `mark`; return whether anything changed."""
        bodies = tuple(bodies)
        listed = {_identity(body)[:2] for body in bodies}
        vanished = [
            (key, entry.uid)
            for key, entry in self._entries.items()
            if (key, entry.uid) not in listed and entry.seen <= mark
        ]
        changes = [self.drop(key, uid) for key, uid in vanished] + [self.see(body) for body in bodies]
        self.complete = True
        return any(changes)


def _identity(body: Body) -> tuple[ObjectKey, str, int]:
    """Return key, uid and resource version; versions are numbers that grow, as Kubernetes 1.35 promises of all."""
    meta = body["metadata"]
    version = str(meta.get("resourceVersion", ""))
    key = ObjectKey(meta.get("namespace") or "", meta["name"])
    return key, str(meta["uid"]), int(version) if version.isdecimal() else 0
