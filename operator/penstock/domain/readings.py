"""A measured number is known, stale or absent; unknown is never zero."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A finite number and the Unix time in seconds of the sample behind it."""

    value: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Stale:
    """The last number of a source that has fallen silent; may be shown, never decided upon: it is no `value`."""

    last: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Absent:
    """No number; `why` is a short phrase for people, or empty. `impossible`: there was one, and it cannot be."""

    why: str = ""
    impossible: bool = False


Reading = Known | Stale | Absent

ABSENT = Absent()


def reading(value: float | None, at_s: float, *, now_s: float, stale_after_s: float) -> Reading:
    """Classify one sample; None, NaN and Inf are absent, samples older than `stale_after_s` are stale."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return Absent(f"value is {value}", impossible=True)
    if now_s - at_s > stale_after_s:
        return Stale(value, at_s)
    return Known(value, at_s)


def known(number: Reading) -> float | None:
    """Return the value if it may be decided upon, else None."""
    return number.value if isinstance(number, Known) else None


def last(number: Reading) -> float | None:
    """Return the number however old it is, None where there is none."""
    if isinstance(number, Known):
        return number.value
    return number.last if isinstance(number, Stale) else None
