"""What the scheduler tells its shell to do, and the facts behind it that the log and the metrics show."""

from dataclasses import dataclass
from typing import TypeAlias

from penstock.domain.reasons import RejectReason
from penstock.domain.requests import Request, WorkloadContext
from penstock.ordering.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A workload's number of active requests changed: one more (`joined`) or one less.

    `workload_id` is the entry that counts the request: its own id, or `other` where the registry is full.
    `total` and `rate_per_s` are those after the change.
    """

    request: Request
    workload_id: str
    joined: bool
    active: int
    total: int
    rate_per_s: float
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Flow control took the request. `context` is in force: its criticality is defaulted and capped by the policy.

    `score` is there when the request has to wait and the ordering scores; one that goes at once has it in `Dispatch`.
    """

    request: Request
    context: WorkloadContext
    score: Score | None
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Send the request to `endpoint`, or on failure to the `fallbacks` in their order.

    `queue_size_before` counts the requests that waited, this one included if it had to. `score` is None where the
    ordering has none. `lane` is true when it went as the oldest, whatever its score.
    """

    request: Request
    context: WorkloadContext
    endpoint: str
    fallbacks: tuple[str, ...]
    score: Score | None
    queue_size_before: int
    waited_s: float
    lane: bool
    generation: int

    @property
    def ticket(self) -> int:
        """The request's ticket."""
        return self.request.ticket

    @property
    def addresses(self) -> tuple[str, ...]:
        """The endpoint and its fallbacks, best first."""
        return (self.endpoint, *self.fallbacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Answer the request with HTTP `status`; `message` is one sentence for the client."""

    request: Request
    context: WorkloadContext
    status: int
    reason: RejectReason
    retry_after_s: int
    message: str
    waited_s: float
    generation: int

    @property
    def ticket(self) -> int:
        """The request's ticket."""
        return self.request.ticket


Action: TypeAlias = Counted | Admitted | Dispatch | Reject
