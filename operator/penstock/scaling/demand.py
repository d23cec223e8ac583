"""How much a model is asked for: arrivals, and what waits already, to be worked off within a minute."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from penstock.domain.observations import Inflow
from penstock.domain.readings import known
from penstock.scaling.observe import Load

DRAIN_S: Final = 60.0
"""Seconds in which the line is to be worked off: the window of the rates themselves, so that one pass sees both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Requests per second: those that arrive, and with the line worked off; mean lengths in tokens, None unknown."""

    arrivals_per_s: float
    need_per_s: float
    input_tokens: float | None
    output_tokens: float | None


def demand(loads: Iterable[Load], backlog: Inflow | None = None) -> Demand | None:
    """Return the demand over several variants of one model; None where nobody knows any rate.

    `backlog` is what routers hold back: engines cannot count what has not reached them.
    """
    loads = tuple(load for load in loads if load.arrivals_per_s is not None)
    if not loads:
        return None
    held, growth_per_s = (known(backlog.waiting), known(backlog.growth_per_s)) if backlog else (None, None)
    arrivals = max(sum(load.arrivals_per_s or 0.0 for load in loads) + (growth_per_s or 0.0), 0.0)
    return Demand(
        arrivals_per_s=arrivals,
        need_per_s=arrivals + (sum(load.waiting for load in loads) + (held or 0.0)) / DRAIN_S,
        input_tokens=_mean(loads, lambda load: load.input_tokens),
        output_tokens=_mean(loads, lambda load: load.output_tokens),
    )


def _mean(loads: Iterable[Load], length: Callable[[Load], float | None]) -> float | None:
    """Return the mean over finished requests of all variants; an idle variant serves what its siblings serve."""
    pairs = [(number, load.finished_per_s) for load in loads if (number := length(load)) is not None]
    weight = sum(rate for _, rate in pairs)
    return sum(number * rate for number, rate in pairs) / weight if weight > 0 else None
