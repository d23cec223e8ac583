"""One-step forecasts of evenly spaced numbers: the last value, a Kalman filter with a trend, a small autoregression.

They follow ai-dynamo/dynamo, components/src/dynamo/planner/core/load/predictors.py (2026): leading zeros are skipped,
and below five points the last value is the forecast. `Kalman` is the original's: a local linear trend with process
noise 1 (level) and .1 (trend), measurement noise 10, state covariance 1,000 at first. `Autoregression` stands for its
pmdarima.auto_arima and is simplified: no moving-average terms, at most two lags with a constant by least squares,
differenced once where that lowers the variance (auto_arima asks a unit-root test), lags chosen by corrected AIC. Kept
are the constant series, the second try on log(1 + y) where no lag is chosen, and the floor at zero; the order is
chosen anew with each point, where the original keeps its first.
"""

import itertools
from collections.abc import Callable, Sequence
from math import expm1, log, log1p
from statistics import fmean, pvariance
from typing import Protocol

_FEWEST = 5
_LAGS = (0, 1, 2)


class Forecast(Protocol):
    """A predictor: one number in per interval, one number out."""

    def add(self, value: float) -> None:
        """Take in the newest number."""
        ...

    def next(self) -> float:
        """Return what the next one will be."""
        ...


class Constant:
    """The next one is the last one."""

    def __init__(self) -> None:
        self._last = 0.0

    def add(self, value: float) -> None:
        """Take in the newest number."""
        self._last = value

    def next(self) -> float:
        """Return the last number."""
        return self._last


class Kalman:
    """A level and a trend, both of which wander; the state is predicted once per interval."""

    def __init__(self, *, q_level: float = 1.0, q_trend: float = 0.1, r: float = 10.0) -> None:
        self._q = (q_level, q_trend)
        self._r = r
        self._level = self._trend = 0.0
        self._cov = (1000.0, 0.0, 1000.0)  # level, both, trend
        self._begun = self._predicted = False

    def add(self, value: float) -> None:
        """Correct the state by the newest number; zeros before the first other one are skipped."""
        if not self._begun:
            self._begun, self._level = value != 0, value
            return
        if not self._predicted:
            self._predict()
        level, both, trend = self._cov
        innovation, spread = value - self._level, level + self._r
        gain = (level / spread, both / spread)
        self._level += gain[0] * innovation
        self._trend += gain[1] * innovation
        self._cov = (level * (1 - gain[0]), both * (1 - gain[0]), trend - gain[1] * both)
        self._predicted = False

    def next(self) -> float:
        """Return the level one interval ahead."""
        if self._begun and not self._predicted:
            self._predict()
        return self._level

    def _predict(self) -> None:
        level, both, trend = self._cov
        self._level += self._trend
        self._cov = (level + 2 * both + trend + self._q[0], both + trend, trend + self._q[1])
        self._predicted = True


class Autoregression:
    """Up to two lags, perhaps of differences, perhaps of logarithms."""

    def __init__(self) -> None:
        self._values: list[float] = []

    def add(self, value: float) -> None:
        """Take in the newest number; zeros before the first other one are skipped."""
        if self._values or value != 0:
            self._values.append(max(value, 0.0))

    def next(self) -> float:
        """Return the forecast, zero or more."""
        if len(self._values) < _FEWEST or len(set(self._values)) == 1:
            return self._values[-1] if self._values else 0.0
        lags, forecast = _one_step(self._values)
        if lags == 0:
            forecast = expm1(_one_step([log1p(value) for value in self._values])[1])
        return max(forecast, 0.0)


PREDICTORS: tuple[Callable[[], Forecast], ...] = (Constant, Autoregression, Kalman)


def _one_step(values: Sequence[float]) -> tuple[int, float]:
    """Return the number of lags chosen and the forecast."""
    changes = [after - before for before, after in itertools.pairwise(values)]
    differenced = pvariance(changes) < pvariance(values)
    series = changes if differenced else list(values)
    _, lags, forecast = min(_fitted(series, lags) for lags in _LAGS if len(series) > 2 * lags + 1)
    return lags, forecast + (values[-1] if differenced else 0.0)


def _fitted(series: Sequence[float], lags: int) -> tuple[float, int, float]:
    """Return corrected AIC, lags and forecast of an autoregression with a constant."""
    rows = [[1.0, *(series[at - lag] for lag in range(1, lags + 1))] for at in range(lags, len(series))]
    weights = _least_squares(rows, series[lags:])
    errors = [value - _dot(weights, row) for row, value in zip(rows, series[lags:], strict=True)]
    size, free = len(rows), lags + 2
    spread = max(fmean(error * error for error in errors), 1e-12)
    penalty = 2 * free + (2 * free * (free + 1) / (size - free - 1) if size > free + 1 else float("inf"))
    newest = [1.0, *(series[-lag] for lag in range(1, lags + 1))]
    return log(spread) + penalty / size, lags, _dot(weights, newest)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))


def _least_squares(rows: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """Return the weights by the normal equations, Gauss-Jordan with pivots; a weight that nothing tells is zero."""
    width = len(rows[0])
    table = [
        [sum(row[i] * row[j] for row in rows) for j in range(width)]
        + [sum(row[i] * value for row, value in zip(rows, values, strict=True))]
        for i in range(width)
    ]
    told: list[int] = []
    for column in range(width):
        pivot = max((row for row in range(width) if row not in told), key=lambda row: abs(table[row][column]))
        if abs(table[pivot][column]) < 1e-9:
            return [*_least_squares([row[:column] for row in rows], values), *([0.0] * (width - column))]
        told.append(pivot)
        table[pivot] = [cell / table[pivot][column] for cell in table[pivot]]
        for row in range(width):
            if row != pivot:
                factor = table[row][column]
                table[row] = [cell - factor * base for cell, base in zip(table[row], table[pivot], strict=True)]
    return [table[row][width] for row in told]
