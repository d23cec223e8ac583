"""The scale-down window."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.scaling.stabilise import Recommendations, stabilised


def test_the_highest_recommendation_of_the_window_holds() -> None:
    history = Recommendations().adding(0.0, 5).adding(100.0, 3)

    held, history = stabilised(1, history, window_s=300.0, now_s=299.0)
    fallen, history = stabilised(1, history, window_s=300.0, now_s=300.0)
    low, _ = stabilised(1, history, window_s=300.0, now_s=400.0)

    assert (held, fallen, low) == (5, 3, 1)


def test_a_rise_is_taken_at_once() -> None:
    held, _ = stabilised(7, Recommendations().adding(0.0, 5), window_s=300.0, now_s=1.0)

    assert held == 7


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), min_size=1, max_size=60), st.floats(1, 500))
def test_it_equals_the_maximum_over_the_window(steps: list[tuple[float, int]], window_s: float) -> None:
    history, now_s, asked = Recommendations(), 0.0, list[tuple[float, int]]()

    for wait_s, replicas in steps:
        now_s += wait_s
        asked.append((now_s, replicas))
        held, history = stabilised(replicas, history, window_s=window_s, now_s=now_s)

        assert held == max(number for at_s, number in asked if now_s - at_s < window_s)
