"""Runs `penstock advise`: reads a cluster's past out of Prometheus, plays it on all cores, writes what came of it."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from penstock.advise.advice import Advice, advise
from penstock.advise.assemble import owners
from penstock.advise.objects import as_yaml
from penstock.advise.page import bodies, page
from penstock.advise.past import Answers
from penstock.advise.replay import Job, Played, play
from penstock.advise.tracks import Grid
from penstock.advise.wish import Wish
from penstock.advise.words import text
from penstock.bench.workers import deaf
from penstock.domain.errors import NotEnoughData, Refused
from penstock.report.advicefiles import as_json, write
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.history import History, Track, Words
from penstock.telemetry.pastqueries import LOAD_STEP_S, OPTIONAL, Ask, PastQuery, engines, replicas
from penstock.telemetry.recording import URL, Playback, Recording

FLAGS: Final = Words(address="--prometheus", authority="--ca-file", credential="--token-file", reach="--days")
"""What a person who asks can mend."""

_FINE_DAYS: Final = 7
"""Days up to which load is asked for every minute."""

_DEMO_REQUESTS: Final = 35_000.0
"""Of each model, about as many are played in the demo, so that it does not take minutes."""

RECORDING: Final = files("penstock.advise").joinpath("recording.json.gz")
"""What the demo plays; tests tell how it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line; `prometheus` None: the recording."""

    prometheus: PrometheusSettings | None
    days: float
    wish: Wish
    out: Path
    output: str
    workers: int | None
    no_color: bool


@dataclass(frozen=True, slots=True)
class Past:
    """What is judged: answers on a grid, whose they are, and what went wrong on the way."""

    answers: Answers
    grid: Grid
    source: str
    notes: tuple[str, ...]


def run(request: Request) -> int:
    """Judge, write the files, print the outcome.

    Raises:
        NotEnoughData: no model's past carries an answer.
        Unreachable, Refused: Prometheus did not answer, or said no.
    """
    wish = request.wish
    with _bar(request) as bar:
        if request.prometheus is None:
            past = replayed(Recording.unpack(RECORDING.read_bytes()), bar)
            wish = replace(wish, most_requests=min(wish.most_requests, _DEMO_REQUESTS))
        else:
            past = recorded(request.prometheus, request.days, bar)
        found = advise(past.answers, past.grid, wish, lambda jobs: _played(jobs, request.workers, bar))
    if not found.judged:
        raise NotEnoughData("; ".join(f"{one.name}: {one.why}" for one in found.not_judged))
    _tell(request, wish, past, found)
    return 0


def _tell(request: Request, wish: Wish, past: Past, found: Advice) -> None:
    told = page(found, wish, past.source, past.notes)
    made = bodies(found, wish)
    write(told, as_yaml(made) if made else "", request.out)
    console = Console(no_color=request.no_color, highlight=False, soft_wrap=True, emoji=False)
    shown = as_json(told).rstrip("\n") if request.output == "json" else text(found, len(made), str(request.out))
    console.print(shown, markup=False)


@contextmanager
def _bar(request: Request) -> Iterator[Progress]:
    console = Console(stderr=True, no_color=request.no_color)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True,
    ) as bar:  # fmt: skip
        yield bar


def replayed(recording: Recording, bar: Progress) -> Past:
    """Read the whole of a recording, in the way in which a Prometheus is read."""
    history = History(PrometheusSettings(url=URL), transport=Playback(recording))
    days = (recording.end_s - recording.start_s) / 86_400
    return read(
        history, _grid(recording.end_s, days), f"{days:g} recorded days of a simulated fleet", bar, [recording.told]
    )


def recorded(settings: PrometheusSettings, days: float, bar: Progress) -> Past:
    """Read the past until now, on whole steps."""
    step_s = _step_s(days)
    grid = _grid(time.time() // step_s * step_s, days)
    source = f"The last {days:g} days of {settings.url.rpartition('@')[2]}"
    return read(History(settings, words=FLAGS), grid, source, bar)


def _step_s(days: float) -> float:
    return LOAD_STEP_S * max(round(days / _FINE_DAYS), 1)


def _grid(end_s: float, days: float) -> Grid:
    step_s = _step_s(days)
    steps = round(days * 86_400 / step_s)
    return Grid(start_s=end_s - steps * step_s, step_s=step_s, count=steps + 1)


def read(history: History, grid: Grid, source: str, bar: Progress, notes: Iterable[str] = ()) -> Past:
    """Ask for everything; what can be done without and is refused becomes a note.

    Raises:
        Unreachable, Refused: there was no answer, or a no.
    """
    answers, told = dict[Ask, list[Track]](), list(notes)
    end_s, task = grid.at(grid.count - 1), bar.add_task("reading Prometheus", total=None)

    def ask(queries: Iterable[PastQuery]) -> None:
        for one in bar.track(list(queries), task_id=task):
            try:
                answers[one.ask] = history.range(one.promql, grid.start_s, end_s, one.step_s)
            except Refused as error:
                if one.ask not in OPTIONAL:
                    raise
                told.append(f"Prometheus refused the query about {one.ask.value}: {error.message}")

    ask(engines(grid.step_s))
    ask(replicas(owners(answers, grid), grid.step_s))
    bar.remove_task(task)
    return Past(answers, grid, source, tuple(told))


def _played(jobs: Sequence[Job], workers: int | None, bar: Progress) -> Iterator[tuple[Played, Played]]:
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if not jobs:
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=deaf) as pool:
        yield from bar.track(pool.map(play, jobs), total=len(jobs), description="playing the past")
