"""How much will be asked of a model when a replica that is ordered now serves: level, trend, and room for more.

Production traffic is not seasonal at this range: what arrives now is the best guess of what arrives in minutes, off by
8 to 11 % on average ten minutes ahead (ServeGen's two weeks of several services, arXiv 2505.09999). So the level is a
short mean since the last jump, a trend counts only where it stands out from the noise and is older than a window, and
the room is the larger of two: what traffic in general may grow by meanwhile, less where forecasts were off by less, and
what the bursts of the last quarter of an hour take. Both grow with one number, the share of requests that must be
served in time; a line that may stand for as long as a first token may take stands for part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from operator import mul
from statistics import fmean
from typing import Final

from penstock.scaling.bursts import burst_room
from penstock.scaling.history import WINDOW_S, Fall, Moment, first_since
from penstock.scaling.shifts import FELL_S, SIDE, since_shift

LEVEL_S: Final = 300.0
"""Seconds whose moments make level and trend."""
STANDS_OUT: Final = 2.5
"""Standard errors by which a slope must differ from none; overlapping windows halve the number of moments twice."""
OFF_RATIO: Final = 0.08
"""Mean relative error of taking the present for what comes at `OFF_AFTER_S`; it grows with the root of time."""
OFF_AFTER_S: Final = 600.0
DRAIN_S: Final = 60.0
"""Seconds in which a line is to be worked off: the window of the rates themselves, so that one pass sees both."""
_FEW: Final = 4
_OVERLAP: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Requests per second at the end of the lead time: what arrives now, what the trend adds, and room for more.

    `backlog_per_s` works off what waits already. `fall` is the last jump if demand fell; its times are the moments'.
    """

    level_per_s: float
    trend_per_s: float
    burst_per_s: float
    backlog_per_s: float
    lead_s: float
    fall: Fall | None = None

    @property
    def expected_per_s(self) -> float:
        """Arrivals with trend and bursts, without the line."""
        return self.level_per_s + self.trend_per_s + self.burst_per_s

    @property
    def need_per_s(self) -> float:
        """All of it."""
        return self.expected_per_s + self.backlog_per_s

    def faster(self, pace: float) -> "Forecast":
        """Return this forecast for a time that goes `pace` times as fast as the moments that it was made of."""
        return Forecast(
            level_per_s=self.level_per_s * pace,
            trend_per_s=self.trend_per_s * pace,
            burst_per_s=self.burst_per_s * pace,
            backlog_per_s=self.backlog_per_s * pace,
            lead_s=self.lead_s / pace,
            fall=self.fall and Fall(self.fall.at_s / pace, self.fall.seen_s / pace),
        )


def forecast(
    moments: Sequence[Moment],
    *,
    lead_s: float,
    attainment_ratio: float,
    patience_s: float = 0.0,
    since_s: float | None = None,
    narrower: float = 1.0,
) -> Forecast:
    """Look `lead_s` seconds ahead from the newest of at least one moment, so that `attainment_ratio` of it is met.

    Since `since_s` requests are of another mix: how many came before tells nothing of how many come of these.

    `narrower` is what share of the room for growth suffices by what came of earlier forecasts (see `Accuracy`).

    What comes beyond capacity until more of it serves makes a line, and who may wait `patience_s` seconds for a first
    token can stand in it: so much of the room for more need not be kept.
    """
    newest = moments[-1]
    recent = _since_shift(_since(moments, since_s), newest.at_s)
    level, slope = _level(recent)
    trend = min(slope * lead_s, level)
    ahead = level + trend
    room = max(
        narrower * _growth(ahead, lead_s, attainment_ratio), burst_room(moments, ahead, attainment_ratio, WINDOW_S)
    )
    now = newest.arrivals_per_s + sqrt(newest.arrivals_per_s / WINDOW_S)
    need = max(max(ahead + room, now) / (1 + patience_s / (lead_s + WINDOW_S)), ahead)
    return Forecast(
        level_per_s=level,
        trend_per_s=trend,
        burst_per_s=need - ahead,
        backlog_per_s=min(newest.backlog / DRAIN_S, 2 * need) if need else newest.backlog / DRAIN_S,
        lead_s=lead_s,
        fall=_fall(moments, recent),
    )


def off_ratio(lead_s: float) -> float:
    """Return by what share of it traffic in general differs from what was expected of it `lead_s` seconds before."""
    return OFF_RATIO * sqrt((lead_s + WINDOW_S) / OFF_AFTER_S)


def _fall(moments: Sequence[Moment], recent: Sequence[Moment]) -> Fall | None:
    """Return the fall that the recent moments came after, the first of them by a whole window; None without one."""
    first, now_s = recent[0], moments[-1].at_s
    if len(recent) >= len(moments) - first_since(moments, now_s - LEVEL_S):
        return None
    before = next((moment for moment in reversed(moments) if moment.at_s <= first.at_s - WINDOW_S), None)
    if before is None or before.arrivals_per_s <= first.arrivals_per_s:
        return None
    return Fall(first.at_s - WINDOW_S, first.at_s + FELL_S)


def _level(recent: Sequence[Moment]) -> tuple[float, float]:
    """Return the level now and by how much it rises: a trend that only the last window shows may as well be a jump."""
    level, slope = _line(recent)
    if slope <= 0:
        return level, 0.0
    before = recent[: first_since(recent, recent[-1].at_s - WINDOW_S)]
    return level, max(min(slope, _line(before)[1]), 0.0) if before else 0.0


def _since(moments: Sequence[Moment], since_s: float | None) -> Sequence[Moment]:
    """Return the moments from then on, the newest at least."""
    if since_s is None or since_s <= moments[0].at_s:
        return moments
    return moments[first_since(moments, since_s) :] or moments[-1:]


def _since_shift(moments: Sequence[Moment], now_s: float) -> Sequence[Moment]:
    """Return the moments of the level without those before a jump.

    Where few of these are left, a few more from before the level's time stand by, so that the jump is still seen.
    """
    wide = since_shift(moments[first_since(moments, now_s - LEVEL_S - 2 * WINDOW_S) :], WINDOW_S)
    older = first_since(wide, now_s - LEVEL_S)
    recent = wide[older:]
    since = since_shift(wide[older - SIDE + 1 :], WINDOW_S) if older >= SIDE else wide
    return since if len(since) < len(recent) else recent


def _line(moments: Sequence[Moment]) -> tuple[float, float]:
    """Return the level now and the slope of the moments, as far as it stands out from what they vary by anyway.

    The clearer, the more of it counts (Breiman's garrote, Technometrics 37, 1995): nothing of noise, all of a ramp.
    """
    rates = [moment.arrivals_per_s for moment in moments]
    mean = fmean(rates)
    if len(moments) < _FEW:
        return mean, 0.0
    times = [moment.at_s for moment in moments]
    middle_s = fmean(times)
    xs, ys = [at_s - middle_s for at_s in times], [rate - mean for rate in rates]
    spread = sum(map(mul, xs, xs))
    slope = sum(map(mul, xs, ys)) / spread
    residual = sum([(y - slope * x) ** 2 for x, y in zip(xs, ys, strict=True)]) / (len(moments) - 2)
    error = sqrt(max(residual, mean / WINDOW_S) / spread) * _OVERLAP
    sure = slope * max(1 - (STANDS_OUT * error / slope) ** 2, 0.0) if slope else 0.0
    since_s = moments[-1].at_s - middle_s + (WINDOW_S / 2 if sure > 0 else 0.0)
    return max(mean + sure * since_s, 0.0), sure


def _growth(ahead: float, lead_s: float, attainment_ratio: float) -> float:
    """Return what traffic in general exceeds a forecast by no more often than may be: a Laplace law of its errors."""
    return ahead * off_ratio(lead_s) * max(log(0.5 / (1 - attainment_ratio)), 0.0)
