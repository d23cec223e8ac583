"""Intervals: a published way, the same every time, and no surer than its seeds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.bench.intervals import cost_ratio, difference, paired

MONEY = st.lists(st.tuples(st.floats(1, 100), st.floats(1, 100)), min_size=1, max_size=8)


@settings(max_examples=20)
@given(MONEY)
def test_an_estimate_lies_in_its_interval_and_the_interval_in_the_pairs(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = zip(*pairs, strict=True)

    found = cost_ratio(ours, theirs)

    each = [own / other - 1 for own, other in pairs]
    assert min(each) - 1e-9 <= found.low <= found.high <= max(each) + 1e-9
    assert found.low - 1e-9 <= found.value + max(each) - min(each)


def test_equal_ratios_leave_no_doubt() -> None:
    found = cost_ratio([8.0, 16.0, 4.0], [10.0, 20.0, 5.0])

    assert (found.low, found.value, found.high) == pytest.approx((-0.2, -0.2, -0.2))


def test_pairs_stay_together() -> None:
    """Unpaired, seeds that differ tenfold would drown a difference that is the same on each."""
    found = difference([1.0, 10.0, 100.0], [0.5, 9.5, 99.5])

    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


def test_the_same_seeds_give_the_same_interval() -> None:
    assert cost_ratio([9.0, 12.0, 10.0], [10.0, 11.0, 13.0]) == cost_ratio([9.0, 12.0, 10.0], [10.0, 11.0, 13.0])


def test_an_interval_is_about_as_wide_as_theory_says() -> None:
    """Of the mean of n values with deviation s it is about 3.92 s/√n wide."""
    values = [float(number % 10) for number in range(100)]

    found = paired(values, values, lambda own, _: sum(own) / len(own))

    assert found.high - found.low == pytest.approx(3.92 * 2.872 / 10, rel=0.1)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [1.0, 2.0])])
def test_seeds_must_be_there_and_on_both_sides(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"seeds|shorter|longer"):
        cost_ratio(ours, theirs)
