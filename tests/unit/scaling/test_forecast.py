"""What is expected when a replica that is ordered now serves."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.scaling.forecast import Forecast, forecast
from penstock.scaling.history import Moment


def seen(law: Callable[[float], float], minutes: float = 15, backlog: float = 0.0) -> tuple[Moment, ...]:
    """Return what passes every 15 s saw of a rate that depends on the minute."""
    return tuple(Moment(15.0 * n, law(n / 4), backlog) for n in range(int(minutes * 4) + 1))


def ahead(moments: tuple[Moment, ...], lead_s: float = 120.0, attainment_ratio: float = 0.995) -> Forecast:
    return forecast(moments, lead_s=lead_s, attainment_ratio=attainment_ratio)


def test_steady_traffic_keeps_room_for_what_traffic_may_grow_by() -> None:
    found = ahead(seen(lambda _: 20.0))

    assert (found.level_per_s, found.trend_per_s) == (20.0, 0.0)
    assert found.burst_per_s == pytest.approx(20 * 0.08 * math.sqrt(180 / 600) * math.log(100))


def test_forecasts_that_come_true_leave_less_room_for_growth_but_all_for_bursts() -> None:
    calm, bursty = seen(lambda _: 20.0), seen(lambda minute: 60.0 if minute % 5 == 2 else 20.0)

    def room(moments: tuple[Moment, ...], narrower: float) -> float:
        return forecast(moments, lead_s=120.0, attainment_ratio=0.995, narrower=narrower).burst_per_s

    assert room(calm, 0.5) == pytest.approx(room(calm, 1.0) / 2)
    assert room(bursty, 0.5) == room(bursty, 1.0) > room(calm, 1.0)


def test_a_ramp_is_met_at_the_end_of_the_lead_time() -> None:
    found = ahead(seen(lambda minute: 2 + minute), lead_s=120.0)

    assert found.level_per_s == pytest.approx(17, abs=0.5)  # the last minute is half a minute old
    assert found.level_per_s + found.trend_per_s == pytest.approx(19, abs=1.5)


def test_a_fall_is_followed_but_not_run_ahead_of() -> None:
    found = ahead(seen(lambda minute: 30 - minute))

    assert 14.5 <= found.level_per_s <= 16.5
    assert found.trend_per_s == 0.0


@pytest.mark.parametrize(
    ("since_s", "level"),
    [
        pytest.param(None, 20.0, id="one mix"),
        pytest.param(-15.0, 20.0, id="another before all that is remembered"),
        pytest.param(900.0, 5.0, id="another one now"),
        pytest.param(915.0, 5.0, id="even if nothing was seen of it yet"),
    ],
)
def test_how_many_came_of_another_mix_tells_nothing(since_s: float | None, level: float) -> None:
    """One pass is no jump for those who only count requests."""
    found = seen(lambda minute: 20.0 if minute < 15 else 5.0)

    assert forecast(found, lead_s=120, attainment_ratio=0.995, since_s=since_s).level_per_s == pytest.approx(
        level, rel=0.1
    )


@pytest.mark.parametrize("pace", [1.0, 4.0])
def test_a_fall_is_dated_back_to_when_it_began(pace: float) -> None:
    """Rates are means over a minute: what falls at the tenth has fallen in all of them at the eleventh."""
    found = ahead(seen(lambda minute: 20 - 15 * min(max(minute - 10, 0.0), 1.0), minutes=13)).faster(pace).fall

    assert found is not None
    assert found.at_s == pytest.approx(600 / pace, abs=15 / pace)
    assert found.seen_s - found.at_s == 120 / pace


@pytest.mark.parametrize(
    "law",
    [
        pytest.param(lambda minute: 5.0 if minute < 10 else 8 + 12 * min(minute - 10, 1), id="a rise"),
        pytest.param(lambda minute: 30 - 1.5 * minute, id="by and by"),
        pytest.param(lambda _: 12.0, id="steady"),
        pytest.param(lambda minute: 20.0 if minute < 5 else 5.0, id="before all that makes the level"),
    ],
)
def test_what_did_not_fall_at_once_of_late_is_no_fall(law: Callable[[float], float]) -> None:
    assert ahead(seen(law, minutes=13)).fall is None


def test_bursts_of_late_are_remembered() -> None:
    bursty = seen(lambda minute: 26.0 if minute % 5 < 1 else 6.0)

    assert ahead(bursty).expected_per_s > 26.0


def test_a_silence_has_no_bursts() -> None:
    """What was a burst is over once nothing came for as long as makes the level."""
    bursts = seen(lambda minute: 0.0 if minute > 10 else 30.0 if minute % 2 < 0.5 else 5.0, minutes=16)

    assert ahead(bursts[:39]).burst_per_s > 2.0
    assert ahead(bursts).need_per_s == 0.0


def test_a_short_load_that_ended_minutes_ago_is_not_expected_again() -> None:
    """As seen on a cluster: one idle moment, a minute's window that fills, an outage, and silence since."""
    begun = ((0, 0.0), (10, 2.9), (16, 4.51), (21, 2.77), (30, 2.64), (35, 2.8), (40, 3.03), (47, 3.45), (56, 4.01))
    load = [Moment(float(at_s), rate) for at_s, rate in (*begun, (66, 4.5), (71, 4.72))]
    silence = [Moment(128.0 + 7.0 * n, 0.0) for n in range(60)]

    needs = {late.at_s: ahead((*load, *silence[: n + 1])).need_per_s for n, late in enumerate(silence)}

    assert not {at_s: need for at_s, need in needs.items() if need and at_s >= 350}


def test_nearly_all_of_a_clear_trend_counts() -> None:
    """As much less as is unsure anyway was left out of every trend: fleets ran after each rise."""
    found = ahead(seen(lambda minute: 10 + 2 * minute), lead_s=120.0)

    assert found.trend_per_s == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize("wobble", [0.2, 0.4])
def test_noise_is_no_trend(wobble: float) -> None:
    noisy = seen(lambda minute: 10 + wobble * math.sin(97 * minute))

    assert ahead(noisy).trend_per_s < 0.5


def test_a_jump_counts_at_once() -> None:
    jumped = (*seen(lambda _: 5.0), Moment(915.0, 15.0))

    assert ahead(jumped).expected_per_s >= 15.0


def test_one_moment_is_enough_and_says_little() -> None:
    found = ahead((Moment(0.0, 4.0),))

    assert (found.level_per_s, found.trend_per_s) == (4.0, 0.0)


def test_a_line_is_worked_off_within_a_minute_but_never_trebles_the_need() -> None:
    assert ahead(seen(lambda _: 10.0, backlog=60.0)).backlog_per_s == 1.0
    assert ahead(seen(lambda _: 1.0, backlog=6000.0)).backlog_per_s == pytest.approx(
        2 * ahead(seen(lambda _: 1.0)).expected_per_s
    )


@given(st.floats(0.5, 0.999), st.floats(0.5, 0.999), st.floats(0, 100), st.floats(30, 600))
def test_more_attainment_never_means_less_need(one: float, other: float, rate: float, lead_s: float) -> None:
    calm = seen(lambda _: rate, minutes=5)
    less, more = sorted((one, other))

    assert (
        ahead(calm, lead_s, more).need_per_s
        >= ahead(calm, lead_s, less).need_per_s
        >= ahead(calm, lead_s, 0.5).level_per_s
    )


@given(st.floats(0, 60), st.floats(0, 60), st.floats(0, 100), st.floats(30, 600))
def test_who_may_wait_needs_less_room_but_the_whole_level(one: float, other: float, rate: float, lead_s: float) -> None:
    calm = seen(lambda _: rate, minutes=5)
    less, more = (
        forecast(calm, lead_s=lead_s, attainment_ratio=0.995, patience_s=patience_s)
        for patience_s in sorted((one, other))
    )

    assert less.need_per_s >= more.need_per_s >= calm[-1].arrivals_per_s * (1 - 1e-9)


def test_a_line_that_may_stand_is_room() -> None:
    """What 30 s of patience takes in is what exceeds the fleet by 30 / 240 for three minutes and a window."""
    calm = seen(lambda _: 10.0, minutes=5)

    hasty = forecast(calm, lead_s=180.0, attainment_ratio=0.995)
    patient = forecast(calm, lead_s=180.0, attainment_ratio=0.995, patience_s=30.0)

    assert patient.need_per_s == pytest.approx(hasty.need_per_s / 1.125)


def test_where_time_goes_faster_the_same_rise_asks_for_as_much_more() -> None:
    slow = [Moment(15.0 * number, 2.0 + 0.1 * number) for number in range(30)]

    calm = forecast(slow, lead_s=180.0, attainment_ratio=0.995)
    brisk = calm.faster(6.0)

    assert brisk.need_per_s == pytest.approx(6 * calm.need_per_s)
    assert brisk.expected_per_s == pytest.approx(6 * calm.expected_per_s)
    assert brisk.lead_s == pytest.approx(30.0)
