"""Which endpoint a request goes to: the least loaded, then others to fall back on."""

from collections.abc import Sequence
from typing import Final, Protocol

FALLBACKS: Final = 2


class Candidate(Protocol):
    """An endpoint as the choice sees it; loads in requests, `capacity` ≥ 1."""

    @property
    def address(self) -> str:
        """`ip:port`."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether one more may be sent now."""
        ...

    @property
    def load_ratio(self) -> float:
        """Outstanding requests ÷ capacity."""
        ...

    @property
    def unanswered(self) -> int:
        """Requests sent whose response has not begun: each means a prefill that is still to be done."""
        ...


def pick(candidates: Sequence[Candidate], turn: int) -> tuple[str, ...]:
    """Return addresses, best first: the pick and up to two fallbacks; empty when there is no candidate.

    Those with room come first, then the lowest ratio, then the fewest unanswered; equals take turns as `turn` counts.
    """
    count = len(candidates)
    ranked = sorted(
        (not one.has_room, one.load_ratio, one.unanswered, (place - turn) % count, one.address)
        for place, one in enumerate(candidates)
    )
    return tuple(row[-1] for row in ranked[: 1 + FALLBACKS])
