"""The rows of one variant as columns, one for each series: ten thousand pods have to be read in a moment."""

from collections.abc import Sequence
from operator import attrgetter, mul
from typing import Final, NamedTuple, cast

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


_READ: Final = attrgetter(*Columns._fields)


def columns(rows: Sequence[PodMetrics]) -> Columns:
    """Return the columns of at least one row."""
    return Columns(
        *[
            [number.value if type(number) is Known else None for number in each]
            for each in zip(*map(_READ, rows), strict=True)
        ]
    )


def are_plain(of: Columns) -> bool:
    """Whether all that a row is judged by is known and possible, as `rows.fault` says, in every row."""
    if None in of.backlog_growth_per_s:
        return False
    if not all(map(_is_plain, (of.running, of.waiting, of.kv_usage_ratio, of.completed_per_s))):
        return False
    if max(_whole(of.kv_usage_ratio)) > 1:
        return False
    return (_is_plain(of.input_tokens) and _is_plain(of.output_tokens)) or max(_whole(of.completed_per_s)) == 0


def _is_plain(column: Column) -> bool:
    return None not in column and min(_whole(column)) >= 0


def total(column: Column) -> float:
    """Return the sum of what is known."""
    return sum(_known(column))


def mean(column: Column, rates: Sequence[float]) -> float | None:
    """Return the mean over finished requests; a plain one where none of the rows has finished any."""
    values = _known(column)
    if len(values) < len(column):
        rates = [rate for value, rate in zip(column, rates, strict=True) if value is not None]
    if not values:
        return None
    weight = sum(rates)
    return sum(map(mul, values, rates)) / weight if weight else sum(values) / len(values)


def _known(column: Column) -> Sequence[float]:
    """Return what is known; nearly always that is everything."""
    return [value for value in column if value is not None] if None in column else _whole(column)


def _whole(column: Column) -> Sequence[float]:
    """Return a column in which nothing is unknown."""
    return cast("Sequence[float]", column)
