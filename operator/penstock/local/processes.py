"""Child processes of the local world: started with a log file of their own, ended politely, then firmly."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.domain.errors import Unreachable

GRACE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Child:
    """A running program, its name for people, and where its output goes."""

    name: str
    log: Path
    process: asyncio.subprocess.Process

    @property
    def alive(self) -> bool:
        """Whether the program has not ended."""
        return self.process.returncode is None


def penstock_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one of our own processes, in this very installation."""
    return (sys.executable, "-m", "penstock", *arguments)


async def start(name: str, command: Sequence[str], folder: Path) -> Child:
    """Start a program whose output goes to `folder/name.log`."""
    log = folder / f"{name}.log"
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    return Child(name, log, process)


async def stop(child: Child, grace_s: float = GRACE_S) -> None:
    """Ask a program to end; after `grace_s` seconds end it."""
    if not child.alive:
        return
    with contextlib.suppress(ProcessLookupError):
        child.process.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await child.process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.process.kill()
        await child.process.wait()


def ended(child: Child) -> Unreachable:
    """Return the error that shows the last lines of a program that ended by itself."""
    lines = child.log.read_text(errors="replace").strip().splitlines()[-8:]
    shown = "\n       ".join(lines) or "(it printed nothing)"
    return Unreachable(
        f"{child.name}, exit code {child.process.returncode}", "it ended", f"read {child.log}:\n       {shown}"
    )


def free_ports(count: int) -> tuple[int, ...]:
    """Return different loopback ports that were all free a moment ago."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)
