"""Long-run state of a queue in front of one engine that batches: faster the fuller, until the batch is full."""

from dataclasses import dataclass
from typing import Final

QUEUE_PER_BATCH: Final = 10
"""Places in line per place in the batch: WVA's choice, on which its published numbers rest."""

_RESCALE_ABOVE: Final = 1e200
_NEGLIGIBLE: Final = 1e-18


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch of at most `size` requests; with n of them inside, each takes `base + slope·n` in the engine."""

    size: int
    base: float
    slope: float

    def rate(self, n: int) -> float:
        """Return how many requests finish per unit of time with n in the batch."""
        return n / (self.base + self.slope * n)


@dataclass(frozen=True, slots=True)
class SteadyState:
    """Requests per unit of time that get through, and mean numbers of requests in the system and in the batch."""

    throughput: float
    in_system: float
    in_service: float


def steady_state(arrival: float, batch: Batch) -> SteadyState:
    """Solve the birth-death chain M/M(n)/1/K with K = 11 batches, for arrivals below what a full batch gets through.

    Within the batch the terms are summed; beyond it the service rate stays, so the rest is a geometric series and
    costs nothing however long the line is.
    """
    full, inside, inside_first = _inside(arrival, batch)
    ratio = arrival / batch.rate(batch.size)
    beyond, beyond_first, last = _geometric(ratio, QUEUE_PER_BATCH * batch.size)
    total = inside + full * beyond
    in_service = (inside_first + full * batch.size * beyond) / total
    return SteadyState(
        throughput=arrival * (1.0 - full * last / total),
        in_system=in_service + full * beyond_first / total,
        in_service=in_service,
    )


def _inside(arrival: float, batch: Batch) -> tuple[float, float, float]:
    """Return p(N), Σ p(n) and Σ n·p(n) for n = 0..N, unnormalised; p(N) is 0 where it is too small to matter.

    The terms rise while n is below the mode and fall beyond it: only the first can overflow, only the others fade.
    """
    base, slope = arrival * batch.base, arrival * batch.slope
    mode = min(int(base / (1.0 - slope)), batch.size) if slope < 1.0 else batch.size
    state, total, first = 1.0, 1.0, 0.0
    for n in range(1, mode + 1):
        state *= base / n + slope
        total += state
        first += n * state
        if state > _RESCALE_ABOVE:
            state, total, first = state / _RESCALE_ABOVE, total / _RESCALE_ABOVE, first / _RESCALE_ABOVE
    negligible = _NEGLIGIBLE * total
    for n in range(mode + 1, batch.size + 1):
        state *= base / n + slope
        total += state
        first += n * state
        if state < negligible:
            return 0.0, total, first
    return state, total, first


def _geometric(ratio: float, count: int) -> tuple[float, float, float]:
    """Return Σ r^j, Σ j·r^j for j = 1..count, and r^count, for r below 1."""
    last = ratio**count
    rest = 1.0 - ratio
    return (
        ratio * (1.0 - last) / rest,
        ratio * (1.0 - (count + 1) * last + count * last * ratio) / rest**2,
        last,
    )
