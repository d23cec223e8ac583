"""`penstock advise`: what it takes, and how it answers where there is no Prometheus."""

from pathlib import Path

import pytest

from penstock.cli.app import run
from penstock.cli.faults import UNREACHABLE, USAGE


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name Prometheus, or say --demo"),
        (["--demo", "--prometheus", "http://127.0.0.1:9"], "name Prometheus, or say --demo"),
        (["--demo", "--price", "H100"], "write NAME=PER_HOUR"),
        (["--demo", "--price", "H100=-1"], "write NAME=PER_HOUR"),
        (["--demo", "--ttft", "0s"], "write more than 0s"),
        (["--demo", "--attainment", "2"], "write a percentage"),
        (["--demo", "--attainment", "100%"], "write 50% to 99.999%"),
        (["--demo", "--startup", "2h"], "at most 1h"),
        (["--prometheus", "prometheus:9090"], "--prometheus = 'prometheus:9090'"),
        (["--prometheus", "http://[::1"], "write an address such as"),
        (["--demo", "--days", "0.1"], "--days"),
    ],
    ids=str,
)
def test_mistakes(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["advise", *arguments]) == USAGE
    assert told in capsys.readouterr().err


def test_nobody_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["advise", "--prometheus", "http://127.0.0.1:9", "--out", str(tmp_path / "out")])

    assert code == UNREACHABLE
    told = capsys.readouterr().err
    assert "at:  http://127.0.0.1:9\n" in told
    assert "fix: check --prometheus, and that it can be reached from here" in told
    assert "prometheusURL" not in told
    assert not (tmp_path / "out").exists()
