"""Who is asked to print without colours: the flag, or NO_COLOR where it says anything at all."""

from pathlib import Path
from typing import Any

import pytest

from penstock.cli.app import run
from penstock.wiring import demo, local


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    calls: list[bool] = []

    def started(*given: Any, no_color: bool) -> int:
        assert given
        calls.append(no_color)
        return 0

    monkeypatch.setattr(demo, "run", started)
    monkeypatch.setattr(local, "run", started)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return calls


@pytest.mark.parametrize("command", [["demo"], ["local", "-f"]])
@pytest.mark.parametrize(
    ("flags", "variable", "plain"),
    [
        pytest.param([], None, False, id="colours"),
        pytest.param(["--no-color"], None, True, id="flag"),
        pytest.param([], "yes, please", True, id="variable"),
        pytest.param([], "", False, id="an empty variable says nothing"),
    ],
)
def test_colours(
    command: list[str],
    flags: list[str],
    variable: str | None,
    plain: bool,
    asked: list[bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable is not None:
        monkeypatch.setenv("NO_COLOR", variable)
    folder = [str(tmp_path)] if command[-1] == "-f" else []

    code = run([*command, *folder, *flags])

    assert (code, asked) == (0, [plain])
