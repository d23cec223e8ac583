"""What became of one WorkloadPolicy: attached or why not, and what each of its routers runs."""

from dataclasses import dataclass

from penstock.domain.decisions import Verdict
from penstock.domain.policies import Policy
from penstock.domain.reasons import PolicyReason
from penstock.domain.variants import ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterReport:
    """One Ready router pod as it answered; None is unknown. `applied_at` is the router's own RFC 3339 text.

    `error` says why it does not run the right document, None: it does. `is_right` is what `programmed` counts.
    """

    pod: str
    generation: int | None = None
    hash: str | None = None
    applied_at: str | None = None
    role: str = "Stable"
    error: str | None = None

    @property
    def is_right(self) -> bool:
        """Whether it runs the document that it should."""
        return self.error is None and self.hash is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyOutcome:
    """One policy after a round of pushing; what status and events tell of it.

    `programmed` is None where the policy was not accepted for its target. `effective` is the newest that a router
    said it runs, and `stable_generation` its number; None where none did.
    `starvation_bound_s` is the worst router's, None where none is guaranteed.
    """

    key: ObjectKey
    generation: int
    accepted: Verdict[PolicyReason]
    programmed: Verdict[PolicyReason] | None
    degraded: Verdict[PolicyReason]
    routers: tuple[RouterReport, ...] = ()
    effective: Policy | None = None
    stable_generation: int | None = None
    starvation_bound_s: float | None = None
