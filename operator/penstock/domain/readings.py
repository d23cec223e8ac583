"""A measured number is known, stale or absent; unknown is never zero."""

import math
from collections.abc import Callable
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
    return reader(at_s, now_s=now_s, stale_after_s=stale_after_s)(value)


def reader(at_s: float, *, now_s: float, stale_after_s: float) -> Callable[[float | None], Reading]:
    """Return what classifies samples of one moment, as `reading` does each."""
    kind = Stale if now_s - at_s > stale_after_s else Known

    def read(value: float | None) -> Reading:
        if value is None:
            return ABSENT
        return kind(value, at_s) if math.isfinite(value) else Absent(f"value is {value}", impossible=True)

    return read


def known(number: Reading) -> float | None:
    """Return the value if it may be decided upon, else None."""
    return number.value if isinstance(number, Known) else None


def last(number: Reading) -> float | None:
    """Return the number however old it is, None where there is none."""
    if isinstance(number, Known):
        return number.value
    return number.last if isinstance(number, Stale) else None
