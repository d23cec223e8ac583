"""The waiting room: queue, deadlines, sizes and quotas of what waits, kept in step."""

from penstock.domain.policies import Policy
from penstock.flow.effective import Effective
from penstock.flow.entry import Entry
from penstock.flow.ttl import Deadlines
from penstock.ordering.queue import Queue
from penstock.ordering.score import Score


class Waiting:
    """What waits; `size` in requests, `size_bytes` of their bodies."""

    def __init__(self, policy: Policy, now_s: float) -> None:
        self.queue: Queue[Entry] = Queue(policy.ordering)
        self.deadlines = Deadlines(policy.queue, now_s, ready=False)
        self.size = 0
        self.size_bytes = 0

    def find(self, ticket: int) -> Entry | None:
        """Return what waits under this ticket."""
        return self.deadlines.entries.get(ticket)

    def entries(self) -> tuple[Entry, ...]:
        """Return all that waits, oldest first."""
        return tuple(self.deadlines.entries.values())

    def add(self, entry: Entry) -> None:
        """Let a newcomer wait."""
        self.deadlines.add(entry)
        self._enter(entry)

    def remove(self, entry: Entry) -> None:
        """Take a request out, for whatever comes next."""
        self.deadlines.remove(entry)
        self._exit(entry)

    def score(self, entry: Entry, now_s: float) -> Score | None:
        """Return what a request that waits scores now; None where the ordering has no score."""
        return self.queue.score(entry, entry.line, now_s)

    def rebuild(self, effective: Effective) -> None:
        """Order everything anew under another policy; arrival and clocks stay."""
        self.queue = Queue(effective.policy.ordering)
        self.deadlines.limit(effective.policy.queue)
        for entry in self.deadlines.entries.values():
            entry.bind(effective)
            entry.rule.queued += 1
            entry.line = self.queue.add(entry, entry.key)

    def displaced(self, newcomer: Entry, max_requests: int, max_bytes: int, now_s: float) -> list[Entry]:
        """Return who has to go so that both limits hold: the worst, one by one, or the newcomer and nobody else.

        All of them are still queued on return.
        """
        out: list[Entry] = []
        while self.size > max_requests or self.size_bytes > max_bytes:
            worst = self.queue.worst(now_s)
            self._exit(worst)
            out.append(worst)
            if worst is newcomer:
                break
        for entry in reversed(out):
            self._enter(entry)
        return [newcomer] if newcomer in out else out

    def _enter(self, entry: Entry) -> None:
        entry.line = self.queue.add(entry, entry.key)
        self.size += 1
        self.size_bytes += entry.request.size_bytes
        entry.rule.queued += 1

    def _exit(self, entry: Entry) -> None:
        self.queue.remove(entry, entry.line)
        self.size -= 1
        self.size_bytes -= entry.request.size_bytes
        entry.rule.queued -= 1
