"""How fast a number may move: a guard against one absurd sample, wide enough for every load that is real."""

from dataclasses import dataclass
from typing import Final

UP_S: Final = 15.0
UP_TIMES: Final = 3
UP_BY: Final = 10
"""Within `UP_S` seconds to `UP_TIMES` as many, or by `UP_BY`: wider than an HPA's default (twice, or 4 more), since
what was computed from capacity and demand is no probing."""
DOWN_S: Final = 60.0
DOWN_SHARE: Final = 0.5
DOWN_BY: Final = 4
"""Within `DOWN_S` seconds to `DOWN_SHARE` of it, or by `DOWN_BY`: a mistake can be seen before the fleet is gone."""


@dataclass(frozen=True, slots=True)
class Moves:
    """Numbers in force as (since when in Unix seconds, replicas), oldest first: as far back as a rate looks."""

    rows: tuple[tuple[float, int], ...] = ()

    def adding(self, at_s: float, replicas: int) -> "Moves":
        """Return these and the number now, without what no rate looks at any more."""
        if self.rows and self.rows[-1][1] == replicas:
            return self
        young = [row for row in self.rows if row[0] > at_s - DOWN_S]
        older = self.rows[: len(self.rows) - len(young)][-1:]
        return Moves((*older, *young, (at_s, replicas)))

    def at(self, then_s: float, otherwise: int) -> int:
        """Return the number in force at a time, the first one known before that."""
        past = [replicas for since_s, replicas in self.rows if since_s <= then_s]
        return past[-1] if past else self.rows[0][1] if self.rows else otherwise


NEVER_MOVED: Final = Moves()


def within_pace(replicas: int) -> int:
    """Return the most that so many may become at once."""
    return max(UP_TIMES * replicas, replicas + UP_BY)


def paced(wanted: int, base: int, moves: Moves, now_s: float) -> tuple[int, str]:
    """Return the nearest number that the rates allow, and which of them bound, empty where none did."""
    if wanted == base:
        return wanted, ""
    before, earlier = moves.at(now_s - UP_S, base), moves.at(now_s - DOWN_S, base)
    most = within_pace(before)
    least = min(int(DOWN_SHARE * earlier), earlier - DOWN_BY)
    if wanted > max(most, base):
        return max(most, base), f"{UP_TIMES} times as many or {UP_BY} more within {UP_S:.0f} s"
    if wanted < min(least, base):
        return min(least, base), f"half of them or {DOWN_BY} fewer within {DOWN_S:.0f} s"
    return wanted, ""
