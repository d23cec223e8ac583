"""The lane: the share of dispatches that goes to the request that waits longest, whatever its score."""

import math
from typing import Final

_ROUNDING: Final = 1e-9  # a hundred times 0.29 must be 29


class Lane:
    """Counts dispatches, so that picks of the lane are their share to within one.

    With one such pick in m dispatches and k requests before it, nothing that may go waits for more than m·(k+1)
    dispatches, and no newcomer makes that longer.
    """

    def __init__(self, share_ratio: float) -> None:
        self._share_ratio = share_ratio
        self._dispatches = 0
        self._picks = 0

    @property
    def is_due(self) -> bool:
        """Whether the next dispatch is the lane's."""
        return int((self._dispatches + 1) * self._share_ratio + _ROUNDING) > self._picks

    def dispatched(self, *, by_lane: bool) -> None:
        """Count one dispatch."""
        self._dispatches += 1
        self._picks += by_lane

    def bound_s(self, queued: int, dispatch_per_s: float) -> float | None:
        """Return the longest wait that the lane guarantees at this rate; None where nothing bounds it."""
        if not self._share_ratio or not dispatch_per_s:
            return None
        return math.ceil(1 / self._share_ratio - _ROUNDING) * (queued + 1) / dispatch_per_s
