"""The published workload-aware order: highest score first, at every instant, ties by arrival."""

from collections.abc import Collection

from penstock.ordering.line import Admits, AnyItem, Line
from penstock.ordering.score import Score, score


class WorkloadAware:
    """Ranks requests by `score.score`; the loop repeats its arithmetic so that a thousand lines cost microseconds."""

    def first(self, lines: Collection[Line[AnyItem]], now_s: float, admits: Admits | None) -> Line[AnyItem] | None:
        """Return the line whose head scores highest, among those that `admits` lets go."""
        best: Line[AnyItem] | None = None
        best_value = 0.0
        second = int(now_s)
        for line in lines:
            value = _value(line, now_s - line.head_s, second)
            if best is not None and (value < best_value or (value == best_value and line.head_seq > best.head_seq)):
                continue
            if admits is None or admits(line.key.gate):
                best, best_value = line, value
        return best

    def last(self, lines: Collection[Line[AnyItem]], now_s: float) -> Line[AnyItem]:
        """Return the line whose tail scores lowest, the youngest of equals; `lines` is not empty."""
        second = int(now_s)

        def rank(line: Line[AnyItem]) -> tuple[float, int]:
            tail = line.tail
            return _value(line, now_s - tail.arrived_s, second), -tail.seq

        return min(lines, key=rank)

    def score(self, line: Line[AnyItem], item: AnyItem, now_s: float) -> Score | None:
        """Return an item's score with all its components."""
        line.standing.refresh(int(now_s))
        return score(
            line.terms,
            criticality=line.key.criticality,
            own_wait_s=now_s - item.arrived_s,
            avg_wait_s=line.standing.avg_wait_s,
            rate_per_s=line.standing.rate_per_s,
        )


def _value(line: Line[AnyItem], own_wait_s: float, second: int) -> float:
    """Return the final score alone: the arithmetic of `score`, step by step, so that both give the same bits."""
    standing, terms = line.standing, line.terms
    if standing.second != second:
        standing.refresh(second)
    wait = min(1.0, max(own_wait_s, standing.avg_wait_s) / terms.max_wait_s)
    rate = standing.rate_per_s
    return terms.wait_time * wait + line.criticality_part - terms.request_rate * (rate / (rate + terms.rate_half_per_s))
