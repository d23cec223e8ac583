"""Prometheus text as Go's client writes it: families by name, series by label, floats in their shortest form."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Labels = Mapping[str, str]


class Histogram:
    """Counts of values at or below each bound; `bounds` ascend and leave out +Inf."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, several times if need be."""
        self._counts[bisect_left(self.bounds, value)] += times
        self._sum += value * times

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self._counts)

    def lines(self, name: str, labels: Labels) -> Iterable[str]:
        """Yield the series: cumulative buckets, sum, count."""
        total = 0
        for bound, count in zip((*self.bounds, float("inf")), self._counts, strict=True):
            total += count
            yield _line(f"{name}_bucket", {**labels, "le": go_float(bound)}, total)
        yield _line(f"{name}_sum", labels, self._sum)
        yield _line(f"{name}_count", labels, total)


class Page:
    """One exposition. A family without series is left out, as a vector without children is in Go."""

    def __init__(self) -> None:
        self._families: dict[str, tuple[str, list[str]]] = {}

    def add(self, name: str, kind: str, labels: Labels, value: float) -> None:
        """Add one series of a gauge or counter."""
        self._families.setdefault(name, (kind, []))[1].append(_line(name, labels, value))

    def histogram(self, name: str, labels: Labels, histogram: Histogram) -> None:
        """Add one histogram."""
        self._families.setdefault(name, ("histogram", []))[1].extend(histogram.lines(name, labels))

    def text(self) -> str:
        """Return the page."""
        lines: list[str] = []
        for name in sorted(self._families):
            kind, series = self._families[name]
            lines += [f"# TYPE {name} {kind}", *series]
        return "\n".join(lines) + "\n"


def _line(name: str, labels: Labels, value: float) -> str:
    # Go sorts labels by name, and puts `le` last
    names = sorted(labels, key=lambda label: (label == "le", label))
    inside = ",".join(f'{label}="{_escape(labels[label])}"' for label in names)
    return f"{name}{{{inside}}} {go_float(value)}" if inside else f"{name} {go_float(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def go_float(value: float) -> str:
    """Return a number as strconv.FormatFloat(v, 'g', -1, 64) does: 100000, 1e+06, 1.795235647e+09, +Inf."""
    if isinstance(value, int):
        return str(value)  # a count: Go writes those without an exponent
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0")
    sign, digits, _ = Decimal(repr(value)).normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    power = Decimal(repr(value)).adjusted()
    point = f"{mantissa[0]}.{mantissa[1:]}" if mantissa[1:] else mantissa
    return f"{'-' if sign else ''}{point}e{power:+03d}"
