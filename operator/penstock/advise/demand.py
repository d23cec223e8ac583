"""Demand out of what engines counted: arrivals are what was finished, and what the backlog grew by."""

import math
from collections.abc import Sequence
from random import Random
from typing import Final

from penstock.advise.tracks import Column
from penstock.sim.laws import LogNormal
from penstock.sim.traces import Arrival

_LONGEST: Final = 8000
_WIDEST: Final = 12  # times the mean; longer ones, which no mean tells of, are cut


def growth(backlogs: Sequence[Column]) -> Column:
    """Return by how much the backlogs of engines grew within each step; None where none of them was seen.

    One that is new had none before. What one had that is gone counts for nothing: it was counted when it came.
    """
    found: Column = []
    before: tuple[float | None, ...] = (None,) * len(backlogs)
    for now in zip(*backlogs, strict=True):
        grew = [held - (then or 0.0) for held, then in zip(now, before, strict=True) if held is not None]
        found.append(sum(grew) if grew else None)
        before = now
    return found


def arrivals(completed_per_s: Column, grew: Column, scraped: Sequence[float], step_s: float) -> Column:
    """Return the requests that arrived within each step; None where no engine was seen.

    Where a backlog fell by more than was finished, which rates that look a little further back can make of it, what
    follows is lessened. Engines that were not seen are taken to have served as much as the others.
    """
    found: Column = []
    owed = 0.0
    for rate, more, share in zip(completed_per_s, grew, scraped, strict=True):
        if not share:
            found.append(None)
            owed = 0.0
            continue
        came = (rate or 0.0) * step_s + (more or 0.0) - owed
        owed = max(-came, 0.0)
        found.append(max(came, 0.0) / share)
    return found


def drawn(
    counts: Sequence[float],
    lengths: Sequence[tuple[float, float]],
    step_s: float,
    cvs: tuple[float, float],
    chance: Random,
) -> list[Arrival]:
    """Return arrivals, as many in each step as were counted, at times that know nothing of each other.

    That is a Poisson process under the condition of its counts: what varies from step to step is kept as it was, what
    varies within a step cannot be told and is taken for chance. Lengths are log-normal around each step's means.
    """
    found: list[Arrival] = []
    carried = 0.0
    for step, (count, (fed, made)) in enumerate(zip(counts, lengths, strict=True)):
        carried += count
        whole, carried = int(carried), carried - int(carried)
        prompts, answers = _law(fed, cvs[0]), _law(made, cvs[1])
        times_s = sorted(chance.uniform(step, step + 1) * step_s for _ in range(whole))
        found += [
            Arrival(at_s=at_s, input_tokens=prompts.draw(chance), output_tokens=answers.draw(chance))
            for at_s in times_s
        ]
    return found


def _law(mean: float, cv: float) -> LogNormal:
    square = math.log(1 + cv**2)
    longest = round(max(_LONGEST, _WIDEST * mean))
    return LogNormal(mu=math.log(max(mean, 1.0)) - square / 2, sigma=math.sqrt(square), longest=longest)
