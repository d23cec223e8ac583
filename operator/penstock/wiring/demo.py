"""Joins the demo: the local world, recorded traffic, a view and a recorder as witnesses, and the report at the end."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from penstock.domain.decisions import Outcome
from penstock.domain.errors import PenstockError
from penstock.domain.policies import PolicyDocument
from penstock.local.fleet import Fleet
from penstock.local.load import Load
from penstock.local.recorder import Recorder
from penstock.local.script import Script
from penstock.local.view import View
from penstock.local.world import read_world
from penstock.report.reportfiles import write
from penstock.sim.traces import Traffic, traffic
from penstock.wiring import local
from penstock.wiring.demoreport import TARGETS, report

SPEED: Final = 10.0
MEAN_PER_S: Final = 6.0
WEIGHTS_AFTER: Final = "{waitTime: 0.8, criticality: 0.0, requestRate: 0.1}"
_PACKAGED: Final = Path(local.__file__).parents[1] / "local" / "example"
_CHECKOUT: Final = Path(local.__file__).parents[3] / "examples" / "local"


@dataclass(frozen=True, slots=True)
class Both:
    """Two witnesses as one."""

    view: View
    recorder: Recorder

    def passed(self, outcomes: tuple[Outcome, ...], fleet: Fleet) -> None:
        """Pass on what a pass came to."""
        self.view.passed(outcomes, fleet)
        self.recorder.passed(outcomes, fleet)

    def programmed(self, document: PolicyDocument) -> None:
        """Pass on a policy in force."""
        self.view.programmed(document)
        self.recorder.programmed(document)

    def troubled(self, error: PenstockError) -> None:
        """Pass on what has to be mended."""
        self.view.troubled(error)
        self.recorder.troubled(error)


def run(files: Path | None, out: Path, duration_s: float, traces: Path | None, *, no_color: bool) -> int:
    """Play the demo and write its report; 0 unless no request was answered."""
    played = traffic(traces, start_s=0.0, length_s=duration_s, speed=SPEED, mean_per_s=MEAN_PER_S)
    console = Console(no_color=no_color)
    recorder = asyncio.run(_play(files or _example(), out, duration_s, played, console))
    page, *_ = write(report(recorder, played, duration_s, out / "run" / "router.log"), out)
    console.print(f"{_met(recorder)}; report: {page}", highlight=False, soft_wrap=True)
    return 0 if any(answer.status == 200 for answer in recorder.answers) else 1


def _example() -> Path:
    return _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT


async def _play(files: Path, out: Path, duration_s: float, played: Traffic, console: Console) -> Recorder:
    copied = _copy(files, out / "files")
    script = Script(
        model=read_world(copied).variants[0].model,
        arrivals=played.arrivals,
        duration_s=duration_s,
        policy_file=copied / "policy.yaml",
        weights_after=WEIGHTS_AFTER,
    )
    recorder = Recorder()
    view = View(console, lambda: f"penstock demo · {recorder.now_s:3.0f} s of {duration_s:.0f} s · {_met(recorder)}")
    with view:
        view.tell(f"starting router, Envoy and engines; logs in {out / 'run'}")
        async with local.session(copied, out / "run", local.ports(), Both(view, recorder)) as world:
            view.tell(f"sending {len(played.arrivals)} requests: {played.credit}")
            load = Load(f"http://127.0.0.1:{world.ports.proxy}", world.http, recorder.heard)
            await script.play(world, load, recorder)
    return recorder


def _copy(files: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(files, to)
    return to


def _met(recorder: Recorder) -> str:
    met = recorder.attainment(*TARGETS)
    return "no answer yet" if met is None else f"{len(recorder.answers)} answers, {met:.1%} within the SLO"
