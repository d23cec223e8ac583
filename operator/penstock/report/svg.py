"""What every chart that is drawn as SVG is made of."""

from collections.abc import Iterable
from html import escape
from typing import Final

_COUNTS: Final = (1, 2, 5, 10, 20, 50, 100, 1000, 10_000)
_MOST_ROWS: Final = 6


def drawing(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    """Return the whole; `label` is what somebody hears who cannot see it."""
    return f'<svg viewBox="0 0 {width} {height}" role=img aria-label="{escape(label)}">{"".join(parts)}</svg>'


def row(y: float, left: int, right: int, shown: str) -> str:
    """Return a line of the grid from `left` to `right`, with its value beside it."""
    return (
        f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class=grid />'
        f'<text x="{left - 6}" y="{y + 4:.1f}" class="tick end">{shown}</text>'
    )


def level(y: float, left: int, right: int) -> str:
    """Return the line of a goal."""
    return f'<line x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class=level />'


def track(path: str, label: str, colour: str, *, dashed: bool) -> str:
    """Return one line of a chart over time; its label shows where it is pointed at."""
    dash = " dashed" if dashed else ""
    return f'<path d="{path}" class="track c-{colour}{dash}"><title>{escape(label)}</title></path>'


def counts(highest: float) -> range:
    """Return whole numbers from 0 to the highest, few enough to be written beside a chart."""
    step = next(size for size in _COUNTS if highest / size <= _MOST_ROWS)
    return range(0, int(highest) + 1, step)
