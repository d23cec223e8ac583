"""What a run of the local world showed, second by second: the raw material of the demo's report."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.domain.decisions import Outcome
from penstock.domain.errors import PenstockError
from penstock.domain.policies import PolicyDocument
from penstock.local.fleet import Fleet
from penstock.local.load import Answer

_DISPATCHED: Final = re.compile(r"\[WA-ROUTING\] Request dispatched request_id=(\S+) workload_id=(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One scaling pass: seconds since the start, and each variant's outcome by name."""

    at_s: float
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A policy that came into force."""

    at_s: float
    document: PolicyDocument


@dataclass(slots=True)
class Recorder:
    """A witness that writes everything down; `begin` sets the zero of time."""

    clock: Callable[[], float] = time.monotonic
    samples: list[Sample] = field(default_factory=list)
    flips: list[Flip] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    queue: list[tuple[float, int]] = field(default_factory=list)
    troubles: list[tuple[float, str]] = field(default_factory=list)
    began_s: float | None = None

    def begin(self) -> None:
        """Let time run from now."""
        self.began_s = self.clock()

    @property
    def now_s(self) -> float:
        """Seconds since the start; 0 before it."""
        return 0.0 if self.began_s is None else self.clock() - self.began_s

    def passed(self, outcomes: tuple[Outcome, ...], fleet: Fleet) -> None:
        """Write down one pass."""
        del fleet
        if self.began_s is not None:
            self.samples.append(Sample(at_s=self.now_s, outcomes=outcomes))

    def programmed(self, document: PolicyDocument) -> None:
        """Write down a policy in force."""
        self.flips.append(Flip(at_s=self.now_s, document=document))

    def troubled(self, error: PenstockError) -> None:
        """Write down what had to be mended."""
        self.troubles.append((self.now_s, str(error)))

    def heard(self, answer: Answer) -> None:
        """Write down one answer."""
        self.answers.append(answer)

    def queued(self, length: int) -> None:
        """Write down how many requests wait in the router."""
        self.queue.append((self.now_s, length))

    def attainment(self, ttft_s: float, tpot_s: float) -> float | None:
        """Return the share of answered calls that met both targets; None before the first answer."""
        if not self.answers:
            return None
        return sum(answer.meets(ttft_s, tpot_s) for answer in self.answers) / len(self.answers)


def dispatched(router_log: Path) -> list[tuple[str, str]]:
    """Return (request id, workload) of every dispatch in the router's log, in order."""
    return _DISPATCHED.findall(router_log.read_text(errors="replace"))
