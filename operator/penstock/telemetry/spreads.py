"""How far each model's lengths scatter, from the buckets of all of its engines; every collector ends here."""

from collections.abc import Mapping
from math import isfinite

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Spread
from penstock.domain.readings import ABSENT, Known, Reading
from penstock.domain.series import Signal
from penstock.engine.scatter import scatter

BucketCounts = dict[tuple[ModelScope, Signal], dict[float, float]]
"""Requests, or requests per second, of at most so many tokens; by whose lengths, and which."""


def spreads(counts: BucketCounts, now_s: float) -> Mapping[ModelScope, Spread]:
    """Return the spread of each model of which something finished, as known at Unix time `now_s`."""
    return {
        scope: Spread(
            input_cv=_read(counts.get((scope, Signal.INPUT_TOKENS)), now_s),
            output_cv=_read(counts.get((scope, Signal.OUTPUT_TOKENS)), now_s),
        )
        for scope in dict.fromkeys(scope for scope, _ in counts)
    }


def _read(counts: dict[float, float] | None, now_s: float) -> Reading:
    """Read one histogram; one with a number that is none tells nothing, and capacity then rests on what is usual."""
    if not counts or not all(map(isfinite, counts.values())):
        return ABSENT
    found = scatter(counts)
    return ABSENT if found is None else Known(found, now_s)
