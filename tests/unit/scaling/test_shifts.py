"""Levels that rates jump between, and the bursts that are none."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.scaling.bursts import burst_room
from penstock.scaling.forecast import forecast
from penstock.scaling.history import Moment
from penstock.scaling.shifts import since_shift

WINDOW_S = 60.0
Law = Callable[[float], float]


def seen(law: Law, until_s: float, since_s: float = 0.0) -> tuple[Moment, ...]:
    """Return what passes every 15 s see as means over a minute of a rate that depends on the second."""
    passes = range(int(since_s), int(until_s) + 1, 15)
    return tuple(Moment(float(at), sum(law(at - back) for back in range(0, 60, 5)) / 12) for at in passes)


def jump(before: float, after: float, at_s: float = 600.0) -> Law:
    return lambda second: before if second < at_s else after


@pytest.mark.parametrize(
    ("law", "until_s", "jumped"),
    [
        pytest.param(jump(4, 10), 630, False, id="a rise of which little is known"),
        pytest.param(jump(4, 10), 675, True, id="a rise that stays"),
        pytest.param(jump(10, 4), 660, False, id="a fall takes longer"),
        pytest.param(jump(10, 4), 705, True, id="a fall that stays"),
        pytest.param(jump(10, 0), 705, True, id="a fall to nothing"),
        pytest.param(jump(10, 9), 900, False, id="too little to tell"),
        pytest.param(lambda second: 2 + second / 60, 900, False, id="a ramp"),
        pytest.param(lambda _: 0.0, 900, False, id="nothing at all"),
    ],
)
def test_what_came_before_a_jump_is_left_out(law: Law, until_s: float, jumped: bool) -> None:
    found = since_shift(seen(law, until_s, since_s=300), WINDOW_S)

    assert found[0].at_s > 600.0 if jumped else found[0].at_s == 300.0


@given(st.floats(1, 100), st.integers(0, 2**32))
def test_chance_is_no_jump(rate: float, seed: int) -> None:
    """Two noises of a Poisson process apart are rates every day."""
    chance = random.Random(seed)
    noisy = tuple(Moment(15.0 * n, rate + (rate / WINDOW_S) ** 0.5 * chance.uniform(-2, 2)) for n in range(21))

    assert since_shift(noisy, WINDOW_S) == noisy


def test_a_jump_is_no_trend_and_a_ramp_is() -> None:
    """Taking a jump for a ramp ordered twice what was needed, minute after minute."""

    def highest(law: Law) -> float:
        return max(
            forecast(seen(law, until_s, since_s=0), lead_s=150.0, attainment_ratio=0.5).trend_per_s
            for until_s in range(630, 900, 15)
        )

    assert highest(jump(2, 10)) == 0.0
    assert highest(lambda second: 2 + max(second - 600, 0) / 30) > 3.0


def test_what_is_left_of_an_old_level_is_no_level() -> None:
    """Two of its moments in five minutes of silence had a replica ordered, since two are too few to see a jump by."""
    needs = [
        forecast(seen(jump(4, 0), until_s), lead_s=3.5, attainment_ratio=0.995).level_per_s
        for until_s in range(750, 1500, 15)
    ]

    assert max(needs) == 0.0


@pytest.mark.parametrize(
    ("law", "from_s"),
    [
        pytest.param(jump(4, 20), 795, id="a rise that stays"),
        pytest.param(jump(20, 4), 630, id="a fall"),
        pytest.param(lambda second: second / 60, 630, id="a ramp"),
        pytest.param(lambda second: 20 if 0 < second < 700 else 4, 630, id="what leaves the past"),
    ],
)
def test_levels_and_ramps_are_no_bursts(law: Law, from_s: int) -> None:
    """A fall of traffic ordered replicas: the variance around a mean counted both of its sides."""
    rooms = [burst_room(seen(law, until_s)[-81:], 10.0, 0.995, WINDOW_S) / 10.0 for until_s in range(from_s, 1800, 15)]

    assert max(rooms) < 0.25


@pytest.mark.parametrize("apart_s", [30, 60])
def test_bursts_are_seen_however_rare_passes_are(apart_s: int) -> None:
    """WVA's interval is a minute; counts of moments were those of a quarter of it."""
    every_15_s = seen(lambda second: 20.0 if second % 240 < 60 else 4.0, 1800)[-61:]
    rarely = tuple(moment for moment in every_15_s if moment.at_s % apart_s == 0)

    assert burst_room(rarely, 8.0, 0.995, WINDOW_S) > 10.0


def test_after_a_rise_there_is_room_for_another() -> None:
    """A ramp in steps was served one step behind: one jump seldom comes alone."""
    assert burst_room(seen(jump(4, 6), 645)[-61:], 6.0, 0.995, WINDOW_S) > 1.0
    assert burst_room(seen(jump(4, 6), 900)[-61:], 6.0, 0.995, WINDOW_S) < 0.7


def test_what_comes_and_goes_is_a_burst() -> None:
    bursty = seen(lambda second: 20.0 if second % 240 < 60 else 4.0, 1800)[-61:]

    assert burst_room(bursty, 8.0, 0.995, WINDOW_S) > 10.0
    assert burst_room(bursty, 8.0, 0.5, WINDOW_S) < 1.0
    assert burst_room(bursty, 0.0, 0.995, WINDOW_S) == 0.0
