"""What one workload has done lately: active and total requests, rate, and the mean wait of its dispatches."""

from typing import Final

from penstock.programs.window import WINDOW_S, Window

EMA_ALPHA: Final = 0.2
EMA_HALF_LIFE_S: Final = 60.0


class Workload:
    """One entry of the registry; lives as long as requests hold it.

    `rate_per_s`: arrivals of the last 60 s / 60, as of `second`. `avg_wait_s`: exponential mean (α 0.2, the first
    sample initialises) of the waits of dispatched requests; it halves with each minute without an active request, so
    that an old bad period does not boost for ever.
    """

    __slots__ = ("_window", "active", "avg_wait_s", "idle_since_s", "rate_per_s", "sampled", "second", "tenant",
                 "total", "workload_id")  # fmt: skip

    def __init__(self, tenant: str, workload_id: str, now_s: float) -> None:
        self.tenant = tenant
        self.workload_id = workload_id
        self.active = 0
        self.total = 0
        self.rate_per_s = 0.0
        self.avg_wait_s = 0.0
        self.sampled = False
        self.idle_since_s = now_s
        self._window = Window(now_s)
        self.second = self._window.second

    def refresh(self, second: int) -> None:
        """Bring the rate forward."""
        self._window.roll(second)
        self._show()

    def arrive(self, now_s: float) -> None:
        """Count a request in."""
        if not self.active:
            self.avg_wait_s = self.wait_at(now_s)
        self.active += 1
        self.total += 1
        self._window.add(now_s)
        self._show()

    def dispatched(self, waited_s: float) -> None:
        """Take one wait into the mean."""
        self.avg_wait_s += (waited_s - self.avg_wait_s) * (EMA_ALPHA if self.sampled else 1.0)
        self.sampled = True

    def leave(self, now_s: float) -> None:
        """Count a request out, however it ended."""
        self.active -= 1
        if not self.active:
            self.idle_since_s = now_s

    def wait_at(self, now_s: float) -> float:
        """Return the mean wait in seconds, decayed for the time without an active request."""
        if self.active or not self.avg_wait_s:
            return self.avg_wait_s
        return float(self.avg_wait_s * 0.5 ** ((now_s - self.idle_since_s) / EMA_HALF_LIFE_S))

    def _show(self) -> None:
        """Put the window's state where the ordering reads it: two attributes, since it looks at every workload."""
        self.second = self._window.second
        self.rate_per_s = self._window.count / WINDOW_S
