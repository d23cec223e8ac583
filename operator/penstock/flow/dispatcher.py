"""Brings waiting requests and free endpoints together, and keeps account of what is in flight."""

from penstock.flow.actions import Dispatch
from penstock.flow.entry import Entry, Gate
from penstock.flow.fleet import Fleet
from penstock.flow.lane import Lane
from penstock.flow.waiting import Waiting
from penstock.programs.window import Window


class Dispatcher:
    """Sends the best request that may go while there is one, or, when `lane` is due, the oldest that may go."""

    def __init__(self, waiting: Waiting, fleet: Fleet, lane: Lane, now_s: float) -> None:
        self.in_flight: dict[int, Entry] = {}
        self.lane = lane
        self._waiting = waiting
        self._fleet = fleet
        self._window = Window(now_s)

    def pump(self, now_s: float, newcomer: Entry | None = None) -> list[Dispatch]:
        """Dispatch while a request and an endpoint find each other; `newcomer` has not waited yet."""
        dispatches: list[Dispatch] = []
        while self._waiting.size and self._fleet.open:
            by_lane = self.lane.is_due
            entry = self._waiting.queue.oldest(self._may_go) if by_lane else self._best(now_s)
            if entry is None:
                break
            self.lane.dispatched(by_lane=by_lane)
            dispatches.append(self._dispatch(entry, now_s, lane=by_lane, has_waited=entry is not newcomer))
        return dispatches

    def answered(self, ticket: int, served: str, now_s: float) -> None:
        """Note that a response began, at the endpoint `served` where that is known."""
        entry = self.in_flight.get(ticket)
        if entry is not None and entry.server is not None and not entry.answered:
            entry.server = self._fleet.answered(entry.server, served, now_s)
            entry.answered = True

    def finish(self, ticket: int, now_s: float) -> Entry | None:
        """Take a request out of flight; None if it is not in flight."""
        entry = self.in_flight.pop(ticket, None)
        if entry is not None and entry.server is not None:
            self._fleet.end(entry.server, now_s, answered=entry.answered)
            entry.rule.in_flight -= 1
        return entry

    def dispatch_per_s(self, now_s: float) -> float:
        """Return dispatches per second over the last minute."""
        return self._window.rate_per_s(now_s)

    def starvation_bound_s(self, now_s: float) -> float | None:
        """Return the longest wait that the lane guarantees at the present rate; None where nothing bounds it."""
        return self.lane.bound_s(self._waiting.size, self.dispatch_per_s(now_s))

    def _best(self, now_s: float) -> Entry | None:
        head = self._waiting.queue.peek(now_s)
        if head is None or self._may_go(head.gate):
            return head
        return self._waiting.queue.first(now_s, self._may_go)

    def _may_go(self, gate: Gate) -> bool:
        return gate.rule.may_send and self._fleet.has_room(gate.subset)

    def _dispatch(self, entry: Entry, now_s: float, *, lane: bool, has_waited: bool) -> Dispatch:
        queued = self._waiting.size if has_waited else self._waiting.size - 1
        waited_s = now_s - entry.arrived_s
        score = self._waiting.score(entry, now_s)
        self._waiting.remove(entry)
        entry.workload.dispatched(waited_s)
        self._waiting.queue.standing_changed(entry.workload)
        entry.server, fallbacks = self._fleet.send(entry.request.subset, now_s)
        entry.rule.in_flight += 1
        self.in_flight[entry.request.ticket] = entry
        self._window.add(now_s)
        return Dispatch(
            request=entry.request,
            context=entry.context,
            endpoint=entry.server.address,
            fallbacks=fallbacks,
            score=score,
            queue_size_before=queued,
            waited_s=waited_s,
            lane=lane,
            generation=entry.generation,
        )
