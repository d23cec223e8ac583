"""Five-field cron windows: is a window open at a moment? Same language as CronJob's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from penstock.domain.errors import InvalidField

_REMEDY: Final = "write five cron fields: minute hour day month weekday, such as 0 7 * * 1-5"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MACROS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The moments of one cron text, as sets of allowed values; weekdays count from Sunday, 0.

    `either_day`: both kinds of day are restricted, so that one of them suffices (crontab(5)); as in CronJob a plain
    star restricts nothing, while `*/2` does.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def on_day(self, moment: datetime) -> bool:
        """Return whether the day of a moment is one of ours."""
        day, weekday = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return moment.month in self.months and ((day or weekday) if self.either_day else (day and weekday))


@lru_cache(maxsize=1024)
def parse_cron(text: str, field: str = "schedule") -> Cron:
    """Return the moments of a cron text: numbers, names, lists, ranges, steps, `?`, and macros such as `@daily`.

    Raises:
        InvalidField: no such text, or it names no moment at all.
    """
    parts = _MACROS.get(text.strip().lower(), text).split()
    if len(parts) != 5:
        raise InvalidField(field, text, _REMEDY)
    try:
        minutes, hours, days, months, weekdays = (
            _values(part, *bounds)
            for part, bounds in zip(
                parts, ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 7, _DAYS)), strict=True
            )
        )
    except ValueError:
        raise InvalidField(field, text, _REMEDY) from None
    return Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=_restricts(parts[2]) and _restricts(parts[4]),
    )


def time_zone(name: str, field: str = "timeZone") -> tzinfo:
    """Return a zone of the IANA database; an empty name is UTC, which needs none.

    Raises:
        InvalidField: no such zone. (`Local` is refused: it would mean the operator's machine.)
    """
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidField(field, name, "write a zone of the IANA database, such as Europe/Berlin") from None


def is_open(schedule: str, duration_s: float, zone: str, now_s: float) -> bool:
    """Return whether a window that opens at each moment of `schedule` and lasts `duration_s` is open at Unix `now_s`.

    Wall-clock times that a change to summer time leaves out open no window; those that come twice open two.
    """
    latest_s = _latest(parse_cron(schedule), time_zone(zone), now_s, now_s - duration_s)
    return latest_s is not None and now_s - latest_s < duration_s


def _latest(cron: Cron, zone: tzinfo, now_s: float, since_s: float) -> float | None:
    """Return the latest opening moment that is not in the future, or None where the days since hold none."""
    now, first = datetime.fromtimestamp(now_s, zone), datetime.fromtimestamp(since_s, zone).date()
    day = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    while day.date() >= first:
        last_hour = now.hour if day.date() == now.date() else 23
        hours = sorted((hour for hour in cron.hours if hour <= last_hour), reverse=True) if cron.on_day(day) else []
        for hour in hours:
            if starts := [start_s for start_s in _starts(cron, day.replace(hour=hour)) if start_s <= now_s]:
                return max(starts)
        day -= timedelta(days=1)
    return None


def _starts(cron: Cron, hour: datetime) -> Iterator[float]:
    """Yield the opening moments of one hour of the wall clock; an hour that comes twice has each of them twice."""
    for minute in cron.minutes:
        for fold in (0, 1):
            start_s = _unix(hour.replace(minute=minute, fold=fold))
            if start_s is not None:
                yield start_s


def _unix(wall: datetime) -> float | None:
    """Return the Unix time of a wall-clock time, or None where the clocks jump over it."""
    moment = wall.astimezone(UTC)
    back = moment.astimezone(wall.tzinfo)
    return moment.timestamp() if back.replace(fold=0) == wall.replace(fold=0) else None


def _restricts(part: str) -> bool:
    return not any(item in {"*", "?", "*/1", "?/1"} for item in part.split(","))


def _values(part: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for item in part.split(","):
        span, _, step = item.partition("/")
        start, end = _span(span, low, high, names)
        stride = int(step) if "/" in item else 1
        last = high if "/" in item and "-" not in span else end
        if not low <= start <= end <= high or stride < 1:
            raise ValueError(item)
        values.update(range(start, last + 1, stride))
    return frozenset(values)


def _span(span: str, low: int, high: int, names: tuple[str, ...]) -> tuple[int, int]:
    if span in {"*", "?"}:
        return low, high
    start, dash, end = span.partition("-")
    first = _number(start, low, names)
    return first, _number(end, low, names) if dash else first


def _number(text: str, low: int, names: tuple[str, ...]) -> int:
    lowered = text.lower()
    if lowered in names:
        return names.index(lowered) + low
    if not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)
