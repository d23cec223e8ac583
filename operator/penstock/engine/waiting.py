"""Who starts next: the waiting queue, by priority and arrival, and the adapters that may run at a time."""

from bisect import bisect_left, insort
from collections import Counter

from penstock.engine.calls import Call


class Adapters:
    """LoRA adapters in use; at most `limit` different ones run at a time, the base model is always let in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: Counter[str] = Counter()

    @property
    def running(self) -> tuple[str, ...]:
        """Names in use, in the order in which they came."""
        return tuple(self._running)

    def fits(self, name: str) -> bool:
        """Tell whether a call for this adapter may start."""
        return not name or name in self._running or len(self._running) < self._limit

    def enter(self, name: str) -> None:
        """Count a call that starts."""
        if name:
            self._running[name] += 1

    def leave(self, name: str) -> None:
        """Count a call that stops."""
        if name:
            self._running[name] -= 1
            if not self._running[name]:
                del self._running[name]


class WaitingQueue:
    """Calls that have no slot. Key: (priority, arrival), the priority 0 for all where `by_priority` is off."""

    def __init__(self, *, by_priority: bool) -> None:
        self._by_priority = by_priority
        self._keys: list[tuple[int, int]] = []
        self._calls: dict[tuple[int, int], Call] = {}
        self._key_of: dict[int, tuple[int, int]] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names that waiting calls ask for."""
        return tuple(dict.fromkeys(call.adapter for call in self._calls.values() if call.adapter))

    def add(self, call: Call) -> None:
        """Queue a new call."""
        self._arrivals += 1
        self.put_back(call, (call.priority if self._by_priority else 0, self._arrivals))

    def put_back(self, call: Call, key: tuple[int, int]) -> None:
        """Queue a call again where it stood before."""
        insort(self._keys, key)
        self._calls[key] = call
        self._key_of[call.id] = key

    def head(self, adapters: Adapters) -> Call | None:
        """Return the first call whose adapter may run."""
        for key in self._keys:
            if adapters.fits(self._calls[key].adapter):
                return self._calls[key]
        return None

    def remove(self, call_id: int) -> tuple[int, int] | None:
        """Take a call out and return its key, or None if it does not wait."""
        key = self._key_of.pop(call_id, None)
        if key is not None:
            del self._keys[bisect_left(self._keys, key)]
            del self._calls[key]
        return key
