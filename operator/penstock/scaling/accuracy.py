"""How far off a model's forecasts were lately, so that steady traffic need not pay for what wild traffic takes."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import exp, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

from penstock.scaling.judging import mean_ratio, off_ratio

EVERY_S: Final = 60.0
"""Seconds between forecasts that are judged."""
FADES_S: Final = 3600.0
"""Seconds after which an error counts for a third: who is calm at night need not be so in the morning."""
SUPPOSED: Final = 4.0
"""Errors that are supposed to have been seen, each as large as those of traffic in general."""
_LATE_S: Final = 60.0  # a forecast that nobody could look at in time is not judged
_MOST: Final = 4.6  # times the usual: a jump makes a level of its own, and is not what to expect every hour
_inverse: Final = NormalDist().inv_cdf


class Expected(NamedTuple):
    """Requests per second that are expected at `due_s`, and by what share that is off in general."""

    due_s: float
    per_s: float
    off_ratio: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Errors of forecasts over the usual ones: how many independent ones, the sum of their squares, both fading.

    The newest was judged at `at_s`. `pending` are the forecasts whose time has not come, oldest first. `error_ratio` is
    for people: the mean distance of forecasts and arrivals by the larger of them, None while none was judged.
    """

    errors: float = 0.0
    squares: float = 0.0
    at_s: float = 0.0
    pending: tuple[Expected, ...] = ()
    error_ratio: float | None = None

    def seeing(self, now_s: float, per_s: float, apart_s: float) -> "Accuracy":
        """Return this with the forecast judged whose time has come, by the `per_s` requests per second that arrive.

        Those that are made within `apart_s` seconds are off together: each counts for its part of one error.
        """
        due = [one for one in self.pending if one.due_s <= now_s]
        if not due:
            return self
        newest, rest, after_s = due[-1], self.pending[len(due) :], max(now_s - self.at_s, 0.0)
        if now_s - newest.due_s > _LATE_S:
            return replace(self, pending=rest)
        error_ratio = mean_ratio(self.error_ratio, off_ratio(newest.per_s, per_s))
        if newest.per_s <= 0:
            return replace(self, pending=rest, error_ratio=error_ratio)
        keep, part = exp(-after_s / FADES_S), min(after_s / apart_s, 1.0)
        times = min(abs(per_s / newest.per_s - 1) / newest.off_ratio, _MOST)
        return Accuracy(self.errors * keep + part, self.squares * keep + part * times**2, now_s, rest, error_ratio)

    def expecting(self, found: Expected) -> "Accuracy":
        """Return this with a forecast more, if the last one is older; what looks further ahead is forgotten."""
        before = self.pending
        if before and before[-1].due_s > found.due_s:  # a clock was set back, or starts take less than was thought
            before = tuple([one for one in before if one.due_s <= found.due_s])
        if before and found.due_s < before[-1].due_s + EVERY_S:
            return self if before is self.pending else replace(self, pending=before)
        return replace(self, pending=(*before, found))

    def narrower(self, share: float) -> float:
        """Return how much of the usual room suffices for `share` of the time: 1 unless errors are smaller than usual.

        Errors that scatter by an unknown deviation exceed a level as Student's t does: the fewer are known, the wider.
        """
        known = round(SUPPOSED + self.errors, 1)
        scale = sqrt((SUPPOSED + self.squares) / known)
        return min(scale * _student(known, share) / _student(SUPPOSED, share), 1.0)


@lru_cache(maxsize=1024)
def _student(freedom: float, share: float) -> float:
    """Return the quantile of Student's t by its expansion around the normal one (Abramowitz and Stegun, 26.7.5)."""
    z = max(_inverse(share), 1e-3)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
