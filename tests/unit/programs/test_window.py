"""A true sliding window: what it counts is what happened in its sixty one-second buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.programs.window import WINDOW_S, Window


@pytest.mark.parametrize(
    ("now_s", "count"),
    [
        pytest.param(100.9, 1, id="at once"),
        pytest.param(159.99, 1, id="last moment"),
        pytest.param(160.0, 0, id="sixty seconds after the start of its second"),
        pytest.param(100_000.0, 0, id="long after"),
    ],
)
def test_an_event_stays_for_sixty_buckets(now_s: float, count: int) -> None:
    window = Window(90.0)
    window.add(100.5)

    rate = window.rate_per_s(now_s)

    assert rate == count / WINDOW_S


def test_one_request_is_a_sixtieth_per_second() -> None:
    window = Window(0.0)

    window.add(0.0)

    assert window.rate_per_s(0.01) == pytest.approx(0.0166, abs=1e-4)  # never 100/s, as a young tumbling window says


@given(st.lists(st.floats(min_value=0, max_value=300), max_size=60), st.floats(min_value=0, max_value=90))
def test_equals_the_plain_count(times: list[float], after_s: float) -> None:
    times.sort()
    window = Window(0.0)
    now_s = (times[-1] if times else 0.0) + after_s

    for time in times:
        window.add(time)

    assert window.rate_per_s(now_s) == sum(int(time) > int(now_s) - WINDOW_S for time in times) / WINDOW_S


def test_an_earlier_second_changes_nothing() -> None:
    window = Window(50.0)
    window.add(50.0)

    window.roll(10)
    window.add(10.0)

    assert (window.second, window.count) == (50, 2)


@pytest.mark.parametrize(
    ("now_s", "per_s"),
    [
        pytest.param(109.9, None, id="too young to tell"),
        pytest.param(110.0, 3.0, id="over its age"),
        pytest.param(159.0, 30 / 59, id="nearly a minute"),
        pytest.param(160.0, 30 / 60, id="over the window"),
        pytest.param(500.0, 0.0, id="nothing for a minute"),
    ],
)
def test_a_rate_over_no_longer_than_was_counted(now_s: float, per_s: float | None) -> None:
    window = Window(100.0)
    for _ in range(30):
        window.add(109.0)

    assert window.rate_since(100.0, now_s) == per_s
