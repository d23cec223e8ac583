"""What one workload has done lately: active and total requests, rate, and the mean wait of its dispatches."""

from typing import Final, NamedTuple

from penstock.programs.window import WINDOW_S, Window

EMA_ALPHA: Final = 0.2
EMA_HALF_LIFE_S: Final = 60.0


class Sums(NamedTuple):
    """Rate and mean wait of one workload over all routers; they count before `until_second` of the router's clock."""

    rate_per_s: float
    avg_wait_s: float
    until_second: int


NOTHING: Final = Sums(0.0, 0.0, 0)


class Workload:
    """One entry of the registry; lives as long as requests hold it.

    `rate_per_s`: arrivals of the last 60 s / 60, as of `second`. `avg_wait_s`: exponential mean (α 0.2, the first
    sample initialises) of the waits of dispatched requests; it halves with each minute without an active request: who
    comes back after a pause has no claim left from before it. Where all routers together saw more than this one
    (`hear`), both show that instead.
    """

    __slots__ = ("_everywhere", "_heard", "_own_wait_s", "_window", "active", "avg_wait_s", "idle_since_s",
                 "rate_per_s", "sampled", "second", "tenant", "total", "workload_id")  # fmt: skip

    def __init__(self, tenant: str, workload_id: str, now_s: float) -> None:
        self.tenant = tenant
        self.workload_id = workload_id
        self.active = 0
        self.total = 0
        self.rate_per_s = 0.0
        self.avg_wait_s = self._own_wait_s = 0.0
        self._everywhere = NOTHING
        self._heard = NOTHING
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
            self._own_wait_s = self.own_wait_at(now_s)
        self.active += 1
        self.total += 1
        self._window.add(now_s)
        self._show()

    def dispatched(self, waited_s: float) -> None:
        """Take one wait into the mean."""
        self._own_wait_s += (waited_s - self._own_wait_s) * (EMA_ALPHA if self.sampled else 1.0)
        self.sampled = True
        self.avg_wait_s = max(self._own_wait_s, self._everywhere.avg_wait_s)

    def leave(self, now_s: float) -> None:
        """Count a request out, however it ended."""
        self.active -= 1
        if not self.active:
            self.idle_since_s = now_s

    def hear(self, sums: Sums) -> None:
        """Take what all routers saw; it counts from the next second on, so that within one nothing jumps."""
        self._heard = sums

    @property
    def own_rate_per_s(self) -> float:
        """The rate at this router alone, as of `second`."""
        return self._window.count / WINDOW_S

    def own_wait_at(self, now_s: float) -> float:
        """Return the mean wait at this router alone in seconds, decayed for the time without an active request."""
        if self.active or not self._own_wait_s:
            return self._own_wait_s
        return float(self._own_wait_s * 0.5 ** ((now_s - self.idle_since_s) / EMA_HALF_LIFE_S))

    def _show(self) -> None:
        """Put the window's state where the ordering reads it: two attributes, since it looks at every workload."""
        window = self._window
        self.rate_per_s = window.count / WINDOW_S
        self.avg_wait_s = self._own_wait_s
        if self._heard is not NOTHING:
            self._show_everywhere(window.second)
        self.second = window.second

    def _show_everywhere(self, second: int) -> None:
        """Show what all routers saw where that is more; in a new second, take what was heard, or let it go."""
        if second > self.second:
            if second >= self._heard.until_second:
                self._heard = NOTHING
            self._everywhere = self._heard
        self.rate_per_s = max(self.rate_per_s, self._everywhere.rate_per_s)
        self.avg_wait_s = max(self.avg_wait_s, self._everywhere.avg_wait_s)
