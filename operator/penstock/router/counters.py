"""Plain numbers that the hot path adds to; they become metrics only when somebody scrapes."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from penstock.domain.reasons import RejectReason
from penstock.domain.requests import OTHER_WORKLOAD
from penstock.flow.actions import Dispatch, Reject

WAIT_BOUNDS_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0)
DECISION_BOUNDS_S: Final = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 0.05)
SCORE_BOUNDS: Final = (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
MOST_LABELS: Final = 1000


class Histogram:
    """Counts per bucket: the last one is what lies above every bound."""

    __slots__ = ("bounds", "buckets", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.buckets)

    def copy(self) -> "Histogram":
        """Return one that no longer changes."""
        made = Histogram(self.bounds)
        made.buckets, made.total = self.buckets[:], self.total
        return made


def _waits() -> Histogram:
    return Histogram(WAIT_BOUNDS_S)


class Counters:
    """Everything counted since the process began; label values are bounded wherever clients choose them."""

    def __init__(self) -> None:
        self.dispatched: defaultdict[int, int] = defaultdict(int)
        self.rejected: defaultdict[tuple[int, RejectReason], int] = defaultdict(int)
        self.cancelled = 0
        self.waits_by_criticality: defaultdict[int, Histogram] = defaultdict(_waits)
        self.waits_by_outcome: defaultdict[str, Histogram] = defaultdict(_waits)
        self.decision = Histogram(DECISION_BOUNDS_S)
        self.lane_picks: defaultdict[int, int] = defaultdict(int)
        self.header_invalid: defaultdict[str, int] = defaultdict(int)
        self.scores: dict[str, Histogram] = {}
        self.picks_by_endpoint: defaultdict[str, int] = defaultdict(int)

    def dispatch(self, action: Dispatch) -> None:
        """Count a request that goes."""
        self.dispatched[action.generation] += 1
        self.waits_by_criticality[action.context.criticality].observe(action.waited_s)
        self.waits_by_outcome["Dispatched"].observe(action.waited_s)
        self.picks_by_endpoint[self._bounded(action.endpoint, self.picks_by_endpoint)] += 1
        self.lane_picks[action.generation] += action.lane
        if action.score is not None:
            self._scored(action.context.workload_id).observe(action.score.final_score)

    def reject(self, action: Reject) -> None:
        """Count a request that is refused."""
        self.rejected[action.generation, action.reason] += 1
        self.waits_by_outcome[outcome(action)].observe(action.waited_s)

    def cancel(self) -> None:
        """Count a request whose client left before the answer."""
        self.cancelled += 1

    def copy(self) -> "Counters":
        """Return all numbers as they are now, cheaply enough for the event loop."""
        made = Counters()
        made.dispatched.update(self.dispatched)
        made.rejected.update(self.rejected)
        made.header_invalid.update(self.header_invalid)
        made.picks_by_endpoint.update(self.picks_by_endpoint)
        made.lane_picks.update(self.lane_picks)
        made.cancelled = self.cancelled
        made.decision = self.decision.copy()
        made.waits_by_criticality.update({c: values.copy() for c, values in self.waits_by_criticality.items()})
        made.waits_by_outcome.update({o: values.copy() for o, values in self.waits_by_outcome.items()})
        made.scores.update({name: values.copy() for name, values in self.scores.items()})
        return made

    def _scored(self, workload_id: str) -> Histogram:
        key = self._bounded(workload_id, self.scores)
        found = self.scores.get(key)
        if found is None:
            found = self.scores[key] = Histogram(SCORE_BOUNDS)
        return found

    @staticmethod
    def _bounded(label: str, seen: dict[str, Histogram] | dict[str, int]) -> str:
        """Return a label, or `other` once a thousand are in use."""
        return label if label in seen or len(seen) < MOST_LABELS else OTHER_WORKLOAD


_OUTCOMES: Final = {
    RejectReason.SATURATED: "RejectedCapacity",
    RejectReason.QUOTA: "RejectedCapacity",
    RejectReason.SHUTTING_DOWN: "RejectedOther",
    RejectReason.QUEUE_PRESSURE: "EvictedOther",
    RejectReason.TTL_EXPIRED: "EvictedTTL",
}


def outcome(action: Reject) -> str:
    """Return the Go picker's word for a refusal: what never waited was rejected, what did was evicted."""
    if action.reason is RejectReason.NO_ENDPOINTS:
        return "EvictedNoEndpoints" if action.waited_s > 0 else "RejectedNoEndpoints"
    return _OUTCOMES[action.reason]
