"""The least money for given loads over several kinds of replicas, loads divisible: Mélange's programme, enumerated."""

import itertools
import math
from collections.abc import Mapping, Sequence

from penstock.peers.replicas import whole

Loads = Sequence[Sequence[float]]


def cheapest(loads: Loads, usd_per_h: Sequence[float], most: Sequence[int]) -> list[int]:
    """Return replicas of every kind; all that may be had where even they do not carry the loads.

    `loads[group][kind]` is how many replicas of a kind one group of requests takes up alone; groups may be divided.
    All kinds but one, the kind with the highest bound, are enumerated; the last gets what is left over. Exact for one
    or two kinds; with more, a group goes to the enumerated kinds in the order of what it would cost the last one.
    """
    kinds = range(len(most))
    rest = max(kinds, key=lambda kind: most[kind])
    others = [kind for kind in kinds if kind != rest]
    best, best_usd = list(most), math.inf
    for counts in itertools.product(*(range(most[kind] + 1) for kind in others)):
        usd = sum(count * usd_per_h[kind] for kind, count in zip(others, counts, strict=True))
        if usd >= best_usd:
            continue
        needed = whole(_left_over(loads, rest, dict(zip(others, counts, strict=True))))
        usd += needed * usd_per_h[rest]
        if needed <= most[rest] and usd < best_usd:
            fleet = dict(zip(others, counts, strict=True)) | {rest: needed}
            best, best_usd = [fleet[kind] for kind in kinds], usd
    return best


def _left_over(loads: Loads, rest: int, room: Mapping[int, int]) -> float:
    """Return what the last kind must carry after the others are full."""
    left = [1.0] * len(loads)
    for kind, count in room.items():
        free = float(count)
        # first those that weigh most on the last kind for what they take here
        for group in sorted(range(len(loads)), key=lambda one: -loads[one][rest] / loads[one][kind]):
            part = min(left[group], free / loads[group][kind])
            left[group] -= part
            free -= part * loads[group][kind]
            if free <= 0:
                break
    return sum(part * load[rest] for part, load in zip(left, loads, strict=True))
