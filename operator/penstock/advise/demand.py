"""Demand out of what engines counted: arrivals are what was finished, and what the backlog grew by."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Final

from penstock.advise.tracks import Column
from penstock.sim.laws import LogNormal
from penstock.sim.traces import Arrival

_LONGEST: Final = 8000
_WIDEST: Final = 12  # times the mean; longer ones, which no mean tells of, are cut


def busiest(completed: Iterable[Column]) -> float:
    """Return the most that any engine finished within a step."""
    pairs = (pair for column in completed for pair in pairwise(column))
    return max((now - then for then, now in pairs if then is not None and now is not None), default=0.0)


def came(completed: Column, backlog: Column, most: float) -> Column:
    """Return what came to one engine within each step: what it finished and what its backlog grew by; None: not seen.

    `completed` counts from the engine's start on; an engine that tells no count has finished nothing yet. A new one had
    no backlog before, and what it finished before it was seen came, too, unless that is more than `most`: then it is
    older than it looks. Of one that was not seen for a while nobody knows what it did. What one had that is gone counts
    for nothing: it was counted when it came.
    """
    found: Column = []
    done: float | None = None
    had: float | None = 0.0
    seen = False
    for counted, held in zip(completed, backlog, strict=True):
        if held is None:
            found.append(None)
            done, had = None, None if seen else 0.0
            continue
        now = (done or 0.0) if counted is None else counted
        if (done is None and not seen and now <= most) or (done is not None and now < done):  # it began, or began anew
            done, had = 0.0, 0.0
        found.append((0.0 if done is None else now - done) + (0.0 if had is None else held - had))
        done, had, seen = now, held, True
    return found


def arrivals(engines: Column, scraped: Sequence[float]) -> Column:
    """Return the requests that arrived within each step, of what came to all engines; None where none was seen.

    Where a backlog fell by more than was finished, as where requests are given up, what follows is lessened. Engines
    that were not seen are taken to have served as much as the others.
    """
    found: Column = []
    owed = 0.0
    for more, share in zip(engines, scraped, strict=True):
        if not share:
            found.append(None)
            owed = 0.0
            continue
        net = (more or 0.0) - owed
        owed = max(-net, 0.0)
        found.append(max(net, 0.0) / share)
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
