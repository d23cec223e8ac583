"""The rows of one variant as columns, one for each series: ten thousand pods have to be read in a moment."""

from collections.abc import Sequence
from operator import mul
from typing import Final

from penstock.domain.observations import Column, Columns, PodMetrics

_FIRST_MEAN: Final = Columns._fields.index("input_tokens")


def columns(rows: Sequence[PodMetrics]) -> Columns:
    """Return the columns of at least one row."""
    return Columns._make(zip(*[row.numbers for row in rows], strict=True))


def are_plain(of: Columns) -> bool:
    """Whether all that a row is judged by is known and possible, as `rows.fault` says, in every row."""
    gauges = of.running, of.waiting, of.kv_usage_ratio, of.completed_per_s
    if not _are_possible(*gauges, of.input_tokens, of.output_tokens) and not (
        _are_possible(*gauges) and greatest(of.completed_per_s) == 0
    ):
        return False
    return whole_sum(of.backlog_growth_per_s) is not None and (greatest(of.kv_usage_ratio) or 0.0) <= 1


def _are_possible(*several: Column) -> bool:
    """Whether all of these columns is known, and nothing below zero."""
    try:
        return min(map(min, several)) >= 0  # type: ignore[arg-type, operator, type-var]  # None has no order
    except TypeError:
        return False


def least(column: Column) -> float | None:
    """Return the least, None where one is unknown or there is none."""
    try:
        return min(column, default=None)  # type: ignore[type-var]  # what is unknown cannot be compared
    except TypeError:
        return None


def greatest(column: Column) -> float | None:
    """Return the greatest, None where one is unknown or there is none."""
    try:
        return max(column, default=None)  # type: ignore[type-var]  # what is unknown cannot be compared
    except TypeError:
        return None


def whole_sum(column: Column) -> float | None:
    """Return the sum, None where one is unknown."""
    try:
        return sum(column)  # type: ignore[arg-type]  # what is unknown cannot be added
    except TypeError:
        return None


def total(column: Column) -> float:
    """Return the sum of what is known."""
    whole = whole_sum(column)
    return sum([value for value in column if value is not None]) if whole is None else whole


def means(of: Columns, rates: Sequence[float], weight: float) -> list[float | None]:
    """Return the means over finished requests, `weight` in all, of what has no sum: from `input_tokens` on."""
    told = of[_FIRST_MEAN:]
    try:
        return [sum(map(mul, column, rates)) / weight for column in told]
    except (TypeError, ZeroDivisionError):  # something is unknown, or nothing was finished
        return [mean(column, rates, weight) for column in told]


def mean(column: Column, rates: Sequence[float], weight: float) -> float | None:
    """Return the mean over finished requests, `weight` in all; a plain one where none of the rows has finished any."""
    try:
        if weight:
            return sum(map(mul, column, rates)) / weight  # type: ignore[no-any-return]  # what is unknown is no factor
        return sum(column) / len(column)  # type: ignore[arg-type]  # what is unknown cannot be added
    except TypeError:
        known = [(value, rate) for value, rate in zip(column, rates, strict=True) if value is not None]
    if not known:
        return None
    values, weights = zip(*known, strict=True)
    return mean(values, weights, sum(weights))
