"""How long a request may wait: with a ready endpoint, without one, and by its own wish."""

import heapq
import math
from collections import OrderedDict

from penstock.domain.policies import QueueLimits
from penstock.flow.entry import Entry

SPARE = 64


class Deadlines:
    """Everything that waits, in the order of arrival, and when each has to be refused.

    The clock of a request starts anew when the pool gets its first endpoint or loses its last: who waited for an
    engine to start has the full time to live once it runs. Over all, nobody waits longer than both times together.
    """

    def __init__(self, limits: QueueLimits, now_s: float, *, ready: bool) -> None:
        self._waiting: OrderedDict[int, Entry] = OrderedDict()
        self._own: list[tuple[float, int, Entry]] = []
        self._limits = limits
        self._ready = ready
        self._since_s = now_s

    @property
    def entries(self) -> OrderedDict[int, Entry]:
        """What waits, by ticket, oldest first."""
        return self._waiting

    @property
    def next_s(self) -> float:
        """When the next request has to be refused; infinite while none waits."""
        if not self._waiting:
            return math.inf
        self._drop_gone()
        own_s = self._own[0][0] if self._own else math.inf
        return min(self._deadline_s(next(iter(self._waiting.values()))), own_s)

    def limit(self, limits: QueueLimits) -> None:
        """Change the times to live, also for those that wait."""
        self._limits = limits

    def turn(self, now_s: float, *, ready: bool) -> None:
        """Note whether the pool has an endpoint."""
        if ready != self._ready:
            self._ready, self._since_s = ready, now_s

    def add(self, entry: Entry) -> None:
        """Start the clock of a request that came after all others."""
        request = entry.request
        self._waiting[request.ticket] = entry
        if request.ttl_s is not None:
            heapq.heappush(self._own, (entry.arrived_s + request.ttl_s, entry.seq, entry))

    def remove(self, entry: Entry) -> None:
        """Stop the clock of a request."""
        del self._waiting[entry.request.ticket]
        if len(self._own) > 2 * len(self._waiting) + SPARE:
            self._own = [row for row in self._own if self._waits(row[2])]
            heapq.heapify(self._own)

    def due(self, now_s: float) -> Entry | None:
        """Return a request whose time is over, if there is one."""
        if not self._waiting:
            return None
        oldest = next(iter(self._waiting.values()))
        if self._deadline_s(oldest) <= now_s:
            return oldest
        self._drop_gone()
        return self._own[0][2] if self._own and self._own[0][0] <= now_s else None

    def _deadline_s(self, entry: Entry) -> float:
        """Return the policy's deadline; it grows with arrival, so the oldest request is always the first."""
        limits = self._limits
        ttl_s = limits.ttl_s if self._ready else limits.no_endpoint_ttl_s
        at_most_s = entry.arrived_s + limits.ttl_s + limits.no_endpoint_ttl_s
        return min(max(entry.arrived_s, self._since_s) + ttl_s, at_most_s)

    def _waits(self, entry: Entry) -> bool:
        return self._waiting.get(entry.request.ticket) is entry

    def _drop_gone(self) -> None:
        while self._own and not self._waits(self._own[0][2]):
            heapq.heappop(self._own)
