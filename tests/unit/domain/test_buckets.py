"""The share below a limit that lies between two bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.buckets import share_between


@pytest.mark.parametrize(
    ("before", "count", "total", "part", "share"),
    [
        pytest.param(20, 90, 100, 0.5, 0.55, id="below the first quarter: evenly"),
        pytest.param(40, 90, 100, 0.5, 0.4 * 0.65 + 0.6 * 0.7550510257, id="between: from one to the other"),
        pytest.param(84, 99, 100, 0.5, 0.96, id="in the tail: sixteen, four, one"),
        pytest.param(98, 100, 100, 0.5, 0.99, id="in the tail, with nothing beyond: two, one, a half"),
        pytest.param(90, 99, 100, 0.0, 0.9, id="at a bound, or in an endless bucket"),
        pytest.param(100, 100, 100, 0.5, 1.0, id="all below"),
        pytest.param(100.1, 100.1, 100, 0.5, 1.0, id="rates that cross"),
    ],
)
def test_share(before: float, count: float, total: float, part: float, share: float) -> None:
    assert share_between(before, count, total, part) == pytest.approx(share)


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=3), st.floats(0, 1), st.floats(0, 1))
def test_a_share_lies_between_those_of_its_bounds_and_grows(counts: list[float], one: float, other: float) -> None:
    before, count, total = sorted(counts)
    if total < 1:
        return

    less, more = (share_between(before, count, total, part) for part in sorted((one, other)))

    assert before / total - 1e-9 <= less <= more + 1e-9
    assert more <= max(count, before) / total + 1e-9


@given(st.floats(0, 1), st.floats(0, 1))
def test_one_request_more_makes_no_leap(below: float, part: float) -> None:
    """Of ten thousand; at the median a share once went from 0.83 to 0.995 by one."""
    before, total = round(below * 9_999), 10_000

    less, more = (share_between(count, 9_990 + count / 1000, total, part) for count in (before, before + 1))

    assert abs(more - less) <= 12 / total
