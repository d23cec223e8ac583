"""The slope of a gauge over its samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.slope import slope


@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=20, unique=True),
    st.integers(-1000, 1000),
    st.integers(-1000, 1000),
)
def test_the_slope_of_a_line_is_its_slope(at_s: list[int], offset: int, rise: int) -> None:
    points = [(float(x), float(offset + rise * x)) for x in at_s]

    assert slope(points) == pytest.approx(rise, abs=1e-3)


def test_no_slope_without_spread() -> None:
    assert (slope([(1.0, 2.0)]), slope([(1.0, 2.0), (1.0, 3.0)])) == (None, None)
