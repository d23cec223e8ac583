"""`penstock router`: what its flags become, and whom a mistake is blamed on."""

import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from penstock.cli.app import run
from penstock.cli.router import SECTIONS, command
from penstock.settings.misspelt import misspelt_variables
from penstock.settings.router import FromFile, FromPool, RouterSettings
from penstock.settings.unread import OPERATOR_VARIABLES
from penstock.wiring import router as wiring


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[RouterSettings, dict[str, Any]]]:
    calls: list[tuple[RouterSettings, dict[str, Any]]] = []

    def run(given: RouterSettings, **how: Any) -> int:
        calls.append((given, how))
        return 0

    monkeypatch.setattr(wiring, "run", run)
    monkeypatch.setattr("penstock.logs.setup", lambda *_: None)
    for variable in ("NAMESPACE", "POD_NAME", "POD_UID"):
        monkeypatch.delenv(variable, raising=False)
    return calls


def test_defaults_are_those_of_the_go_pickers(started: list[tuple[RouterSettings, dict[str, Any]]]) -> None:
    result = CliRunner().invoke(command, ["--pool-name", "chat"], env={"NAMESPACE": "llm", "POD_UID": "u-1"})

    ((given, how),) = started
    assert result.exit_code == 0
    assert given.endpoints == FromPool(name="chat", namespace="llm", group="inference.networking.k8s.io")
    assert (given.ports.grpc, given.ports.health, given.ports.metrics, given.ports.admin) == (9002, 9003, 9090, 9004)
    assert (given.secure_serving, given.drain_timeout_s, given.max_workloads) == (True, 30.0, 1000)
    assert (given.max_body_bytes, given.state_dir, given.conformance) == (10 << 20, Path("/var/lib/penstock"), False)
    assert (given.pod_uid, given.operator_namespace, given.listen_address) == ("u-1", "penstock-system", "")
    assert how["log_format"] == "text"


def test_a_flag_beats_its_variable_and_go_flags_are_handed_on(
    started: list[tuple[RouterSettings, dict[str, Any]]],
) -> None:
    line = ["--local", "--endpoints-file=e.yaml", "--grpc-port", "1", "--secure-serving=false", "--tracing", "-v", "4"]
    CliRunner().invoke(command, line, env={"PENSTOCK_GRPC_PORT": "2", "PENSTOCK_METRICS_PORT": "3"})

    ((given, how),) = started
    assert given.endpoints == FromFile(path=Path("e.yaml"))
    assert (given.ports.grpc, given.ports.metrics, given.secure_serving) == (1, 3, False)
    assert (given.listen_address, given.grpc_address) == ("127.0.0.1", "127.0.0.1")
    assert how["ignored_flags"] == ("--tracing", "-v 4")


@pytest.mark.parametrize(
    ("line", "environment", "said"),
    [
        pytest.param(["--nonsense"], {}, "No such option", id="unknown"),
        pytest.param(["--grpc-port", "65536"], {}, "'--grpc-port': '65536': write a number", id="no port"),
        pytest.param([], {"PENSTOCK_ADMIN_PORT": "x"}, "PENSTOCK_ADMIN_PORT: 'x': write a number", id="variable"),
        pytest.param(["--log-format", "xml"], {}, "'--log-format'", id="no choice"),
        pytest.param(["--secure-serving=maybe"], {}, "'--secure-serving'", id="no switch"),
        pytest.param(["--http-port", "x"], {}, "'--http-port': 'x': write a number", id="no port for a front"),
        pytest.param(["stray"], {}, "unexpected extra argument", id="a stray word"),
    ],
)
def test_mistakes_end_with_2_and_name_the_culprit(line: list[str], environment: dict[str, str], said: str) -> None:
    result = CliRunner().invoke(command, ["--endpoints-file=e", *line], env=environment)

    assert (result.exit_code, said in result.output) == (2, True), result.output


@pytest.mark.parametrize(
    ("line", "environment", "said"),
    [
        pytest.param([], {"POOL_NAME": "chat", "ENDPOINT_SELECTOR": "app=vllm"},
                     "endpoints = 'PENSTOCK_POOL_NAME, PENSTOCK_ENDPOINT_SELECTOR'", id="two variables"),
        pytest.param(["--pool-name=chat"], {"ENDPOINTS_FILE": "e"},
                     "endpoints = '--pool-name, PENSTOCK_ENDPOINTS_FILE'", id="a flag and a variable"),
        pytest.param([], {}, "one of --pool-name (PENSTOCK_POOL_NAME), --endpoint-selector", id="neither"),
        pytest.param([], {"ENDPOINT_SELECTOR": "app=vllm"},
                     "--endpoint-target-ports (PENSTOCK_ENDPOINT_TARGET_PORTS) = ''", id="a second one is missing"),
        pytest.param([], {"ENDPOINTS_FILE": "e", "MAX_BODY": "0"}, "at:  PENSTOCK_MAX_BODY = '0'", id="bad variable"),
        pytest.param(["--max-body=0"], {"ENDPOINTS_FILE": "e"}, "at:  --max-body = '0'", id="bad flag"),
    ],
)  # fmt: skip
def test_what_was_written_is_called_as_it_was_written(
    line: list[str],
    environment: dict[str, str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"PENSTOCK_{name}", value)

    assert run(["router", *line]) == 2
    assert said in capsys.readouterr().err


def test_a_variable_that_is_nearly_one_is_told(
    started: list[tuple[RouterSettings, dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PENSTOCK_MAX_BODYS", "1Mi")

    assert run(["router", "--endpoints-file=e"]) == 0
    assert len(started) == 1
    assert [vars(one)["problem"] for one in caplog.records] == [
        "PENSTOCK_MAX_BODYS='1Mi': nobody reads this; write PENSTOCK_MAX_BODY"
    ]


@pytest.mark.parametrize(
    ("name", "written"),
    [("PENSTOCK_GRCP_PORT", "PENSTOCK_GRPC_PORT"), ("PENSTOCK_GRPC_HELTH_PORT", "PENSTOCK_GRPC_HEALTH_PORT")],
)
def test_a_misspelt_port_is_told(
    started: list[tuple[RouterSettings, dict[str, Any]]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    written: str,
) -> None:
    monkeypatch.setenv(name, "9002")

    assert run(["router", "--endpoints-file=e"]) == 0
    assert len(started) == 1
    assert [vars(one)["problem"] for one in caplog.records] == [f"{name}='9002': nobody reads this; write {written}"]


def test_what_operator_or_router_reads_is_no_misspelling_for_the_other() -> None:
    router = [f"PENSTOCK_{flag[2:].replace('-', '_').upper()}" for flags in SECTIONS.values() for flag, _ in flags]

    told = [
        *misspelt_variables(dict.fromkeys(OPERATOR_VARIABLES, "1"), router),
        *misspelt_variables(dict.fromkeys(router, "1"), OPERATOR_VARIABLES),
    ]

    assert told == []


def test_no_front_of_its_own_may_be_asked_for_not_one(
    started: list[tuple[RouterSettings, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    none = run(["router", "--endpoints-file=e", "--http-port", "0"])
    one = run(["router", "--endpoints-file=e", "--http-port", "8080"])

    assert (none, one, len(started)) == (0, 2, 1)
    assert "--http-port = 8080\n  fix: this version has no front of its own; put Envoy" in capsys.readouterr().err


def test_help_shows_every_flag_by_sections() -> None:
    text = CliRunner().invoke(command, ["--help"]).output

    assert all(title in text for title in SECTIONS)
    assert all(flag in text for flags in SECTIONS.values() for flag, _ in flags)


def test_the_help_names_variables_that_are_read() -> None:
    variables = {one.opts[0]: one.envvar for one in command.params if isinstance(one, click.Option)}

    told = re.findall(r"(--[a-z-]+) as ([A-Z_]+)", command.help or "")

    assert told
    assert [(flag, name) for flag, name in told if variables[flag] != name] == []
