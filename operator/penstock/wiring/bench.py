"""Joins the comparison: plan, runner, progress on standard error, findings, and the report in three formats."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from penstock.bench import plans
from penstock.bench.campaign import Findings, campaign
from penstock.bench.jobs import Outcome
from penstock.bench.runner import Runner
from penstock.bench.targets import Target, targets
from penstock.bench.verdicts import lines, verdict
from penstock.report.studyfiles import write
from penstock.wiring.benchreport import study

FILE: Final = "runs.jsonl"
FAULTS: Final = frozenset({"G9"})
"""Targets that slices show as well as whole workloads: a pass that comes out otherwise is a fault anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line."""

    extent: str
    workload: str | None
    policies: tuple[str, ...]
    seeds: int | None
    workers: int | None
    resume: bool
    out: Path
    no_color: bool
    traces: Path | None


class Bar:
    """Progress as a bar of the stage at hand, and how many simulated requests a second that makes."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(), console=console, transient=True,
        )  # fmt: skip
        self._task: TaskID | None = None
        self._began_s, self.requests, self.runs = time.monotonic(), 0, 0

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def planned(self, stage: str, jobs: int, later: int) -> None:
        """Begin a stage; the time that is told to remain is that of all later ones, too."""
        if self._task is None:
            self._task = self._progress.add_task(stage, total=None, speed="")
        self._progress.update(self._task, description=stage, total=self.runs + jobs + later)

    def finished(self, outcome: Outcome) -> None:
        """Move on by one."""
        self.requests += outcome.requests
        self.runs += 1
        if self._task is not None:
            self._progress.update(self._task, advance=1, speed=f"{self.per_s:,.0f} req/s")

    @property
    def per_s(self) -> float:
        """Simulated requests per second so far."""
        return self.requests / max(time.monotonic() - self._began_s, 1e-3)


def scaling(request: Request) -> int:
    """Run the comparison and write its report; 1 if a full one misses a target, or any shows a fault."""
    plan = plans.full() if request.extent == "full" else plans.quick()
    plan = plan.only(request.workload, request.policies, request.seeds)
    bar = Bar(Console(stderr=True, no_color=request.no_color))
    runner = Runner(request.out / FILE, request.traces, bar, resume=request.resume, workers=request.workers)
    with bar, runner.open():
        findings = campaign(plan, runner, request.traces)
    console = Console(no_color=request.no_color, highlight=False, soft_wrap=True)
    return _tell(console, findings, request)


def _tell(console: Console, findings: tuple[Findings, ...], request: Request) -> int:
    verdicts, checked = tuple(map(verdict, findings)), targets(findings)
    page, *_ = write(study(verdicts, checked, quick=request.extent == "quick"), request.out)
    for one in (*_impossible(findings), *lines(verdicts)):
        console.print(one, markup=False)
    told = ", ".join(one.told() for one in checked if one.checks) or "none applies to these workloads"
    console.print(f"targets: {told}. {page}", markup=False)
    return _code(checked, request.extent)


def _code(checked: Iterable[Target], extent: str) -> int:
    """Return the exit code: slices say too little of money and attainment to fail a pull request by."""
    missed = {one.code for one in checked if one.met is False}
    return 1 if missed and (extent == "full" or missed & FAULTS) else 0


def _impossible(findings: tuple[Findings, ...]) -> list[str]:
    """Return the workloads whose targets not even the whole quota meets: a comparison there would say nothing."""
    return [
        f"{one.subject.name}  not fair: all that the quota allows meets only {one.quota.attainment * 100:.1f} %"
        for one in findings
        if one.quota.attainment < one.subject.level
    ]
