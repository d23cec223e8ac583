"""Runs jobs on all cores, writes each outcome down as it comes, and takes what an earlier run left."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from penstock.bench.jobs import Job, Outcome, read
from penstock.bench.play import play
from penstock.bench.workers import deaf

Play = Callable[[Job, Path | None], Outcome]


class Progress(Protocol):
    """Who is told how far it has come."""

    def planned(self, stage: str, jobs: int, later: int) -> None:
        """Hear that a stage begins, of so many jobs that are still to be done, and about how many come after it."""
        ...

    def finished(self, outcome: Outcome) -> None:
        """Hear what a job came to."""
        ...


class Runner:
    """Answers jobs. `file` gets one line for each; with `resume` those that are there already are not run again."""

    def __init__(
        self, file: Path, traces: Path | None, progress: Progress, *, resume: bool = False, workers: int | None = None
    ) -> None:
        self._file, self._traces, self._progress = file, traces, progress
        self._workers = os.cpu_count() or 1 if workers is None else workers
        self._traffic = _traffic(traces)
        self._known = _kept(file, self._traffic) if resume else {}
        self._pool: ProcessPoolExecutor | None = None
        self.play: Play = play
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{one.line(key)}\n" for key, one in self._known.items()), encoding="utf-8")

    @contextmanager
    def open(self) -> Iterator["Runner"]:
        """Hold the worker processes; none where there is one worker, which then is this process."""
        if self._workers < 2:
            yield self
            return
        pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"), initializer=deaf)
        self._pool = pool
        try:
            yield self
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def run(self, stage: str, jobs: Iterable[Job], later: int = 0) -> list[Outcome]:
        """Return the outcomes of jobs, in their order; equal ones are run once. `later` is told on."""
        wanted = list(dict.fromkeys(jobs))
        keys = {job: job.key(self._traffic) for job in wanted}
        missing = [job for job in sorted(wanted) if keys[job] not in self._known]
        self._progress.planned(stage, len(missing), later)
        with self._file.open("a", encoding="utf-8") as file:
            for outcome in self._outcomes(missing):
                self._known[keys[outcome.job]] = outcome
                file.write(f"{outcome.line(keys[outcome.job])}\n")
                file.flush()
                self._progress.finished(outcome)
        return [self._known[keys[job]] for job in wanted]

    def _outcomes(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        if self._pool is None:
            yield from (self.play(job, self._traces) for job in jobs)
            return
        # a few in hand for each worker, in order: neighbours share their traffic
        waiting, running = iter(jobs), set[Future[Outcome]]()
        while True:
            for job in waiting:
                running.add(self._pool.submit(self.play, job, self._traces))
                if len(running) >= 2 * self._workers:
                    break
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


def _kept(file: Path, traffic: str) -> dict[str, Outcome]:
    """Return the outcomes of an earlier run whose jobs would come out the same: those whose key still holds."""
    if not file.is_file():
        return {}
    found = (read(line) for line in file.read_text(encoding="utf-8").splitlines())
    return {key: outcome for key, outcome in (one for one in found if one) if outcome.job.key(traffic) == key}


def _traffic(traces: Path | None) -> str:
    """Return what tells one folder of recordings from another: names and sizes; nothing where there is none."""
    files = sorted(traces.iterdir()) if traces and traces.is_dir() else []
    return " ".join(f"{file.name}:{file.stat().st_size}" for file in files)
