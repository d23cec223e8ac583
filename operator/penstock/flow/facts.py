"""What is told of a request that comes, waits or leaves, put into values."""

from penstock.flow.actions import Admitted, Counted
from penstock.flow.entry import Entry
from penstock.ordering.score import Score


def counted(entry: Entry, *, joined: bool) -> Counted:
    """Return what the request's workload has active now that it came or left."""
    workload = entry.workload
    return Counted(
        request=entry.request,
        workload_id=workload.workload_id,
        joined=joined,
        active=workload.active,
        total=workload.total,
        rate_per_s=workload.rate_per_s,
        generation=entry.generation,
    )


def admitted(entry: Entry, score: Score | None) -> Admitted:
    """Return that flow control took the request, with its score if it has to wait."""
    return Admitted(request=entry.request, context=entry.context, score=score, generation=entry.generation)
