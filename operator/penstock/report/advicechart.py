"""Draws a chart over days as SVG."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from penstock.report.advice import Chart, Curve, Points
from penstock.report.svg import counts, drawing, level, row, track
from penstock.report.words import number

WIDTH: Final = 1080
_HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 30
_ROOM: Final = 80  # that the name of a day takes
_DAY_S: Final = 86_400
_LOWEST: Final = (0.99, 0.95, 0.9, 0.8, 0.5, 0.0)


def chart(one: Chart) -> str:
    """Return the chart."""
    frame = _Frame(one)
    parts = [*frame.rows(), *frame.days(), *frame.level(), *map(frame.curve, one.curves)]
    return drawing(WIDTH, _HEIGHT, f"{one.title}. {one.say}", parts)


class _Frame:
    """Scales of one chart."""

    def __init__(self, one: Chart) -> None:
        points = [point for curve in one.curves for point in curve.points]
        values = [value for _, value in points if value is not None]
        self._chart = one
        self._from_s = min((at_s for at_s, _ in points), default=0.0)
        self._until_s = max((at_s for at_s, _ in points), default=1.0)
        self._bottom = next(low for low in _LOWEST if low <= min(values, default=0.0)) if one.share else 0.0
        self._top = 1.0 if one.share else max(max(values, default=0.0), 1.0)

    def x(self, at_s: float) -> float:
        part = (at_s - self._from_s) / max(self._until_s - self._from_s, 1.0)
        return _LEFT + part * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        part = (value - self._bottom) / (self._top - self._bottom)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)

    def rows(self) -> Iterator[str]:
        for value in self._marks():
            shown = f"{number(value * 100)} %" if self._chart.share else f"{value:g}"
            yield row(self.y(value), _LEFT, WIDTH - _RIGHT, shown)

    def _marks(self) -> Sequence[float]:
        if self._chart.share:
            return [self._bottom + (1 - self._bottom) * part / 5 for part in range(6)]
        return [float(mark) for mark in counts(self._top)]

    def days(self) -> Iterator[str]:
        first = int(-(-self._from_s // _DAY_S)) * _DAY_S
        every = max(round((self._until_s - self._from_s) / _DAY_S / 10), 1)
        for at_s in range(first, int(self._until_s) + 1, every * _DAY_S):
            x, shown = self.x(at_s), datetime.fromtimestamp(at_s, UTC).strftime("%a %d %b")
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" class=grid />'
            if x < WIDTH - _ROOM:
                yield f'<text x="{x + 4:.1f}" y="{_HEIGHT - _BOTTOM + 17}" class=tick>{shown}</text>'

    def level(self) -> Iterator[str]:
        if self._chart.level is not None:
            yield level(self.y(self._chart.level), _LEFT, WIDTH - _RIGHT)

    def curve(self, one: Curve) -> str:
        path = "".join(self._path(one, part) for part in _parts(one.points))
        return track(path, one.label, one.colour, dashed=one.dashed)

    def _path(self, one: Curve, part: Sequence[tuple[float, float]]) -> str:
        (at_s, value), *rest = part
        path = f"M{self.x(at_s):.1f},{self.y(value):.1f}"
        for then_s, then in rest:
            path += (
                f"H{self.x(then_s):.1f}V{self.y(then):.1f}"
                if one.steps
                else f"L{self.x(then_s):.1f},{self.y(then):.1f}"
            )
        return path


def _parts(points: Points) -> Iterable[list[tuple[float, float]]]:
    """Return the stretches between gaps."""
    part: list[tuple[float, float]] = []
    for at_s, value in points:
        if value is not None:
            part.append((at_s, value))
        elif part:
            yield part
            part = []
    if part:
        yield part
