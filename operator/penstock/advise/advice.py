"""The door of the room: answers of a Prometheus in, judged models out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from penstock.advise.assemble import pasts
from penstock.advise.judge import NotJudged, Plan, plan
from penstock.advise.outcome import Judged, conclude
from penstock.advise.past import Answers
from penstock.advise.replay import Job, Played
from penstock.advise.tracks import Grid
from penstock.advise.wish import Wish
from penstock.domain.errors import NotEnoughData

Play = Callable[[Sequence[Job]], Iterable[tuple[Played, Played]]]
"""Plays jobs and returns what they came to, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """All models that were seen, in order."""

    judged: tuple[Judged, ...]
    not_judged: tuple[NotJudged, ...]


def advise(answers: Answers, grid: Grid, wish: Wish, play: Play) -> Advice:
    """Judge every model that served anything.

    Raises:
        NotEnoughData: no engine was seen at all.
    """
    found = [plan(past, wish) for past in pasts(answers, grid, wish.slo)]
    if not found:
        raise NotEnoughData("no engine's series (vllm:num_requests_running) in this time")
    plans = [one for one in found if isinstance(one, Plan)]
    played = iter(play([job for one in plans for job in one.jobs]))
    told = [conclude(one, [next(played) for _ in one.jobs]) for one in plans]
    return Advice(
        judged=tuple(one for one in told if isinstance(one, Judged)),
        not_judged=tuple(one for one in (*found, *told) if isinstance(one, NotJudged)),
    )
