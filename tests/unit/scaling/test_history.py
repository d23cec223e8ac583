"""What is kept of the past of a model's demand, and what is not believed of it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.scaling.forecast import forecast
from penstock.scaling.history import WINDOW_S, Fall, LengthSums, ModelPast, Moment, Peaks, Scatter

GAP_S = 120.0


def past(rates: list[float], apart_s: float = 15.0) -> ModelPast:
    found = ModelPast()
    for number, rate in enumerate(rates):
        moments, since_s = found.with_moment(Moment(apart_s * number, rate), gap_s=GAP_S)
        found = found._replace(moments=moments, since_s=since_s)
    return found


@pytest.mark.parametrize(
    ("rates", "apart_s", "remembered"),
    [
        pytest.param([20, 200, 20], 15.0, 20.0, id="nothing of it in the windows beside: a count was wrong"),
        pytest.param([20, 200, 21], 15.0, 21.0, id="as much as one of them saw"),
        pytest.param([20, 80, 20], 15.0, 80.0, id="it may have been"),
        pytest.param([20, 200, 200], 15.0, 200.0, id="the next saw it too"),
        pytest.param([20, 200, 20], 60.0, 200.0, id="the windows do not overlap"),
    ],
)
def test_what_overlapping_windows_contradict_never_came(rates: list[float], apart_s: float, remembered: float) -> None:
    assert past(rates, apart_s).moments[1].arrivals_per_s == remembered


def test_one_wrong_count_keeps_no_room_for_bursts() -> None:
    calm, wild = [20.0] * 60, [*[20.0] * 30, 200.0, *[20.0] * 29]

    assert forecast(past(wild).moments, lead_s=180.0, attainment_ratio=0.995) == forecast(
        past(calm).moments, lead_s=180.0, attainment_ratio=0.995
    )


@given(st.lists(st.floats(0, 900), min_size=80, max_size=100))
@pytest.mark.unmeasured
def test_what_truly_came_is_remembered(arrivals: list[float]) -> None:
    """Rates that were counted over whole windows never contradict each other, whatever came."""
    counts = [0.0] * 4 + arrivals
    rates = [sum(counts[end - 4 : end]) / WINDOW_S for end in range(4, len(counts) + 1)]

    kept = past(rates).moments

    assert [one.arrivals_per_s for one in kept] == rates[-len(kept) :]
    assert all(later.at_s - earlier.at_s == 15.0 for earlier, later in pairwise(kept))


@pytest.mark.parametrize(
    ("needed_s", "counts_from_s"),
    [
        pytest.param(400.0, 400.0, id="before it fell"),
        pytest.param(500.0, 500.0, id="as it fell"),
        pytest.param(590.0, 500.0, id="while nobody could know"),
        pytest.param(600.0, 500.0, id="when it was seen"),
        pytest.param(615.0, 615.0, id="since it was seen"),
    ],
)
def test_what_was_asked_for_before_a_fall_was_seen_was_last_needed_when_demand_fell(
    needed_s: float, counts_from_s: float
) -> None:
    held = Peaks(((needed_s, 20.0),))

    assert held.adding(counts_from_s + 119.0, 5.0, 120.0, Fall(500.0, 600.0)).highest == 20.0
    assert held.adding(counts_from_s + 120.0, 5.0, 120.0, Fall(500.0, 600.0)).highest == 5.0


def test_what_is_held_is_the_same_work_in_requests_of_another_length() -> None:
    held = Peaks().adding(0.0, 20.0, 300.0).adding(15.0, 8.0, 300.0).times(0.5)

    assert held.rows == ((0.0, 10.0), (15.0, 4.0))
    assert held.adding(30.0, 5.0, 300.0).rows == ((0.0, 10.0), (30.0, 5.0))


def mix(input_tokens: float, output_tokens: float, requests: float) -> LengthSums:
    scatter = Scatter().adding(requests, 1.0)
    return LengthSums(requests, requests * input_tokens, requests * output_tokens, scatter, scatter)


@pytest.mark.parametrize(
    ("recent", "changed"),
    [
        pytest.param(mix(1000, 200, 100), (False, False), id="as before"),
        pytest.param(
            mix(1590, 200, 100), (False, False), id="six standard errors are a tenth of 100 times the scatter"
        ),
        pytest.param(mix(1650, 200, 100), (True, False), id="beyond them"),
        pytest.param(mix(1000, 70, 100), (False, True), id="answers alone"),
        pytest.param(mix(1000, 260, 5000), (False, False), id="answers that the fading mean follows"),
        pytest.param(mix(1000, 270, 5000), (False, True), id="answers a quarter of which is more"),
        pytest.param(mix(9000, 2000, 29), (False, False), id="too few to tell"),
        pytest.param(mix(9000, 2000, 31), (True, True), id="just enough of them"),
        pytest.param(LengthSums(), (False, False), id="none"),
    ],
)
def test_another_mix_is_told_from_chance_by_how_many_requests_show_it(
    recent: LengthSums, changed: tuple[bool, bool]
) -> None:
    assert mix(1000, 200, 5000).changed(recent) == changed


def test_the_first_lengths_follow_upon_nothing() -> None:
    assert LengthSums().changed(mix(1000, 200, 10)) == (True, False)
