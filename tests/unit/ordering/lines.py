"""Building stones of the ordering tests: items, standings that may be set, and the full scan as the yardstick."""

from dataclasses import dataclass, field

from penstock.ordering.line import LineKey
from penstock.ordering.score import Terms, score


@dataclass(slots=True, eq=False)
class FakeStanding:
    """What a workload did, as the test says; the rate falls by a tenth each second, as a window's would."""

    rate_per_s: float = 0.0
    avg_wait_s: float = 0.0
    second: int = 0

    def refresh(self, second: int) -> None:
        while self.second < second:
            self.second += 1
            self.rate_per_s *= 0.9


@dataclass(frozen=True, slots=True)
class FakeItem:
    """A queued request and the line it stands in."""

    seq: int
    arrived_s: float
    key: LineKey = field(compare=False)


def final_score(item: FakeItem, now_s: float) -> float:
    """The published formula, taken from nowhere but `score`."""
    item.key.standing.refresh(int(now_s))
    return score(
        item.key.terms,
        criticality=item.key.criticality,
        own_wait_s=now_s - item.arrived_s,
        avg_wait_s=item.key.standing.avg_wait_s,
        rate_per_s=item.key.standing.rate_per_s,
    ).final_score


def full_scan(items: list[FakeItem], now_s: float) -> list[FakeItem]:
    """Everything queued, best first, ties by arrival."""
    return sorted(items, key=lambda item: (-final_score(item, now_s), item.seq))


def terms(wait: float = 0.4, criticality: float = 0.4, rate: float = 0.2, max_wait_s: float = 60.0) -> Terms:
    return Terms(wait_time=wait, criticality=criticality, request_rate=rate, max_wait_s=max_wait_s, rate_half_per_s=1.0)
