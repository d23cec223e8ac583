"""What a model will be asked for, and its past with this moment in it."""

from collections.abc import Sequence
from typing import NamedTuple

from penstock.scaling.accuracy import Accuracy, Expected
from penstock.scaling.capacity import capacity, typical
from penstock.scaling.config import Config
from penstock.scaling.demand import Demand
from penstock.scaling.forecast import Forecast, forecast, off_ratio
from penstock.scaling.history import WINDOW_S, ModelPast, Moment, Peaks
from penstock.scaling.members import Member, Seen, asked_first, attainment_of, patience_s_of


class Now(NamedTuple):
    """What this pass knows of a model: who serves, what is asked (None: nobody knows), lengths, since when it idles.

    What was needed is held for `window_s` seconds.
    """

    members: Sequence[Member]
    asked: Demand | None
    seen: Seen
    idle_since_s: float | None
    now_s: float
    window_s: float


def pace_of(config: Config) -> float:
    """Return how much faster than on a cluster all goes by: forecasts reckon in windows of rates."""
    return WINDOW_S / config.rate_window_s


def outlook(now: Now, past: ModelPast, config: Config) -> tuple[Forecast | None, ModelPast]:
    """Return what will be asked for, None where nobody knows, and the past with this moment and its need in it."""
    pace, first = pace_of(config), asked_first(now.members) if now.members else None
    peaks = past.peaks if first is None else _in_requests_of_now(past, now.seen, first)
    others_since_s = _others_since_s(past, now, pace)
    ahead, moments, since_s, accuracy = None, past.moments, past.since_s, past.accuracy
    if now.asked is not None and first is not None:
        moment = Moment(now.now_s * pace, now.asked.arrivals_per_s / pace, now.asked.backlog)
        moments, since_s = past.with_moment(moment, gap_s=config.stale_after_s * pace)
        ahead, accuracy = _forecast(moments, accuracy, first, now, others_since_s, pace)
        peaks = peaks.adding(now.now_s, ahead.need_per_s, now.window_s, ahead.fall)
    return ahead, past._replace(
        moments=moments,
        peaks=peaks,
        lengths=now.seen.sums,
        since_s=since_s,
        idle_since_s=now.idle_since_s,
        others_since_s=others_since_s,
        accuracy=accuracy,
    )


def _forecast(
    moments: Sequence[Moment], past: Accuracy, first: Member, now: Now, others_since_s: float | None, pace: float
) -> tuple[Forecast, Accuracy]:
    """Return the forecast, with as much room as earlier ones show to be needed, and how far off they were by now."""
    lead_s, newest, attainment_ratio = first.startup_s * pace, moments[-1], attainment_of(now.members)
    judged = past.seeing(newest.at_s, newest.arrivals_per_s, lead_s + WINDOW_S)
    ahead = forecast(
        moments,
        lead_s=lead_s,
        attainment_ratio=attainment_ratio,
        patience_s=patience_s_of(now.members) * pace,
        since_s=others_since_s,
        narrower=judged.narrower(attainment_ratio),
    )
    expected = Expected(newest.at_s + lead_s, ahead.level_per_s + ahead.trend_per_s, off_ratio(lead_s))
    return ahead if pace == 1 else ahead.faster(pace), judged.expecting(expected)


def _others_since_s(past: ModelPast, now: Now, pace: float) -> float | None:
    """Return since when requests are others than before; a clock that was set back must not blind."""
    since_s, at_s = past.others_since_s, now.now_s * pace
    return at_s if now.seen.other or (since_s is not None and since_s > at_s) else since_s


def _in_requests_of_now(past: ModelPast, seen: Seen, first: Member) -> Peaks:
    """Return what is held as so many requests of now.

    What is held is work, however it is cut: a surge of short requests would else be held as one of the long ones that
    come after it, and what was ordered for long ones be sent away as soon as short ones come. Nearly always both count
    as the same lengths, so that no capacity is worked out twice.
    """
    means = past.lengths.means
    before = None if means is None else typical(*means, past.lengths.cvs)
    if before is None or before == seen.typical:
        return past.peaks
    then = capacity(first.case, first.experience, before)
    known = then is not None and then.per_s > 0
    return past.peaks.times(first.capacity.per_s / then.per_s) if then is not None and known else past.peaks
