"""What a model was asked for over the last minutes: the material of forecasts, and of what may not be given up yet."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt
from operator import attrgetter
from typing import Final, NamedTuple

from penstock.engine.lengths import cv_of, prior_squares
from penstock.scaling.accuracy import Accuracy
from penstock.scaling.tokens import Caches, FullLines

WINDOW_S: Final = 60.0
"""Seconds over which a collector averages arrivals."""
EXTRAPOLATED: Final = 2.0
"""By how much too high a rate may be read because of where samples lie in its window."""
KEPT_S: Final = 1200.0
"""Seconds of demand that are remembered: two readings of a burst quantile over ten minutes."""
APART_S: Final = 10.0
"""Moments closer together than this tell the same: only the newest of them is kept."""
FORGETS_S: Final = 300.0
"""Time constant of the mean lengths: long enough for a steady mean while they only wander."""
DRIFTED: Final = 6.0
"""Standard errors by which the mean lengths of one window differ from those before once the traffic is another."""
FORGETS_SCATTER_S: Final = 600.0
"""Time constant of their scatter, which is of the kind of traffic, and which few requests cannot tell."""
USUAL_REQUESTS: Final = 30.0
"""Requests as they usually are that are supposed to have been among those seen; fewer tell of no other traffic."""
MATTERS: Final = 0.25
"""By how much of the longer answers differ at least once they are others; the fading mean follows what differs by less.
And by how much of their mean arrivals may vary while answers tell: see `demand.lengths`."""


_AT_S: Final = attrgetter("at_s")


@dataclass(frozen=True, slots=True)
class Moment:
    """One pass that knew the demand: requests arriving per second (mean of the scrape's window), and waiting."""

    at_s: float
    arrivals_per_s: float
    backlog: float = 0.0


class Fall(NamedTuple):
    """Unix seconds at which the demand fell at once, and at which that could be seen."""

    at_s: float
    seen_s: float

    def dating(self, needed_s: float) -> float:
        """Return when something was needed: what was asked for before anybody could know better, when demand fell."""
        return self.at_s if self.at_s < needed_s <= self.seen_s else needed_s


@dataclass(frozen=True, slots=True)
class Peaks:
    """Needs as (Unix seconds, requests per second), oldest first and falling: only those that can still be the most."""

    rows: tuple[tuple[float, float], ...] = ()

    def adding(self, at_s: float, need_per_s: float, window_s: float, fall: Fall | None = None) -> "Peaks":
        """Return these and one more, without those that have left the window, counted from a fall if there was one."""
        rows = self.rows if fall is None else [(fall.dating(needed_s), need) for needed_s, need in self.rows]
        kept = [row for row in rows if at_s - row[0] < window_s and row[1] > need_per_s]
        return Peaks((*kept, (at_s, need_per_s)))

    def times(self, factor: float) -> "Peaks":
        """Return these in requests of which `factor` times as many are the same work."""
        return self if factor == 1 else Peaks(tuple([(at_s, need * factor) for at_s, need in self.rows]))

    @property
    def highest(self) -> float:
        """The highest need of the window, 0 if there is none."""
        return self.rows[0][1] if self.rows else 0.0


class Scatter(NamedTuple):
    """Squared coefficients of variation of lengths, times the requests behind them, fading with time."""

    requests: float = 0.0
    squares: float = 0.0

    def adding(self, requests: float, cv: float | None) -> "Scatter":
        """Return this and so many requests that scatter so; None: nobody knows."""
        return self if cv is None else Scatter(self.requests + requests, self.squares + requests * cv * cv)

    def faded(self, after_s: float) -> "Scatter":
        """Return what is left of this after so many seconds."""
        keep = exp(-after_s / FORGETS_SCATTER_S)
        return Scatter(self.requests * keep, self.squares * keep)

    def square(self, usual: float) -> float:
        """Return the mean, with some requests of the usual scatter among them, so that few do not tell much."""
        return (self.squares + USUAL_REQUESTS * usual) / (self.requests + USUAL_REQUESTS)

    def cv(self, usual: float) -> float | None:
        """Return the coefficient for `Lengths`; None where nothing ever told one."""
        return cv_of(self.square(usual)) if self.requests else None


class LengthSums(NamedTuple):
    """Tokens in, tokens out and requests behind them, fading with time: their quotients are the current mix."""

    requests: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0
    inputs: Scatter = Scatter()
    outputs: Scatter = Scatter()

    def faded(self, after_s: float) -> "LengthSums":
        """Return what is left of these after so many seconds."""
        keep = exp(-after_s / FORGETS_S)
        return LengthSums(
            self.requests * keep,
            self.input_tokens * keep,
            self.output_tokens * keep,
            self.inputs.faded(after_s),
            self.outputs.faded(after_s),
        )

    def changed(self, recent: "LengthSums") -> tuple[bool, bool]:
        """Return whether prompts and answers of recent requests are others than these, as far as so many can tell."""
        before, after = self.means, recent.means
        if before is None or after is None or recent.requests < USUAL_REQUESTS:
            return before is None and after is not None, False
        fed, made = prior_squares()
        input_error = DRIFTED * before[0] * sqrt(self.inputs.square(fed) / recent.requests)
        output_error = DRIFTED * before[1] * sqrt(self.outputs.square(made) / recent.requests)
        output_error = max(output_error, MATTERS * max(before[1], after[1]))
        return abs(after[0] - before[0]) > input_error, abs(after[1] - before[1]) > output_error

    @property
    def cvs(self) -> tuple[float | None, float | None]:
        """Coefficients of variation for `Lengths`, in and out; None is that of the traces which it knows."""
        inputs, outputs = prior_squares()
        return self.inputs.cv(inputs), self.outputs.cv(outputs)

    @property
    def means(self) -> tuple[float, float] | None:
        """Mean tokens in and out, None where nothing was ever finished."""
        if self.requests <= 0:
            return None
        return self.input_tokens / self.requests, self.output_tokens / self.requests


class ModelPast(NamedTuple):
    """One model's past: moments (oldest first), the needs of the window, lengths, and since when it is known and idle.

    `since_s` is the first of the passes in a row that knew the demand: nothing may be given up before a whole window.
    `idle_since_s` is the first of those in a row in which every source said that nothing is asked of the model.
    `others_since_s` is since when requests are of another mix of lengths than before, `remixed_at_s` when running
    replicas were last exchanged for cheaper ones. `full_lines` and `caches` are what `saturation-v2` has seen.
    """

    moments: tuple[Moment, ...] = ()
    peaks: Peaks = Peaks()
    lengths: LengthSums = LengthSums()
    since_s: float | None = None
    idle_since_s: float | None = None
    others_since_s: float | None = None
    remixed_at_s: float | None = None
    accuracy: Accuracy = Accuracy()
    full_lines: FullLines = FullLines()
    caches: Caches = Caches()

    def with_moment(self, moment: Moment, *, gap_s: float) -> tuple[tuple[Moment, ...], float]:
        """Return the moments with one more, and since when demand is known without a silence longer than `gap_s`."""
        unbroken = not self.moments or moment.at_s - self.moments[-1].at_s <= gap_s
        since_s = self.since_s if unbroken and self.since_s is not None else moment.at_s
        return _kept(_possible(self.moments, moment), moment), since_s

    def knows_window(self, window_s: float, now_s: float) -> bool:
        """Whether demand was known for a whole window without a gap."""
        return self.since_s is not None and now_s - self.since_s >= window_s


def first_since(moments: Sequence[Moment], at_s: float) -> int:
    """Return the place of the first moment at a time or after it, and how many there are if there is none."""
    return bisect_left(moments, at_s, key=_AT_S)


def _possible(moments: tuple[Moment, ...], newest: Moment) -> tuple[Moment, ...]:
    """Return the moments with the last one corrected where the next shows that a count was wrong.

    Windows overlap: all that came in the one between lies in its neighbours'. What these have no room for never came,
    and one such moment would be a burst to keep room for, a quarter of an hour long.
    """
    if len(moments) < 2 or newest.at_s - moments[-2].at_s > WINDOW_S:
        return moments
    before, doubtful = moments[-2], moments[-1]
    if doubtful.arrivals_per_s <= EXTRAPOLATED * (before.arrivals_per_s + newest.arrivals_per_s):
        return moments
    most = max(before.arrivals_per_s, newest.arrivals_per_s)
    return (*moments[:-1], Moment(doubtful.at_s, most, doubtful.backlog))


def _kept(moments: tuple[Moment, ...], newest: Moment) -> tuple[Moment, ...]:
    """Return the moments to keep: young enough, and not crowding the one before the newest.

    They are in order, so that only the ends are looked at: eighty moments of 100 models took half a millisecond.
    """
    before = moments[:-1] if len(moments) > 1 and newest.at_s - moments[-2].at_s < APART_S else moments
    now_s = newest.at_s
    first, last = 0, len(before)
    while first < last and now_s - before[first].at_s > KEPT_S:
        first += 1
    while first < last and before[last - 1].at_s >= now_s:
        last -= 1
    return (*before[first:last], newest)
