"""How far off what was expected lay: a distance by the larger, and a mean that forgets."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.scaling.judging import mean_ratio, off_ratio

ANY = st.floats(allow_nan=True, allow_infinity=True)
RATIOS = st.floats(0, 1)


@pytest.mark.parametrize(
    ("expected", "came", "off"),
    [
        pytest.param(2.0, 2.0, 0.0, id="as expected"),
        pytest.param(3.0, 4.0, 0.25, id="more"),
        pytest.param(4.0, 3.0, 0.25, id="less, by as much"),
        pytest.param(0.0, 3.0, 1.0, id="nothing expected"),
        pytest.param(0.0, 0.0, None, id="nothing at all"),
        pytest.param(math.nan, 1.0, None, id="no number expected"),
        pytest.param(1.0, math.nan, None, id="no number came"),
        pytest.param(math.inf, 1.0, None, id="without end"),
    ],
)
def test_a_distance_is_by_the_larger(expected: float, came: float, off: float | None) -> None:
    assert off_ratio(expected, came) == off


@given(ANY.filter(lambda value: not value < 0), ANY.filter(lambda value: not value < 0))
def test_a_distance_is_a_share_and_the_same_both_ways(one: float, other: float) -> None:
    off = off_ratio(one, other)

    assert off == off_ratio(other, one)
    assert off is None or 0 <= off <= 1


def test_the_first_error_is_the_mean_and_what_is_unknown_changes_nothing() -> None:
    assert mean_ratio(None, None) is None
    assert mean_ratio(None, 0.3) == 0.3
    assert mean_ratio(0.3, None) == 0.3


def test_ten_times_forget_two_thirds() -> None:
    mean: float | None = 1.0
    for _ in range(10):
        mean = mean_ratio(mean, 0.0)

    assert mean == pytest.approx(1 / math.e, abs=0.03)


@given(st.lists(RATIOS | st.none(), min_size=1, max_size=20))
def test_a_mean_lies_between_what_was_seen(errors: list[float | None]) -> None:
    mean = None
    for error in errors:
        mean = mean_ratio(mean, error)

    seen = [error for error in errors if error is not None]
    assert (mean is None) is (not seen)
    assert mean is None or min(seen) - 1e-12 <= mean <= max(seen) + 1e-12
