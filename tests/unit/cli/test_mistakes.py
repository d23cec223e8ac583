"""What a mistake on the command line is answered with: three lines that say what, where and what to do, and a code."""

import errno
from pathlib import Path

import pytest

from penstock.cli.app import run
from penstock.cli.faults import PROBLEM, REFUSED, UNREACHABLE, USAGE, explain
from penstock.domain.errors import NoSuchObject, NotEnoughData, PenstockError, Refused, Unreachable


@pytest.mark.parametrize(
    ("line", "what", "where", "remedy"),
    [
        pytest.param(["rooter"], "No such command 'rooter'.", "penstock", "did you mean router?", id="command"),
        pytest.param(["zzz"], "No such command 'zzz'.", "penstock", "see penstock --help", id="unlike any command"),
        pytest.param(["demo", "--dration"], "No such option '--dration'.", "penstock demo", "did you mean --duration?",
                     id="option"),
        pytest.param(["crds", "--zzz"], "No such option '--zzz'.", "penstock crds", "see penstock crds --help",
                     id="unlike any option"),
        pytest.param(["local"], "Missing option '-f' / '--files'.", "penstock local", "give it; see", id="missing"),
        pytest.param(["router", "--pool-name"], "Option '--pool-name' requires an argument.", "penstock router",
                     "see penstock router --help", id="option without its value"),
        pytest.param(["operator", "--metrics-port", "70000"], "a value cannot be used",
                     "penstock operator: '--metrics-port'", "'70000': write a number from 0", id="value"),
        pytest.param(["crds", "stray"], "Got unexpected extra argument (stray)", "penstock crds", "see penstock crds",
                     id="stray word"),
        pytest.param(["demo", "--duration", "2999ms"], "a value cannot be used", "--duration = '2999ms'",
                     "write at least 3s", id="demo too short to be edited half-way"),
        pytest.param(["crds", "--out", "/dev/null/x"], "not a directory", "/dev/null/x", "name a path", id="path"),
    ],
)  # fmt: skip
def test_three_lines_and_code_2(
    line: list[str], what: str, where: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(line)

    first, second, third = capsys.readouterr().err.splitlines()
    assert (code, first) == (USAGE, f"error: {what}")
    assert second.startswith(f"  at:  {where}")
    assert third.startswith(f"  fix: {remedy}")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Unreachable("prom", "timeout", "wait"), UNREACHABLE, id="no answer"),
        pytest.param(Refused("api", 403, "no", "grant it"), UNREACHABLE, id="answered no"),
        pytest.param(NotEnoughData("an hour of samples"), REFUSED, id="too little"),
        pytest.param(PenstockError("odd"), PROBLEM, id="a defect"),
    ],
)
def test_exit_code_of_what_goes_wrong_later(error: PenstockError, code: int) -> None:
    told = explain(error)

    assert told.status == code
    assert len(str(told).splitlines()) == 3


@pytest.mark.parametrize(
    ("error", "what", "remedy"),
    [
        pytest.param(NoSuchObject("VariantAutoscaling", "default/chat-a100", "va"),
                     "there is no VariantAutoscaling default/chat-a100",
                     "give its namespace by -n; `kubectl get va -A` lists them", id="variant"),
        pytest.param(NoSuchObject("WorkloadPolicy", "default/chta", "wp", "chat"),
                     "there is no WorkloadPolicy default/chta",
                     "did you mean chat? Else give its namespace by -n; `kubectl get wp -A` lists them",
                     id="policy, one is called alike"),
    ],
)  # fmt: skip
def test_an_object_that_is_not_there_is_named(error: NoSuchObject, what: str, remedy: str) -> None:
    assert explain(error) == (what, "namespace default", remedy, USAGE)


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == USAGE
    assert "Commands:" in capsys.readouterr().err


def test_an_error_of_the_system_without_a_path_keeps_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, text: str) -> int:
        raise OSError(errno.ENOSPC, f"no room for {len(text)} bytes beside {self.name}")

    monkeypatch.setattr(Path, "write_text", full)

    with pytest.raises(OSError, match="no room"):
        run(["crds", "--out", str(tmp_path)])
