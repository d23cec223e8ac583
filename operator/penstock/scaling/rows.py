"""Whether one row of the scrape may be decided upon: fresh, stale, impossible or empty."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import Absent, Known, Reading, Stale, last
from penstock.domain.series import SERIES, Signal


class Freshness(Enum):
    """What a row is good for; only the first may be decided upon."""

    FRESH = auto()
    STALE = auto()
    INVALID = auto()
    EMPTY = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """A series whose value cannot be, and why."""

    series: str
    why: str


_SUMS: Final = {
    "running": Signal.RUNNING,
    "waiting": Signal.WAITING,
    "kv_usage_ratio": Signal.KV_USAGE,
    "completed_per_s": Signal.COMPLETED,
    "backlog_growth_per_s": Signal.WAITING,
}
_LENGTHS: Final = {"input_tokens": Signal.INPUT_TOKENS, "output_tokens": Signal.OUTPUT_TOKENS}


def freshness(row: PodMetrics, *, now_s: float, stale_after_s: float) -> Freshness:
    """Classify a row; age comes first, since an old impossible value says nothing about now."""
    if now_s - row.sampled_at_s > stale_after_s:
        return Freshness.STALE
    if _is_plain(row):
        return Freshness.FRESH
    if _gone_silent(row):
        return Freshness.STALE
    if fault(row) is not None:
        return Freshness.INVALID
    alive = (row.running, row.waiting, row.kv_usage_ratio, row.completed_per_s)
    return Freshness.FRESH if any(isinstance(number, Known) for number in alive) else Freshness.EMPTY


def _is_plain(row: PodMetrics) -> bool:
    """Whether everything is known and possible: so are nearly all rows, and a pass has ten thousand of them."""
    running, waiting, kv_ratio, completed = row.running, row.waiting, row.kv_usage_ratio, row.completed_per_s
    return (
        type(running) is Known
        and type(waiting) is Known
        and type(kv_ratio) is Known
        and type(completed) is Known
        and type(row.backlog_growth_per_s) is Known
        and running.value >= 0
        and waiting.value >= 0
        and 0 <= kv_ratio.value <= 1
        and (completed.value == 0 or (completed.value > 0 and _are_lengths(row)))
    )


def _are_lengths(row: PodMetrics) -> bool:
    fed, made = row.input_tokens, row.output_tokens
    return type(fed) is Known and type(made) is Known and fed.value >= 0 and made.value >= 0


def fault(row: PodMetrics) -> Fault | None:
    """Return the first impossible value.

    Mean lengths are 0/0 while nothing finishes, so theirs counts only beside finished requests, which it contradicts.
    """
    for field, signal in _SUMS.items():
        if why := _impossible(field, getattr(row, field)):
            return Fault(SERIES[signal].names[0], why)
    if not (isinstance(row.completed_per_s, Known) and row.completed_per_s.value > 0):
        return None
    for field, signal in _LENGTHS.items():
        if why := _impossible(field, getattr(row, field)):
            return Fault(SERIES[signal].names[0], f"{why} while requests finish")
    return None


def rate_per_s(row: PodMetrics) -> float | None:
    """Return finished requests per second; a counter that does not exist beside live gauges means none yet.

    A counter of which only one sample is known has no rate, and that is no zero.
    """
    if isinstance(row.completed_per_s, Known):
        return row.completed_per_s.value
    live = isinstance(row.running, Known) or isinstance(row.waiting, Known)
    return 0.0 if live and never_counted(row) else None


def never_counted(row: PodMetrics) -> bool:
    """Whether the engine has no counter of finished requests, as before its first one."""
    return isinstance(row.completed_per_s, Absent) and not row.completed_per_s.why


def _gone_silent(row: PodMetrics) -> bool:
    gauges = (row.running, row.waiting)
    silent = any(isinstance(number, Stale) for number in gauges)
    return isinstance(row.completed_per_s, Stale) or (silent and not any(isinstance(g, Known) for g in gauges))


def _impossible(field: str, number: Reading) -> str:
    if isinstance(number, Absent):
        return number.why if number.impossible else ""
    value = last(number) or 0.0
    if value < 0 and field != "backlog_growth_per_s":
        return "it is negative"
    return "it is above 1" if field == "kv_usage_ratio" and value > 1.0 + 1e-6 else ""
