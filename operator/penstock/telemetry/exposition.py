"""Reads Prometheus's text format, version 0.0.4: the lines of the names that are asked for, and no others."""

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from penstock.domain.errors import InvalidField

MAX_SAMPLES: Final = 200_000
_LINE: Final = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:[ \t]*\{(?P<labels>.*)\}[ \t]*|[ \t]+)"
    r"(?P<value>[^\s}]+)(?:[ \t]+(?P<time>-?[0-9]{1,19}))?"
)
_LABEL: Final = re.compile(
    r'[ \t]*(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"(?P<value>(?:[^"\\]|\\.)*)"[ \t]*(?P<end>,|$)'
)
_ESCAPE: Final = re.compile(r'\\([\\"n])')
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[iI]nf|NaN)")
_REMEDY: Final = "answer in Prometheus's text format 0.0.4"


class Line(NamedTuple):
    """One sample; `time_ms` is the time stamp that it carries, if it does."""

    name: str
    labels: dict[str, str]
    value: float
    time_ms: int | None = None


def parse(text: str, names: Collection[str] | None = None) -> list[Line]:
    """Return the samples with these names (None: all), in order. What other lines hold does not matter.

    Raises:
        InvalidField: one of the lines that count is malformed, or there are more than `MAX_SAMPLES` of them.
    """
    found: list[Line] = []
    for number, line in _lines(text, names):
        if len(found) == MAX_SAMPLES:
            raise InvalidField("exposition", f"{len(found)} samples", "expose fewer series")
        found.append(_sample(number, line))
    return found


def _lines(text: str, names: Collection[str] | None) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(" \t\r")
        if not line or line[0] == "#":
            continue
        if names is None or _name(line) in names:
            yield number, line


def _name(line: str) -> str:
    """Return what stands before the labels or the first blank, which is cheaper than to parse the line."""
    brace = line.find("{")
    head = line if brace < 0 else line[:brace]
    return head.split(None, 1)[0] if head else ""


def _sample(number: int, line: str) -> Line:
    match = _LINE.fullmatch(line)
    if match is None or not _NUMBER.fullmatch(match["value"]):
        raise InvalidField(f"line {number}", line, _REMEDY)
    time_ms = int(match["time"]) if match["time"] else None
    return Line(match["name"], _labels(number, match["labels"] or ""), float(match["value"]), time_ms)


def _labels(number: int, text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    position, end = 0, len(text.rstrip(" \t"))
    while position < end:
        match = _LABEL.match(text, position)
        if match is None or match["name"] in labels:
            raise InvalidField(f"line {number}", text, _REMEDY)
        labels[match["name"]] = _ESCAPE.sub(_unescaped, match["value"])
        position = match.end()
    return labels


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
