"""Room learnt from forecasts that came true: never more than usual, less with evidence, all of it again without."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scaling.scene import NOW, observe, rows, target, variant

from penstock.scaling.accuracy import EVERY_S, FADES_S, Accuracy, Expected
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

LEAD_S, APART_S, OFF = 150.0, 210.0, 0.05


def seen(off_ratio: float, seconds: int, start: Accuracy | None = None, at_s: float = 1000.0) -> Accuracy:
    """Return what passes every 15 s know after some time: 10 a second are expected, and so much more comes."""
    found = start or Accuracy()
    for step in range(seconds // 15):
        now_s = at_s + 15.0 * step
        found = found.seeing(now_s, 10.0 * (1 + off_ratio), APART_S).expecting(Expected(now_s + LEAD_S, 10.0, OFF))
    return found


def test_nothing_known_leaves_the_usual_room() -> None:
    assert Accuracy().narrower(0.995) == 1.0


@pytest.mark.parametrize(
    ("off_ratio", "least", "most"),
    [
        pytest.param(0.0, 0.2, 0.4, id="always right"),
        pytest.param(0.4 * OFF, 0.3, 0.5, id="off by less than usual"),
        pytest.param(2 * OFF, 1.0, 1.0, id="wilder than usual: that is what bursts make room for"),
    ],
)
def test_two_hours_narrow_the_room_by_how_far_off_forecasts_were(off_ratio: float, least: float, most: float) -> None:
    assert least <= seen(off_ratio, 7200).narrower(0.995) <= most


def test_the_longer_it_is_known_the_narrower() -> None:
    rooms = [seen(0.0, minutes * 60).narrower(0.995) for minutes in (0, 10, 30, 60, 120)]

    assert all(later < earlier for earlier, later in pairwise(rooms))


def test_a_quiet_night_is_forgotten() -> None:
    """Nothing was judged meanwhile, so that the first error after it says how long ago the others were."""
    night = seen(0.0, 7200)

    morning = seen(0.0, 300, start=night, at_s=1000.0 + 7200 + 8 * FADES_S)

    assert night.narrower(0.995) < 0.4
    assert morning.narrower(0.995) == pytest.approx(seen(0.0, 300).narrower(0.995), abs=0.05)


def test_forecasts_that_look_over_the_same_minutes_are_one_error() -> None:
    assert seen(0.0, 1800).errors == pytest.approx((1800 - LEAD_S) / APART_S, rel=0.25)


def test_one_jump_counts_for_no_more_than_it_may() -> None:
    doubled, tenfold = seen(1.0, 300), seen(9.0, 300)

    assert doubled.squares == tenfold.squares > 0


@pytest.mark.parametrize(
    ("now_s", "per_s", "error_ratio"),
    [
        pytest.param(1061.0, 10.0, None, id="too late"),
        pytest.param(1000.0, 0.0, 1.0, id="nothing was expected: no share of it tells how far off that is"),
    ],
)
def test_what_cannot_be_judged_narrows_nothing(now_s: float, per_s: float, error_ratio: float | None) -> None:
    expecting = Accuracy().expecting(Expected(1000.0, per_s, OFF))

    assert expecting.seeing(now_s, 5.0, APART_S) == Accuracy(error_ratio=error_ratio)


def test_what_people_are_told_is_the_plain_distance_whatever_is_usual_and_however_far() -> None:
    """Of 10 expected 5 come, 40, and 10: off by half, by three quarters and not at all."""
    found, told = Accuracy(), []
    for step, per_s in enumerate((5.0, 40.0, 10.0)):
        now_s = 1000.0 + EVERY_S * step
        found = found.expecting(Expected(now_s, 10.0, OFF)).seeing(now_s, per_s, APART_S)
        told.append(found.error_ratio)

    assert told == pytest.approx([0.5, 0.5 + 0.1 * 0.25, 0.9 * (0.5 + 0.1 * 0.25)])


def test_a_clock_set_back_forgets_what_was_expected_later() -> None:
    ahead = seen(0.0, 600, at_s=90_000.0)

    back = ahead.expecting(Expected(1000.0 + LEAD_S, 10.0, OFF))

    assert back.pending == (Expected(1000.0 + LEAD_S, 10.0, OFF),)
    assert back.seeing(1000.0 + LEAD_S, 10.0, APART_S).errors <= back.errors + 1


@pytest.mark.unmeasured
def test_an_hour_of_steady_traffic_needs_less_than_its_first_minutes() -> None:
    steady, memory, needs = variant(max_replicas=99), Memory(), []
    for step in range(240):
        now_s = NOW + 15.0 * step
        seen = rows(steady, 10, total=20.0, at_s=now_s)
        observation = observe(steady, targets={steady.key: target(steady, 10)}, seen=seen, now_s=now_s)
        (decision,), memory = decide(observation, memory, Config())
        needs.append(decision.need_per_s or 0.0)

    assert needs[-1] - 20 < 0.5 * (needs[8] - 20)
    assert needs[-1] > 20


@given(
    st.lists(st.tuples(st.floats(-1e4, 1e5), st.floats(0, 1e5), st.floats(0, 900)), max_size=30),
    st.floats(0.5, 0.9999),
)
def test_whatever_comes_the_room_is_a_share_of_the_usual_and_what_is_kept_is_bounded(
    passes: list[tuple[float, float, float]], share: float
) -> None:
    found = Accuracy()
    for now_s, per_s, lead_s in passes:
        found = found.seeing(now_s, per_s, lead_s + 60).expecting(Expected(now_s + lead_s, per_s, OFF))

    assert 0 < found.narrower(share) <= 1
    assert math.isfinite(found.squares)
    assert all(later.due_s >= earlier.due_s + EVERY_S for earlier, later in pairwise(found.pending))
