"""How much will be asked of a model when a replica that is ordered now serves: level, trend and bursts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import Final

from penstock.scaling.history import Moment

WINDOW_S: Final = 60.0
"""Seconds over which a collector averages arrivals."""
LONG_S: Final = 180.0
"""Seconds of the longer mean, which calms the level and tells the trend."""
SHARE: Final = 0.6
"""Weight of the last window in the level; the rest is the longer mean's."""
BURSTS_S: Final = 900.0
"""Seconds of the past in which bursts are looked for."""
DRAIN_S: Final = 60.0
"""Seconds in which a line is to be worked off: the window of the rates themselves, so that one pass sees both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Requests per second at the end of the lead time: what arrives now, what the trend adds, and room for bursts.

    `backlog_per_s` works off what waits already.
    """

    level_per_s: float
    trend_per_s: float
    burst_per_s: float
    backlog_per_s: float
    lead_s: float

    @property
    def expected_per_s(self) -> float:
        """Arrivals with trend and bursts, without the line."""
        return self.level_per_s + self.trend_per_s + self.burst_per_s

    @property
    def need_per_s(self) -> float:
        """All of it."""
        return self.expected_per_s + self.backlog_per_s


def forecast(moments: Sequence[Moment], *, lead_s: float, attainment_ratio: float) -> Forecast:
    """Look `lead_s` seconds ahead from the newest of at least one moment, so that `attainment_ratio` of time is met."""
    newest = moments[-1]
    short, long = newest.arrivals_per_s, _mean_since(moments, newest.at_s - LONG_S + WINDOW_S)
    level = SHARE * short + (1 - SHARE) * long
    trend = _trend(short, long, lead_s) if len(moments) > 1 else 0.0
    burst = _burst(moments, level + trend, attainment_ratio)
    arriving = level + trend + burst
    return Forecast(
        level_per_s=level,
        trend_per_s=trend,
        burst_per_s=burst,
        backlog_per_s=min(newest.backlog / DRAIN_S, 2 * arriving) if arriving else newest.backlog / DRAIN_S,
        lead_s=lead_s,
    )


def _mean_since(moments: Sequence[Moment], since_s: float) -> float:
    return fmean(moment.arrivals_per_s for moment in moments if moment.at_s >= since_s)


def _trend(short: float, long: float, lead_s: float) -> float:
    """Return what the slope between the two means adds until then; a fall adds nothing."""
    slope = (short - long) / ((LONG_S - WINDOW_S) / 2)
    return max(slope, 0.0) * (lead_s + WINDOW_S)


def _burst(moments: Sequence[Moment], expected: float, attainment_ratio: float) -> float:
    """Return the room above what is expected: chance alone, or the bursts of late, whichever is more."""
    chance = sqrt(expected / WINDOW_S)
    recent = sorted(m.arrivals_per_s for m in moments if m.at_s >= moments[-1].at_s - BURSTS_S)
    high = recent[min(int(len(recent) * attainment_ratio), len(recent) - 1)]
    return max(chance, high - expected, 0.0)
