"""How often something happened in the last minute: a true sliding window of sixty one-second buckets."""

from typing import Final

WINDOW_S: Final = 60
SHORTEST_S: Final = 10  # a rate over less is mostly chance


class Window:
    """Counts events. Its state belongs to `second` of the caller's clock, which never goes back.

    An event stays in the count until sixty seconds after the start of its second. `roll` drops what has left the
    window; a jump of any length costs at most sixty steps. Memory is constant, however many events there are.
    """

    __slots__ = ("_buckets", "count", "second")

    def __init__(self, now_s: float) -> None:
        self.second = int(now_s)
        self.count = 0
        self._buckets = [0] * WINDOW_S

    def roll(self, second: int) -> None:
        """Move to a later second; an earlier one changes nothing."""
        buckets = self._buckets
        for passed in range(max(self.second, second - WINDOW_S) + 1, second + 1):
            slot = passed % WINDOW_S
            self.count -= buckets[slot]
            buckets[slot] = 0
        self.second = max(self.second, second)

    def add(self, now_s: float) -> None:
        """Count one event."""
        second = int(now_s)
        if second > self.second:
            self.roll(second)
        self._buckets[self.second % WINDOW_S] += 1
        self.count += 1

    def rate_per_s(self, now_s: float) -> float:
        """Return events in the window per second of the window."""
        self.roll(int(now_s))
        return self.count / WINDOW_S

    def rate_since(self, began_s: float, now_s: float) -> float | None:
        """Return events per second since counting began, at most over the window; None in the first seconds."""
        seconds = int(now_s) - int(began_s)
        if seconds < SHORTEST_S:
            return None
        self.roll(int(now_s))
        return self.count / min(seconds, WINDOW_S)
