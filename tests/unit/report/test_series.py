"""Series out of events: windows, shares, and gaps where nothing is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.report.model import VariantTrack
from penstock.report.series import capacity_per_s, grid, held, rate_per_s, share


@pytest.mark.parametrize(
    ("length_s", "step_s", "expected"),
    [
        (2.0, 1.0, (0.0, 1.0, 2.0)),
        (2.5, 1.0, (0.0, 1.0, 2.0, 3.0)),
        (0.3, 0.1, (0.0, 0.1, 0.2, 0.3)),
        (0.0, 1.0, (0.0,)),
    ],
)
def test_grids(length_s: float, step_s: float, expected: tuple[float, ...]) -> None:
    assert grid(length_s, step_s) == expected


def test_a_rate_is_over_the_window_or_what_there_is_of_it() -> None:
    assert rate_per_s([0.5, 1.0, 3.0], (0.0, 1.0, 2.0, 4.0), 2.0) == (None, 2.0, 1.0, 0.5)


@given(st.lists(st.floats(0.01, 59.9), max_size=50))
def test_rates_count_every_event_once(times_s: list[float]) -> None:
    rates = rate_per_s(times_s, grid(60.0, 5.0), 5.0)

    assert sum(rate * 5.0 for rate in rates if rate is not None) == pytest.approx(len(times_s))


def test_a_share_is_unknown_where_nothing_came() -> None:
    events = [(1.0, True), (1.5, False), (5.0, True)]

    assert share(events, (0.0, 2.0, 4.0, 5.0), 2.0) == (None, 0.5, None, 1.0)


def test_what_was_said_holds_until_the_next_word() -> None:
    assert held([(2.0, 5.0), (1.0, 4.0), (3.0, None)], (0.0, 1.0, 2.5, 3.0)) == (None, 4.0, 5.0, None)


def track(ready: tuple[float | None, ...], each: tuple[float | None, ...]) -> VariantTrack:
    return VariantTrack(name="v", accelerator="a", desired=ready, ready=ready, each_per_s=each)


def test_capacity_is_unknown_if_a_part_is_and_none_is_needed_for_nothing() -> None:
    first, second = (
        track((1.0, 2.0, None, 0.0), (2.0, 2.0, 2.0, None)),
        track((1.0, 1.0, 1.0, 1.0), (3.0, None, 3.0, 3.0)),
    )

    assert capacity_per_s([first, second], "ready", 4) == (5.0, None, None, 3.0)
    assert capacity_per_s([], "ready", 2) == (None, None)
