"""When a status is worth a write: at once for what matters, seldom for numbers that merely drift."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

REFRESH_S: Final = 300.0
"""Age at which numbers are written even when they hardly moved."""

_MOVED: Final = 0.10
_NUMBERS: Final = (
    ("currentAlloc", "variantCost"),
    ("currentAlloc", "itlAverage"),
    ("currentAlloc", "ttftAverage"),
    ("currentAlloc", "load", "arrivalRate"),
    ("currentAlloc", "load", "avgInputTokens"),
    ("currentAlloc", "load", "avgOutputTokens"),
    ("learned", "requestsPerSecond"),
    ("learned", "error"),
)
_CLOCK: Final = ("desiredOptimizedAlloc", "lastRunTime")
_Drifting = dict[str, "_Drifting"]


def _drifting(paths: Iterable[tuple[str, ...]]) -> _Drifting:
    """Return what drifts as a tree; nothing below a name stands for all of it."""
    tree: _Drifting = {}
    for path in paths:
        below = tree
        for name in path:
            below = below.setdefault(name, {})
    return tree


_DRIFTING: Final = _drifting((*_NUMBERS, _CLOCK))


def must_write(previous: Mapping[str, Any], new: Mapping[str, Any], now_s: float) -> bool:
    """Return whether `new` has to be written over `previous`, the status that the cluster holds.

    At once when a decision, a condition, a replica count or anything else changed that is no number; otherwise when
    a number moved by a tenth, appeared or vanished, or when the numbers are five minutes old. The age is that of the
    last computed decision, so that a status which is held costs nothing.
    """
    if _without_numbers(previous) != _without_numbers(new):
        return True
    if any(_has_moved(_at(previous, path), _at(new, path)) for path in _NUMBERS):
        return True
    return previous != new and _age_s(previous, now_s) >= REFRESH_S


def _without_numbers(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in _steady(status, _DRIFTING).items() if part != {}}


def _steady(status: Mapping[str, Any], drifting: _Drifting) -> dict[str, Any]:
    """Return a copy without what drifts; the original stays as it is."""
    kept = {}
    for name, part in status.items():
        below = drifting.get(name)
        if below is None:
            kept[name] = part
        elif below:
            kept[name] = _steady(part, below) if isinstance(part, Mapping) else part
    return kept


def _at(status: Mapping[str, Any], path: tuple[str, ...]) -> str | None:
    found: Any = status
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found if isinstance(found, str) else None


def _has_moved(before: str | None, now: str | None) -> bool:
    if before is None or now is None:
        return before is not now
    if before == now:
        return False
    was, value = _number(before), _number(now)
    if was is None or value is None:
        return before != now
    return abs(value - was) > _MOVED * abs(was)


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        return None


def _age_s(status: Mapping[str, Any], now_s: float) -> float:
    """Return the age of the numbers; infinite where the status does not tell."""
    written = _at(status, _CLOCK)
    try:
        return now_s - datetime.fromisoformat(written or "").timestamp()
    except ValueError:
        return float("inf")
