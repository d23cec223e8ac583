"""Saying no: which status, which sentence, and when to try again."""

import math
from typing import Final

from penstock.domain.reasons import RejectReason
from penstock.flow.actions import Reject
from penstock.flow.entry import Entry
from penstock.programs.window import Window

LONGEST_RETRY_S: Final = 60
NO_ENDPOINT_RETRY_S: Final = 10
SHUTDOWN_RETRY_S: Final = 1

_SENTENCES: Final[dict[RejectReason, str]] = {
    RejectReason.SATURATED: "The queue is full and every request in it goes before this one.",
    RejectReason.QUEUE_PRESSURE: "The queue is full and this request had to give way to a more urgent one.",
    RejectReason.QUOTA: "This workload has as many queued requests as its quota allows.",
    RejectReason.TTL_EXPIRED: "The request waited as long as it may, and no endpoint had room for it.",
    RejectReason.NO_ENDPOINTS: "No ready endpoint can serve this request.",
    RejectReason.SHUTTING_DOWN: "This router is shutting down; another one takes the request.",
}
_UNAVAILABLE: Final = frozenset({RejectReason.NO_ENDPOINTS, RejectReason.SHUTTING_DOWN})


def reject(
    entry: Entry, reason: RejectReason, now_s: float, *, retry_after_s: int, ready: bool, generation: int
) -> Reject:
    """Return the answer for a request that is refused; one that waited in vain for a first endpoint gets a 503."""
    is_unavailable = reason in _UNAVAILABLE or (reason is RejectReason.TTL_EXPIRED and not ready)
    return Reject(
        request=entry.request,
        context=entry.context,
        status=503 if is_unavailable else 429,
        reason=reason,
        retry_after_s=retry_after_s,
        message=_SENTENCES[reason],
        waited_s=now_s - entry.arrived_s,
        generation=generation,
    )


class Outflow:
    """How fast requests leave the queue, and what follows for those who wait or come back."""

    def __init__(self, now_s: float) -> None:
        self._window = Window(now_s)

    def dispatched(self, now_s: float) -> None:
        """Count one dispatch."""
        self._window.add(now_s)

    def rate_per_s(self, now_s: float) -> float:
        """Return dispatches per second over the last minute."""
        return self._window.rate_per_s(now_s)

    def retry_after_s(self, reason: RejectReason, queued: int, now_s: float) -> int:
        """Return when the queue of now will be gone: 1 to 60 s, and 60 where nothing has moved for a minute."""
        if reason is RejectReason.NO_ENDPOINTS:
            return NO_ENDPOINT_RETRY_S
        if reason is RejectReason.SHUTTING_DOWN:
            return SHUTDOWN_RETRY_S
        rate = self.rate_per_s(now_s)
        return min(LONGEST_RETRY_S, math.ceil((queued + 1) / rate)) if rate else LONGEST_RETRY_S

    def starvation_bound_s(self, lane_share_ratio: float, queued: int, now_s: float) -> float | None:
        """Return the longest wait that the lane guarantees at the present rate, or None where nothing bounds it.

        With one lane pick in m dispatches and k requests before it, a request goes within m·(k+1) dispatches.
        """
        rate = self.rate_per_s(now_s)
        if not lane_share_ratio or not rate:
            return None
        return math.ceil(1 / lane_share_ratio) * (queued + 1) / rate
