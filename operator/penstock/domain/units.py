"""Durations, percents and byte quantities as users write them, and back."""

import re
from typing import Final

from penstock.domain.errors import InvalidField

_DURATION: Final = re.compile(r"([0-9]{1,5}(h|m|s|ms)){1,4}")
_DURATION_PART: Final = re.compile(r"([0-9]+)(h|ms|m|s)")
_MILLISECONDS: Final = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_PERCENT: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?%")
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(Ki|Mi|Gi|Ti|k|M|G|T|)")
_BYTES: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
                 "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}  # fmt: skip


def parse_duration(text: str, field: str) -> float:
    """Return the seconds of `500ms`, `30s`, `1h30m`.

    Raises:
        InvalidField: not at most four numbers with units h, m, s or ms, in 24 characters.
    """
    if len(text) > 24 or not _DURATION.fullmatch(text):
        raise InvalidField(field, text, "write a duration such as 500ms, 30s or 10m")
    # whole milliseconds first, so that 1001ms and 1s1ms are the same float
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _DURATION_PART.findall(text)) / 1000


def format_duration(seconds: float) -> str:
    """Return the shortest exact spelling down to a millisecond: `94s`, `1h30m`, `500ms`."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _MILLISECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_percent(text: str, field: str) -> float:
    """Return the ratio of `99.5%` as 0.995.

    Raises:
        InvalidField: no percent string, or above 100%.
    """
    if not _PERCENT.fullmatch(text) or float(text[:-1]) > 100:
        raise InvalidField(field, text, "write a percentage such as 99.5%")
    return float(text[:-1]) / 100


def parse_attainment(text: str, field: str) -> float:
    """Return the share of requests that must meet their targets: no fleet answers every one in time.

    Raises:
        InvalidField: no percent string, below 50% or above 99.999%.
    """
    ratio = parse_percent(text, field)
    if not 0.5 <= ratio <= 0.99999:
        raise InvalidField(field, text, "write 50% to 99.999%")
    return ratio


def format_percent(ratio: float) -> str:
    """Return `0.995` as `99.5%`, without trailing zeros."""
    return f"{round(ratio * 100, 6):g}%"


def parse_bytes(text: str, field: str) -> int:
    """Return the bytes of a Kubernetes quantity such as `256Mi` or `1G`.

    Raises:
        InvalidField: no quantity of bytes.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise InvalidField(field, text, "write a quantity such as 256Mi or 1Gi")
    return round(float(match[1]) * _BYTES[match[2]])


def format_bytes(count: int) -> str:
    """Return the shortest exact quantity: 1073741824 as `1Gi`, 1000 as `1000`."""
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if count and count % _BYTES[unit] == 0:
            return f"{count // _BYTES[unit]}{unit}"
    return str(count)
