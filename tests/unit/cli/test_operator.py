"""`penstock operator`: where its ports may come from, and what its help tells."""

import pytest

from penstock.cli.app import run
from penstock.wiring import operator as wiring


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[wiring.Command]:
    calls: list[wiring.Command] = []

    def start(given: wiring.Command) -> int:
        calls.append(given)
        return 0

    monkeypatch.setattr(wiring, "run", start)
    return calls


@pytest.mark.parametrize(
    ("line", "environment", "ports"),
    [
        pytest.param([], {}, (8080, 8081), id="defaults"),
        pytest.param([], {"PENSTOCK_METRICS_PORT": "1", "PENSTOCK_HEALTH_PORT": "2"}, (1, 2), id="variables"),
        pytest.param(["--metrics-port=3"], {"PENSTOCK_METRICS_PORT": "1"}, (3, 8081), id="a flag beats its variable"),
    ],
)
def test_ports(
    line: list[str],
    environment: dict[str, str],
    ports: tuple[int, int],
    started: list[wiring.Command],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in environment.items():
        monkeypatch.setenv(name, text)

    assert run(["operator", *line]) == 0
    assert [(given.metrics_port, given.health_port) for given in started] == [ports]


def test_a_wrong_variable_is_blamed_by_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PENSTOCK_HEALTH_PORT", "many")

    assert run(["operator"]) == 2
    assert "PENSTOCK_HEALTH_PORT\n  fix: 'many': write a number from 0 to 65535" in capsys.readouterr().err


def test_help_shows_defaults(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    run(["operator", "--help"])

    text = " ".join(capsys.readouterr().out.split())
    for told in (
        "[default: penstock-system]",
        "Prometheus metrics. [default: 8080]",
        "/healthz and /readyz. [default: 8081]",
        "Folder of decision records: what each pass saw, and what it decided.",
    ):
        assert told in text


@pytest.mark.parametrize("command", ["operator", "router", "local", "demo", "doctor", "crds"])
@pytest.mark.parametrize(("terminal", "most"), [(200, 110), (90, 90)])
def test_help_is_as_wide_as_the_terminal_up_to_110(
    command: str, terminal: int, most: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(terminal))

    run([command, "--help"])

    widest = max(len(text) for text in capsys.readouterr().out.splitlines())
    assert most - 30 < widest <= most
