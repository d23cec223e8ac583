"""Values that JSON can hold: tuples as lists, and null for what is no number."""

import math


def plain(value: object) -> object:
    """Return the value with every NaN and infinity in it replaced by None."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
