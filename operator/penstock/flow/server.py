"""What one router knows of one endpoint: what it sent there, what the gauges said, and how much may be sent."""

from collections import deque
from typing import Final

from penstock.domain.requests import Endpoint, EndpointLoad
from penstock.picking.subset import names

HISTORY_S: Final = 5.0
HISTORY_STEP_S: Final = 0.005
START_LIMIT: Final = 8.0


class Server:
    """State of one endpoint. Loads and limits are in requests.

    `in_flight` are our own requests; `foreign` those of others, as the gauges last showed them. `seen_in_flight` is
    what was ours at that moment: the difference has been sent, or has ended, since. `limit` bounds `in_flight` until
    `review_s`; `learned` is the learnt concurrency, `is_probing` until the engine first queued.
    `load_ratio` is what all routers have outstanding there ÷ what it may hold of that.
    """

    __slots__ = ("_history", "added_s", "address", "endpoint", "foreign", "has_room", "in_flight", "is_probing",
                 "learned", "limit", "load", "load_ratio", "names", "review_s", "seen_in_flight",
                 "unanswered")  # fmt: skip

    def __init__(self, endpoint: Endpoint, now_s: float) -> None:
        self.endpoint = endpoint
        self.address = endpoint.address
        self.names = names(endpoint.address)
        self.added_s = now_s
        self.in_flight = 0
        self.unanswered = 0
        self.load: EndpointLoad | None = None
        self.seen_in_flight = 0
        self.foreign = 0.0
        self.learned = START_LIMIT
        self.is_probing = True
        self.limit = 0
        self.has_room = False
        self.load_ratio = 0.0
        self.review_s = now_s
        self._history: deque[tuple[float, int]] = deque()

    def weigh(self) -> None:
        """Bring room and load up to date; asked for by whoever changed what they follow from."""
        self.has_room = self.in_flight < self.limit
        self.load_ratio = (self.in_flight + self.foreign) / max(1.0, self.limit + self.foreign)

    def sent(self, now_s: float) -> None:
        """Count one request out to the endpoint."""
        self.in_flight += 1
        self.unanswered += 1
        self._note(now_s)

    def ended(self, now_s: float, *, answered: bool) -> None:
        """Count one request back."""
        self.in_flight -= 1
        if not answered:
            self.unanswered -= 1
        self._note(now_s)

    def observe(self, load: EndpointLoad) -> None:
        """Take in gauges: what was sent after `load.at_s` is not in them."""
        self.load = load
        self.seen_in_flight = self._in_flight_at(load.at_s)
        self.foreign = max(0.0, load.running + load.waiting - self.seen_in_flight)

    def _note(self, now_s: float) -> None:
        """Remember what is in flight now, in steps of 5 ms, so that memory does not grow with the rate.

        A step carries the time of its last change: gauges read within it count none of the step's requests as seen.
        """
        history = self._history
        if history and int(history[-1][0] / HISTORY_STEP_S) == int(now_s / HISTORY_STEP_S):
            history.pop()
        history.append((now_s, self.in_flight))
        # the first entry stays as the state from which the others depart
        while len(history) > 1 and history[1][0] < now_s - HISTORY_S:
            history.popleft()

    def _in_flight_at(self, at_s: float) -> int:
        """Return what was in flight at a moment of the last seconds."""
        for when_s, count in reversed(self._history):
            if when_s <= at_s:
                return count
        return 0
