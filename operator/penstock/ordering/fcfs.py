"""First come, first served: the order of arrival, whoever asks."""

from collections.abc import Mapping
from typing import Generic

from penstock.ordering.line import Admits, AnyItem, Line, LineKey
from penstock.ordering.score import Score, Standing


class Fcfs(Generic[AnyItem]):
    """Ranks the lines of a queue by arrival alone."""

    def __init__(self, lines: Mapping[LineKey, Line[AnyItem]]) -> None:
        self._lines = lines

    def opened(self, line: Line[AnyItem]) -> None:
        """Note nothing: the lines are looked at when they are asked for."""

    def standing_changed(self, standing: Standing) -> None:
        """Note nothing: arrival does not change."""

    def first(self, now_s: float, admits: Admits | None) -> Line[AnyItem] | None:  # noqa: ARG002 - arrival does not age
        """Return the line whose head came first, among those that `admits` lets go."""
        best: Line[AnyItem] | None = None
        for line in self._lines.values():
            if (best is None or line.head_seq < best.head_seq) and (admits is None or admits(line.key.gate)):
                best = line
        return best

    def last(self, now_s: float) -> Line[AnyItem]:  # noqa: ARG002 - as above
        """Return the line whose tail came last; there is one."""
        return max(self._lines.values(), key=lambda line: line.tail.seq)

    def score(self, line: Line[AnyItem], item: AnyItem, now_s: float) -> Score | None:  # noqa: ARG002 - one door for all
        """Answer that arrival has no score."""
        return None
