"""The published score of a queued request: w·W + c·C − r·R, with every component that the log shows."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from penstock.domain.policies import Norms, Weights

CRITICALITY_LEVELS = 5


class Standing(Protocol):
    """What one workload has done lately. Both numbers hold for the whole second `second` of the router's clock.

    `refresh(second)` brings them forward; they may change at any time by what the workload does.
    """

    second: int
    rate_per_s: float
    avg_wait_s: float

    def refresh(self, second: int) -> None:
        """Bring the numbers forward to a later second."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """Weights and norms of one policy as they enter the score; compared by identity, so that it is a cheap key."""

    wait_time: float
    criticality: float
    request_rate: float
    max_wait_s: float
    rate_half_per_s: float

    @classmethod
    def of(cls, weights: Weights, norms: Norms) -> "Terms":
        """Take what counts outside of program orderings."""
        return cls(
            wait_time=weights.wait_time,
            criticality=weights.criticality,
            request_rate=weights.request_rate,
            max_wait_s=norms.max_wait_s,
            rate_half_per_s=norms.rate_half_per_s,
        )


class Score(NamedTuple):
    """One request's score and what it was made of; waits in seconds, rate in requests per second.

    A tuple, since one is made for each dispatch and a frozen dataclass costs three times as much.

    `final_score` = `wait_time`·`normalized_wait` + `criticality`·`normalized_crit` − `request_rate`·`normalized_rate`
    with the weights in force.
    """

    criticality: int
    own_wait_s: float
    avg_wait_s: float
    rate_per_s: float
    normalized_wait: float
    normalized_crit: float
    normalized_rate: float
    final_score: float


def score(terms: Terms, *, criticality: int, own_wait_s: float, avg_wait_s: float, rate_per_s: float) -> Score:
    """Return the score of one request of a workload that waits `avg_wait_s` and asks `rate_per_s` times a second."""
    wait = min(1.0, max(own_wait_s, avg_wait_s) / terms.max_wait_s)
    crit = criticality / CRITICALITY_LEVELS
    rate = rate_per_s / (rate_per_s + terms.rate_half_per_s)
    final_score = terms.wait_time * wait + terms.criticality * crit - terms.request_rate * rate
    return Score(criticality, own_wait_s, avg_wait_s, rate_per_s, wait, crit, rate, final_score)
