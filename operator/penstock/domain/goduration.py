"""Durations as Go programs write them: in headers of the endpoint-picker world, its configuration files, its flags."""

import re
from typing import Final

from penstock.domain.errors import InvalidField

_PART: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})(ms|us|µs|ns|h|m|s)")
_WHOLE: Final = re.compile(rf"(?:{_PART.pattern})+")
_PER_SECOND: Final = {"h": 1 / 3600, "m": 1 / 60, "s": 1, "ms": 1e3, "us": 1e6, "µs": 1e6, "ns": 1e9}


def parse_go_duration(text: str, field: str) -> float:
    """Return the seconds of what Go's `time.ParseDuration` takes and is not negative: `30s`, `1.5s`, `1h0m0s`, `0`.

    Raises:
        InvalidField: anything else, or more than 64 characters.
    """
    if text == "0":
        return 0.0
    if len(text) > 64 or not _WHOLE.fullmatch(text):
        raise InvalidField(field, text, "write a duration such as 500ms, 30s or 10m")
    return sum(float(number) / _PER_SECOND[unit] for number, unit in _PART.findall(text))
