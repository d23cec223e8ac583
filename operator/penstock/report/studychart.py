"""Draws the two charts of a comparison as SVG: policies on a plane, and replicas over time."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from penstock.report.study import Line, Panel, Point
from penstock.report.svg import counts, drawing, level, row, track
from penstock.report.words import number

WIDTH: Final = 540
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 34
_PLANE, _TRACKS = 330, 210
_TICKS: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
_LEAST: Final = 0.0004  # of requests missed: drawn as none
_SIZES: Final = {"ours": 7.5, "best": 4.5, "swept": 2.6, "quota": 4.0, "still": 4.0}
_ORDER: Final = ("quota", "still", "swept", "best", "ours")
_MOST: Final = 2.4  # times the dearest of what matters; beyond it nothing is drawn


def plane(panel: Panel) -> str:
    """Return the plane: money to the right, attainment upwards on a scale of misses, so that 99 and 99.9 % differ."""
    most = _dearest(panel)
    shown = [one for one in panel.points if one.usd_per_h <= most]
    lowest = _lowest(shown, panel.level)
    parts = [*_grid(most, lowest), *_levels(panel, most, lowest)]
    for kind in _ORDER:
        parts += [_dot(one, most, lowest) for one in shown if one.kind == kind]
    parts += [_name(one, most, lowest) for one in _apart(shown, most, lowest)]
    beyond = len(panel.points) - len(shown)
    if beyond:
        parts.append(
            f'<text x="{WIDTH - _RIGHT}" y="{_PLANE - 2}" class="tick end">{beyond} dearer, not drawn →</text>'
        )
    label = f"Money against attainment on {panel.name}: {panel.say}"
    return drawing(WIDTH, _PLANE, label, parts)


def _dearest(panel: Panel) -> float:
    matter = [one.usd_per_h for one in panel.points if one.kind == "ours" or one.name]
    matter += [usd for _, usd in panel.bounds]
    dearest = max((one.usd_per_h for one in panel.points), default=1.0)
    return 1.05 * min(dearest, _MOST * max(matter, default=dearest)) or 1.0


def _lowest(points: Sequence[Point], level: float) -> float:
    matter = [one.attainment for one in points if one.kind == "ours"]
    wanted = min([0.9, 1 - 10 * (1 - level), *matter])
    return max(tick for tick in _TICKS if tick <= max(wanted, 0.0))


def _x(usd_per_h: float, most: float) -> float:
    return _LEFT + usd_per_h / most * (WIDTH - _LEFT - _RIGHT)


def _y(attainment: float, lowest: float) -> float:
    top, bottom = math.log(_LEAST), math.log(1 - lowest + _LEAST)
    part = (bottom - math.log(max(1 - attainment, 0.0) + _LEAST)) / (bottom - top)
    return _PLANE - _BOTTOM - max(part, -0.012) * (_PLANE - _TOP - _BOTTOM)


def _grid(most: float, lowest: float) -> Iterable[str]:
    for tick in (tick for tick in _TICKS if tick >= lowest):
        y = _y(tick, lowest)
        yield row(y, _LEFT, WIDTH - _RIGHT, f"{number(tick * 100)} %")
    for money in _round(most):
        x = _x(money, most)
        yield f'<text x="{x:.1f}" y="{_PLANE - _BOTTOM + 16}" class="tick mid">{number(money)}/h</text>'


def _round(most: float) -> list[float]:
    step = 10 ** math.floor(math.log10(most))
    step = next(size for size in (step / 5, step / 2, step, 2 * step) if most / size <= 7)
    return [step * count for count in range(int(most / step) + 1)]


def _levels(panel: Panel, most: float, lowest: float) -> Iterable[str]:
    yield level(_y(panel.level, lowest), _LEFT, WIDTH - _RIGHT)
    for place, (name, usd) in enumerate(panel.bounds):
        x = _x(usd, most)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_PLANE - _BOTTOM}" class=bound />'
        y = _PLANE - _BOTTOM - 6 - 14 * place
        yield f'<text x="{x - 5:.1f}" y="{y}" class="tick end">{escape(name)}</text>'


def _dot(one: Point, most: float, lowest: float) -> str:
    x, y, size = _x(one.usd_per_h, most), _y(one.attainment, lowest), _SIZES[one.kind]
    told = f"<title>{escape(one.told)}</title>"
    if one.kind == "ours":
        corners = f"{x:.1f},{y - size:.1f} {x + size:.1f},{y:.1f} {x:.1f},{y + size:.1f} {x - size:.1f},{y:.1f}"
        return f'<polygon points="{corners}" class=ours>{told}</polygon>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" class={one.kind}>{told}</circle>'


def _apart(points: Iterable[Point], most: float, lowest: float) -> list[Point]:
    """Return the points whose names are to be written: ours first, and none that would lie over another."""
    taken: list[tuple[float, float]] = []
    found = []
    for one in sorted((one for one in points if one.name), key=lambda one: (one.kind != "ours", one.usd_per_h)):
        x, y = _x(one.usd_per_h, most), _y(one.attainment, lowest) + (20 if one.kind == "ours" else 0)
        if all(abs(x - other[0]) > 34 or abs(y - other[1]) > 13 for other in taken):
            taken.append((x, y))
            found.append(one)
    return found


def _name(one: Point, most: float, lowest: float) -> str:
    x, y = _x(one.usd_per_h, most), _y(one.attainment, lowest)
    right = x > WIDTH * 0.8
    place = f'x="{x - 9:.1f}" class="name end"' if right else f'x="{x + 9:.1f}" class=name'
    return f'<text {place} y="{y + (15 if one.kind == "ours" else -5):.1f}">{escape(one.name)}</text>'


def tracks(panel: Panel) -> str:
    """Return replicas over time, in steps: ours in full, the rival's dashed."""
    highest = max((max(line.values, default=0) for line in panel.lines), default=0) or 1
    parts = [*_counts(highest), *_minutes(panel.length_s)]
    parts += [_steps(line, highest) for line in panel.lines]
    return drawing(WIDTH, _TRACKS, f"Ready replicas over time on {panel.name}", parts)


def _height(count: float, highest: int) -> float:
    return _TRACKS - _BOTTOM - count / highest * (_TRACKS - _TOP - _BOTTOM)


def _counts(highest: int) -> Iterable[str]:
    for count in counts(highest):
        yield row(_height(count, highest), _LEFT, WIDTH - _RIGHT, str(count))


def _minutes(length_s: float) -> Iterable[str]:
    for part in range(5):
        x = _LEFT + part / 4 * (WIDTH - _LEFT - _RIGHT)
        place, y = "end" if part == 4 else "mid", _TRACKS - _BOTTOM + 16
        yield f'<text x="{x:.1f}" y="{y}" class="tick {place}">{length_s * part / 240:.0f} min</text>'


def _steps(line: Line, highest: int) -> str:
    width = (WIDTH - _LEFT - _RIGHT) / max(len(line.values) - 1, 1)
    path = f"M{_LEFT},{_height(line.values[0], highest):.1f}" if line.values else ""
    for index, (before, after) in enumerate(pairwise(line.values), start=1):
        path += f"H{_LEFT + index * width:.1f}" if index == len(line.values) - 1 or before != after else ""
        path += f"V{_height(after, highest):.1f}" if before != after else ""
    return track(path, line.label, line.colour, dashed=line.dashed)
