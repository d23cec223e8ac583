"""Every workload that asked lately, in bounded memory: the least recently idle goes first, the excess is folded."""

import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from penstock.domain.requests import OTHER_WORKLOAD
from penstock.programs.workload import Sums, Workload

FORGET_AFTER_S: Final = 300.0
OTHER_TENANTS: Final = 64
Key: TypeAlias = tuple[str, str]


class Registry:
    """Entries by tenant and workload id, at most `max_workloads` of them, plus those that hold the excess.

    A new id takes the place of the entry that has been idle longest. When all are active it is counted in `other` of
    its tenant (of no tenant, beyond 64), so that nobody can grow the table, or hide a flood, by inventing ids.
    """

    def __init__(self, max_workloads: int) -> None:
        self._max_workloads = max_workloads
        self._entries: dict[Key, Workload] = {}
        self._folded: dict[Key, Workload] = {}
        self._idle: OrderedDict[Key, Workload] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries) + len(self._folded)

    def arrive(self, tenant: str, workload_id: str, now_s: float) -> Workload:
        """Count a request in and return the entry that holds it until `leave`."""
        key = (tenant, workload_id)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._made(key, now_s)
        elif not entry.active:
            del self._idle[key]
        entry.arrive(now_s)
        return entry

    def leave(self, entry: Workload, now_s: float) -> None:
        """Count a request out."""
        entry.leave(now_s)
        if not entry.active:
            key = (entry.tenant, entry.workload_id)
            if self._entries.get(key) is entry:
                self._idle[key] = entry

    @property
    def next_forget_s(self) -> float:
        """When the next entry has been idle for long enough; infinite while none is idle."""
        oldest = next(iter(self._idle.values()), None)
        return math.inf if oldest is None else oldest.idle_since_s + FORGET_AFTER_S

    def forget(self, now_s: float) -> None:
        """Drop entries that have been idle for five minutes."""
        while self.next_forget_s <= now_s:
            key, _ = self._idle.popitem(last=False)
            del self._entries[key]
        for key in [key for key, entry in self._folded.items() if _long_idle(entry, now_s)]:
            del self._folded[key]

    def hear(self, sums: Mapping[Key, Sums]) -> None:
        """Take what all routers saw of workloads; of those that nobody asks for here, nothing is kept."""
        for key, of_one in sums.items():
            entry = self._entries.get(key)
            if entry is not None:
                entry.hear(of_one)

    def rows(self, now_s: float) -> Iterable[Workload]:
        """Return every entry with its rate brought forward; a snapshot for metrics and the admin API."""
        second = int(now_s)
        for entry in (*self._entries.values(), *self._folded.values()):
            entry.refresh(second)
            yield entry

    def _made(self, key: Key, now_s: float) -> Workload:
        """Find room for a new id."""
        if len(self._entries) >= self._max_workloads:
            if not self._idle:
                return self._fold(key[0], now_s)
            oldest, _ = self._idle.popitem(last=False)
            del self._entries[oldest]
        entry = self._entries[key] = Workload(*key, now_s)
        return entry

    def _fold(self, tenant: str, now_s: float) -> Workload:
        key = (tenant, OTHER_WORKLOAD)
        if key not in self._folded and len(self._folded) >= OTHER_TENANTS:
            key = ("", OTHER_WORKLOAD)
        if key not in self._folded:
            self._folded[key] = Workload(*key, now_s)
        return self._folded[key]


def _long_idle(entry: Workload, now_s: float) -> bool:
    return not entry.active and entry.idle_since_s + FORGET_AFTER_S <= now_s
