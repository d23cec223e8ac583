"""The runner: every job once, outcomes in order, and nothing twice after an interruption."""

from pathlib import Path

import pytest
from tests.unit.bench.made import job, outcome

from penstock.bench.jobs import Job, Outcome
from penstock.bench.runner import Runner


class Heard:
    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.finished_jobs: list[Job] = []

    def planned(self, stage: str, jobs: int, later: int) -> None:
        assert later >= 0
        self.stages.append((stage, jobs))

    def finished(self, outcome: Outcome) -> None:
        self.finished_jobs.append(outcome.job)


JOBS = [job("B8", seed, target=2.0) for seed in (2, 0, 1)]


def runner(file: Path, heard: Heard, *, resume: bool = False) -> Runner:
    made = Runner(file, None, heard, resume=resume, workers=1)
    made.play = lambda one, _: outcome(one, usd_per_h=float(one.seed))
    return made


def test_outcomes_come_in_the_order_of_their_jobs_and_equal_jobs_run_once(tmp_path: Path) -> None:
    heard = Heard()

    with runner(tmp_path / "deep" / "runs.jsonl", heard).open() as made:
        found = made.run("stage", [*JOBS, JOBS[0]])

    assert [one.job for one in found] == JOBS
    assert heard.stages == [("stage", 3)]
    assert sorted(heard.finished_jobs) == sorted(JOBS)


def test_what_is_there_is_not_run_again_if_asked_so(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    runner(file, Heard()).run("first", JOBS[:2])
    heard = Heard()

    found = runner(file, heard, resume=True).run("second", JOBS)

    assert heard.stages == [("second", 1)]
    assert [one.job for one in found] == JOBS
    assert len(file.read_text().splitlines()) == 3


def test_an_interrupted_line_and_runs_of_other_code_are_run_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    runner(file, Heard()).run("first", JOBS)
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0].replace('"key":"', '"key":"0'), lines[1], lines[2][:40]]))
    heard = Heard()

    runner(file, heard, resume=True).run("second", JOBS)

    assert heard.stages == [("second", 2)]


def test_without_resume_everything_is_run_anew(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    runner(file, Heard()).run("first", JOBS)
    heard = Heard()

    runner(file, heard).run("second", JOBS[:1])

    assert heard.stages == [("second", 1)]
    assert len(file.read_text().splitlines()) == 1


def test_other_recordings_are_other_runs(tmp_path: Path) -> None:
    file, traces = tmp_path / "runs.jsonl", tmp_path / "traces"
    runner(file, Heard()).run("first", JOBS[:1])
    traces.mkdir()
    (traces / "a.csv").write_text("x")
    heard = Heard()
    made = Runner(file, traces, heard, resume=True, workers=1)
    made.play = lambda one, _: outcome(one)

    made.run("second", JOBS[:1])

    assert heard.stages == [("second", 1)]


def test_processes_share_the_work(tmp_path: Path) -> None:
    made = Runner(tmp_path / "runs.jsonl", None, Heard(), workers=2)
    made.play = in_a_process

    with made.open():
        found = made.run("stage", JOBS)

    assert [one.usd_per_h for one in found] == [2.0, 0.0, 1.0]


def in_a_process(one: Job, traces: Path | None) -> Outcome:
    del traces
    return outcome(one, usd_per_h=float(one.seed))


def test_a_job_that_fails_is_told(tmp_path: Path) -> None:
    made = runner(tmp_path / "runs.jsonl", Heard())

    def fails(one: Job, traces: Path | None) -> Outcome:
        raise ValueError((one, traces))

    made.play = fails

    with pytest.raises(ValueError, match="B8"):
        made.run("stage", JOBS)
