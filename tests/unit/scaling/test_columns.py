"""What is read of many rows at once is what each row says by itself."""

from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.scaling.scene import NOW, known, row, variant

from penstock.domain import readings
from penstock.domain.observations import Columns, PodMetrics
from penstock.domain.readings import ABSENT, Absent, Stale
from penstock.scaling.columns import are_plain, columns, mean
from penstock.scaling.rows import Freshness, freshness

NUMBERS = st.sampled_from([known(0.0), known(0.5), known(1.0), known(3.0), known(-1.0)])
READINGS = NUMBERS | st.sampled_from([ABSENT, Absent("value is nan", impossible=True), Stale(1.0, NOW - 5)])


@st.composite
def rows(draw: st.DrawFn) -> PodMetrics:
    """Draw a row: mostly a good one, with some series as they come."""
    names = draw(st.sets(st.sampled_from(Columns._fields), max_size=3))
    changes: dict[str, Any] = {name: draw(READINGS) for name in names}
    return replace(row(variant()), **changes)


@given(st.lists(rows(), min_size=1, max_size=4))
@example([row(variant())])
def test_plain_rows_are_all_fresh(some: list[PodMetrics]) -> None:
    plain = are_plain(columns(some))

    assert not plain or all(freshness(one, now_s=NOW, stale_after_s=120) is Freshness.FRESH for one in some)


@given(st.lists(rows(), min_size=1, max_size=4))
@example([row(variant())])
def test_columns_hold_what_is_known_and_nothing_else(some: list[PodMetrics]) -> None:
    for name, column in columns(some)._asdict().items():
        assert list(column) == [readings.known(getattr(one, name)) for one in some]


def test_good_rows_are_plain() -> None:
    assert are_plain(columns([row(variant()), row(variant(), rate=0.0)]))


def test_a_mean_is_weighted_by_what_finished_where_it_is_known() -> None:
    assert mean([100.0, None, 400.0], [3.0, 5.0, 1.0], 9.0) == 175.0
    assert mean([100.0, 400.0], [0.0, 0.0], 0.0) == 250.0
    assert mean([None], [1.0], 1.0) is None
