"""The demo's script: a recorded minute of traffic, a policy edited half-way, and a burst before and after that."""

import asyncio
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from penstock.domain.errors import InvalidField
from penstock.local.load import Call, Load
from penstock.local.recorder import Recorder
from penstock.local.session import Session

WORKLOADS: Final = (("checkout", 5), ("chat", 3), ("batch", 1))
BURST_EACH: Final = 24
BURST_TOKENS: Final = 16
SETTLE_S: Final = 15.0
_WEIGHTS: Final = re.compile(r"^  weights: \{.*\}$", re.MULTILINE)


class Arrival(Protocol):
    """One recorded request: seconds since the start of the slice, and its lengths in tokens."""

    @property
    def at_s(self) -> float:
        """When it is due."""
        ...

    @property
    def input_tokens(self) -> int:
        """How long its prompt is."""
        ...

    @property
    def output_tokens(self) -> int:
        """How long its answer is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What happens when: traffic for `duration_s`; bursts at a third and two thirds of it; the flip at the half."""

    model: str
    arrivals: Sequence[Arrival]
    duration_s: float
    policy_file: Path
    weights_after: str

    @property
    def bursts_s(self) -> tuple[float, float]:
        """When the two bursts are sent."""
        return (self.duration_s / 3, self.duration_s * 2 / 3)

    async def play(self, session: Session, load: Load, recorder: Recorder) -> None:
        """Run the script to its end, and wait a while for the last answers."""
        recorder.begin()
        async with asyncio.TaskGroup() as parts:
            watching = parts.create_task(_watch_queue(session, recorder))
            await asyncio.gather(
                load.send(traffic(self.model, self.arrivals)),
                *(load.send(burst(self.model, number, at_s)) for number, at_s in enumerate(self.bursts_s, start=1)),
                self._flip(),
                asyncio.sleep(self.duration_s),
            )
            await load.settle(SETTLE_S)
            watching.cancel()

    async def _flip(self) -> None:
        """Edit the policy's file as a person would, with the world watching it."""
        await asyncio.sleep(self.duration_s / 2)
        text = self.policy_file.read_text()
        edited, count = _WEIGHTS.subn(f"  weights: {self.weights_after}", text)
        if count != 1:
            raise InvalidField(self.policy_file.name, "weights", "keep the line `  weights: {…}` that the demo edits")
        self.policy_file.write_text(edited)


def traffic(model: str, arrivals: Sequence[Arrival]) -> Iterator[Call]:
    """Return the recorded requests as calls of three workloads in turn."""
    for number, (arrival, (workload, criticality)) in enumerate(
        zip(arrivals, itertools.cycle(WORKLOADS), strict=False), start=1
    ):
        yield Call(
            at_s=arrival.at_s,
            model=model,
            input_tokens=arrival.input_tokens,
            output_tokens=arrival.output_tokens,
            request_id=f"trace-{number}",
            workload=workload,
            criticality=criticality,
        )


def burst(model: str, number: int, at_s: float) -> Iterator[Call]:
    """Return many short calls at one moment, the least critical workload first, so that arrival order shows nothing."""
    for position, (workload, criticality) in enumerate(tuple(reversed(WORKLOADS)) * BURST_EACH):
        yield Call(
            at_s=at_s,
            model=model,
            input_tokens=32,
            output_tokens=BURST_TOKENS,
            request_id=f"burst{number}-{position}",
            workload=f"{workload}-burst",
            criticality=criticality,
        )


async def _watch_queue(session: Session, recorder: Recorder) -> None:
    while True:
        length = await session.router.queued()
        if length is not None:
            recorder.queued(length)
        await asyncio.sleep(0.5)
