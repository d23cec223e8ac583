"""What the two buckets of a histogram that enclose a limit tell of the share below it."""

from typing import Final

_HALF: Final = 0.5
_SURELY_TAIL: Final = 0.5
_NO_TAIL: Final = 0.25


def share_between(before: float, count: float, total: float, part: float) -> float:
    """Return the share up to a `part` of the way through a bucket, of counts below it, in it as well, and in all.

    Within a bucket below the first quarter values are taken to lie evenly, within one above the median to grow rarer at
    an even rate, as those of an exponential law do; between them it goes over from one to the other, so that no count
    more makes a leap. vLLM's buckets of the time to the first token go from 1 s to 2.5 s at once: of what is above 1 s,
    far more than two thirds are below 2 s. Of an endless bucket (0) nothing is known to be below.
    """
    if not part or before >= total:
        return min(before / total, 1.0)
    tail = min(max((before / total - _NO_TAIL) / (_SURELY_TAIL - _NO_TAIL), 0.0), 1.0)
    even = (before + (count - before) * part) / total
    least = min(_HALF, total - before)  # above an empty rest there might as well be half a request
    rarer = float(1 - ((total - before) ** (1 - part) * max(total - count, least) ** part) / total)
    return even + tail * (rarer - even)
