"""The rows of one variant as columns, one for each series: ten thousand pods have to be read in a moment."""

from collections.abc import Sequence
from operator import mul
from typing import Final, NamedTuple

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import Known

Column = Sequence[float | None]
"""One series of all rows, in their order; None where it is unknown."""


class Columns(NamedTuple):
    """The series of `PodMetrics`, each as a column."""

    running: Column
    waiting: Column
    kv_usage_ratio: Column
    completed_per_s: Column
    backlog_growth_per_s: Column
    input_tokens: Column
    output_tokens: Column
    ttft_s: Column
    tpot_s: Column
    prefill_s: Column
    kv_capacity_tokens: Column


_WIDTH: Final = len(Columns._fields)


def columns(rows: Sequence[PodMetrics]) -> Columns:
    """Return the columns of at least one row."""
    cells = [  # in one go and by name, which takes two thirds of the time of one column after the other
        number.value if type(number) is Known else None
        for row in rows
        for number in (
            row.running,
            row.waiting,
            row.kv_usage_ratio,
            row.completed_per_s,
            row.backlog_growth_per_s,
            row.input_tokens,
            row.output_tokens,
            row.ttft_s,
            row.tpot_s,
            row.prefill_s,
            row.kv_capacity_tokens,
        )
    ]
    return Columns(*[cells[place::_WIDTH] for place in range(_WIDTH)])


def are_plain(of: Columns) -> bool:
    """Whether all that a row is judged by is known and possible, as `rows.fault` says, in every row."""
    try:
        if not _are_possible(of):
            return False
    except TypeError:  # something is unknown, which cannot be compared: that tells sooner than looking for it
        return False
    lengths = least(of.input_tokens), least(of.output_tokens)
    return all(lowest is not None and lowest >= 0 for lowest in lengths) or max(_whole(of.completed_per_s)) == 0


def _are_possible(of: Columns) -> bool:
    """Whether the numbers can be; a TypeError where one is unknown."""
    kv_ratios = _whole(of.kv_usage_ratio)
    return (
        min(_whole(of.running)) >= 0
        and min(_whole(of.waiting)) >= 0
        and min(kv_ratios) >= 0
        and max(kv_ratios) <= 1
        and min(_whole(of.completed_per_s)) >= 0
        and sum(_whole(of.backlog_growth_per_s)) is not None
    )


def least(column: Column) -> float | None:
    """Return the least, None where one is unknown or there is none."""
    try:
        return min(_whole(column), default=None)
    except TypeError:
        return None


def greatest(column: Column) -> float | None:
    """Return the greatest, None where one is unknown or there is none."""
    try:
        return max(_whole(column), default=None)
    except TypeError:
        return None


def whole_sum(column: Column) -> float | None:
    """Return the sum, None where one is unknown."""
    try:
        return sum(_whole(column))
    except TypeError:
        return None


def total(column: Column) -> float:
    """Return the sum of what is known."""
    whole = whole_sum(column)
    return sum([value for value in column if value is not None]) if whole is None else whole


def mean(column: Column, rates: Sequence[float]) -> float | None:
    """Return the mean over finished requests; a plain one where none of the rows has finished any."""
    try:
        return _mean(_whole(column), rates)
    except TypeError:  # something is unknown
        known = [(value, rate) for value, rate in zip(column, rates, strict=True) if value is not None]
    return _mean(*zip(*known, strict=True)) if known else None


def _mean(values: Sequence[float], rates: Sequence[float]) -> float:
    weight = sum(rates)
    return sum(map(mul, values, rates)) / weight if weight else sum(values) / len(values)


def _whole(column: Column) -> Sequence[float]:
    """Return a column as one in which nothing is unknown."""
    return column  # type: ignore[return-value]  # a cast would be called thousands of times in every pass
