"""First come, first served: the order of arrival, whoever asks."""

from collections.abc import Collection

from penstock.ordering.line import Admits, AnyItem, Line
from penstock.ordering.score import Score


class Fcfs:
    """Ranks requests by arrival alone."""

    def first(self, lines: Collection[Line[AnyItem]], now_s: float, admits: Admits | None) -> Line[AnyItem] | None:  # noqa: ARG002 - arrival does not age
        """Return the line whose head came first, among those that `admits` lets go."""
        best: Line[AnyItem] | None = None
        for line in lines:
            if (best is None or line.head_seq < best.head_seq) and (admits is None or admits(line.key.gate)):
                best = line
        return best

    def last(self, lines: Collection[Line[AnyItem]], now_s: float) -> Line[AnyItem]:  # noqa: ARG002 - as above
        """Return the line whose tail came last; `lines` is not empty."""
        return max(lines, key=lambda line: line.tail.seq)

    def score(self, line: Line[AnyItem], item: AnyItem, now_s: float) -> Score | None:  # noqa: ARG002 - one door for all
        """Answer that arrival has no score."""
        return None
