"""Saying no: which status, which sentence, and when to try again."""

import math
from typing import Final

from penstock.domain.reasons import RejectReason
from penstock.flow.actions import Reject
from penstock.flow.entry import Entry

LONGEST_RETRY_S: Final = 60
# the start of an engine takes minutes, another router of the same pool is ready now
_FIXED_RETRY_S: Final = {RejectReason.NO_ENDPOINTS: 10, RejectReason.SHUTTING_DOWN: 1}

_SENTENCES: Final[dict[RejectReason, str]] = {
    RejectReason.SATURATED: "The queue is full and every request in it goes before this one.",
    RejectReason.QUEUE_PRESSURE: "The queue is full and this request had to give way to a more urgent one.",
    RejectReason.QUOTA: "This workload has as many queued requests as its quota allows.",
    RejectReason.TTL_EXPIRED: "The request waited as long as it may, and no endpoint had room for it.",
    RejectReason.NO_ENDPOINTS: "No ready endpoint can serve this request.",
    RejectReason.SHUTTING_DOWN: "This router is shutting down; another one takes the request.",
}
_UNAVAILABLE: Final = frozenset({RejectReason.NO_ENDPOINTS, RejectReason.SHUTTING_DOWN})


def reject(entry: Entry, reason: RejectReason, now_s: float, *, queued: int, dispatch_per_s: float) -> Reject:
    """Return the refusal of a request while `queued` others wait and leave at this rate."""
    return Reject(
        request=entry.request,
        context=entry.context,
        status=503 if reason in _UNAVAILABLE else 429,
        reason=reason,
        retry_after_s=_retry_after_s(reason, queued, dispatch_per_s),
        message=_SENTENCES[reason],
        waited_s=now_s - entry.arrived_s,
        generation=entry.generation,
    )


def _retry_after_s(reason: RejectReason, queued: int, dispatch_per_s: float) -> int:
    """Return when the queue of now will be gone: 1 to 60 s, and 60 where nothing moves."""
    if reason in _FIXED_RETRY_S:
        return _FIXED_RETRY_S[reason]
    return min(LONGEST_RETRY_S, math.ceil((queued + 1) / dispatch_per_s)) if dispatch_per_s else LONGEST_RETRY_S
