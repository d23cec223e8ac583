"""Runs scripts/ci_diagnostics.sh as a CI machine would, which has no jq and no Python, and reads what it printed."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "ci_diagnostics.sh"
TOOLS = ("bash", "cat", "cut", "grep", "head", "ls", "mkdir", "rm", "sed", "sort", "tail", "tee", "tr")
_LINE = re.compile(r"([✓✗]) +(\d+) (.*)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One failed check: what it found, and what mends it."""

    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Report:
    """What one run printed; `failed` by the number of the check."""

    code: int
    output: str
    passed: tuple[int, ...]
    failed: Mapping[int, Finding] = field(default_factory=dict)

    @property
    def first_failed(self) -> int | None:
        """The first link that is broken; what follows may follow from it."""
        return min(self.failed, default=None)


def machine(home: Path, kubectl: Path) -> Path:
    """Make a folder with the few programs that the script may use."""
    home.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (home / tool).symlink_to(found)
    (home / "kubectl").symlink_to(kubectl)
    return home


def diagnose(path: Path, kubeconfig: Path, *flags: str, **environ: str) -> Report:
    """Run the script with nothing but the programs of `path`."""
    done = subprocess.run(
        [str(path / "bash"), str(SCRIPT), *flags],
        env={"PATH": str(path), "KUBECONFIG": str(kubeconfig), "HOME": os.environ.get("HOME", "/"), **environ},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "command not found" not in done.stderr, done.stderr
    return read(done.returncode, done.stdout + done.stderr)


def read(code: int, output: str) -> Report:
    """Read the lines of the checks; a fault may go on over several lines, until its remedy."""
    passed: list[int] = []
    failed: dict[int, Finding] = {}
    number, text = 0, ""
    for line in output.splitlines():
        match = _LINE.match(line)
        if match and match[1] == "✓":
            passed.append(int(match[2]))
        elif match:
            number, text = int(match[2]), match[3]
        elif line.startswith("     fix: ") and number:
            failed[number], number = Finding(text, line.removeprefix("     fix: ")), 0
        elif number:
            text += f"\n{line}"
    return Report(code, output, tuple(passed), failed)
