"""`penstock router`: the endpoint picker's flags, in the Go pickers' spelling where they have one."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from penstock import logs
from penstock.api.names import POOL_GROUP
from penstock.cli.options import PORT, NamedOption, Number
from penstock.domain.errors import InvalidField
from penstock.settings import router as settings
from penstock.settings.gopicker import without_go_flags
from penstock.settings.misspelt import misspelt_variables

_log: Final = logging.getLogger("penstock.router")
_Flag = tuple[str, dict[str, Any]]


_COUNT: Final = Number(1, 100_000)
_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_FOLDER: Final = click.Path(file_okay=False, path_type=Path)


def _text(flag: str, metavar: str, default: str, told: str, *also: str) -> _Flag:
    """Return a flag with a text; `also` are older variables that it may be set by."""
    return flag, {"metavar": metavar, "default": default, "help": told, "envvar": [_variable(flag), *also]}


def _number(flag: str, kind: Number, default: int, told: str) -> _Flag:
    return flag, {"type": kind, "default": default, "help": told}


def _path(flag: str, kind: click.Path, told: str, default: Path | None = None) -> _Flag:
    return flag, {"type": kind, "default": default, "help": told}


def _switch(flag: str, told: str, *, default: bool) -> _Flag:
    """Return a flag that is true when it stands alone, as in Go: `--flag`, `--flag=false`."""
    kind = {"is_flag": False, "flag_value": "true", "type": bool, "metavar": "true|false"}
    return flag, {**kind, "default": default, "help": told}


def _choice(flag: str, choices: Sequence[str], default: str, told: str) -> _Flag:
    return flag, {"type": click.Choice(choices), "default": default, "help": told}


def _variable(flag: str) -> str:
    return "PENSTOCK_" + flag.lstrip("-").replace("-", "_").upper()


SECTIONS: Final[dict[str, tuple[_Flag, ...]]] = {
    "Endpoints (exactly one origin)": (
        _text("--pool-name", "NAME", "", "Serve the ready pods of this InferencePool."),
        _text("--pool-namespace", "NAME", "", "Namespace of the pool, or of the selected pods.", "NAMESPACE"),
        _text("--pool-group", "GROUP", POOL_GROUP, "API group of the InferencePool."),
        _text("--endpoint-selector", "LABELS", "", "Serve the ready pods with these labels, such as app=vllm."),
        _text("--endpoint-target-ports", "PORTS", "", "Ports of the selected pods, such as 8000,8001."),
        _text("--endpoints-file", "FILE", "", "Serve what a YAML or JSON file lists; it is watched."),
        _path("--eds-file", _FILE, "Write the endpoints for Envoy (EDS) to this file."),
    ),
    "Policy (pushed > last good on disk > policy file > plug-in parameters > built in)": (
        _path("--policy-file", _FILE, "A WorkloadPolicy, or a document as PUT to /v1/policy."),
        _path("--config-file", _FILE, "An EndpointPickerConfig; its ordering and limits are used."),
        _path("--state-dir", _FOLDER, "Where the last good policy is kept.", Path("/var/lib/penstock")),
        _number("--max-workloads", _COUNT, 1000, "Workload ids told apart; the rest is `other`."),
        _text("--max-body", "SIZE", "10Mi", "Largest request body taken in."),
    ),
    "Serving": (
        _number("--grpc-port", PORT, 9002, "ext_proc, for Envoy."),
        _text("--grpc-address", "IP", "", "Address of ext_proc; 127.0.0.1 for an Envoy in the same pod."),
        _number("--grpc-health-port", PORT, 9003, "gRPC health."),
        _number("--metrics-port", PORT, 9090, "Prometheus metrics, plain HTTP."),
        _number("--admin-port", PORT, 9004, "Admin API, TLS and token."),
        _number("--http-port", PORT, 0, "A front of its own; this version has none, so only 0 is taken."),
        _switch("--secure-serving", "TLS for ext_proc; false behind loopback only.", default=True),
        _path("--cert-path", _FOLDER, "Has tls.crt and tls.key, read again when they change; else self-signed."),
        _number("--envoy-admin-port", PORT, 0, "Admin port of the pod's Envoy: asked whom it knows, drained first."),
        _text("--drain-timeout", "DURATION", "30s", "How long a stopping router waits for running requests."),
        _switch("--conformance", "Honour the two headers of the conformance suite.", default=False),
    ),
    "Who and where": (
        ("--local", {"is_flag": True, "help": "No cluster: loopback only, admin API in plain HTTP without token."}),
        _text("--operator-namespace", "NAME", "penstock-system", "Home of penstock-operator and penstock-viewer."),
        _text("--pod-name", "NAME", "", "This pod.", "POD_NAME"),
        _text("--pod-uid", "UID", "", "Its uid: the audience of admin tokens.", "POD_UID"),
        _choice("--log-format", ["text", "json"], "text", "Shape of log lines."),
        _choice("--log-level", ["debug", "info", "warning", "error"], "info",
                "debug adds a line per score at admission and per change of a workload."),
    ),
}  # fmt: skip


class _Command(click.Command):
    """Sets the Go pickers' flags aside before reading, and shows the help by sections."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; flags that only the Go pickers have are kept for a warning."""
        ours, ctx.obj = without_go_flags(args)
        return super().parse_args(ctx, ours)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print one table for each section."""
        records = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        for title, options in SECTIONS.items():
            with formatter.section(title):
                names = [flag.lstrip("-").replace("-", "_") for flag, _ in options]
                formatter.write_dl([record for name in names if (record := records[name])], col_max=34)


def _options() -> Sequence[click.Option]:
    made = []
    for flag, given in (option for section in SECTIONS.values() for option in section):
        shown = given.get("default") not in {None, "", True, False}
        named: dict[str, Any] = {"envvar": _variable(flag), "show_default": shown} | given
        made.append(NamedOption([flag], **named))
    return made


def _read(given: dict[str, Any]) -> settings.RouterSettings:
    """Turn flags into settings.

    Raises:
        InvalidField: a combination or a value that cannot be.
    """
    pool = (given.pop("pool_name"), given.pop("pool_namespace"), given.pop("pool_group"))
    origin = settings.endpoint_origin(
        pool=pool,
        selector=given.pop("endpoint_selector"),
        ports=given.pop("endpoint_target_ports"),
        file=given.pop("endpoints_file"),
    )
    ports = settings.Ports(
        grpc=given.pop("grpc_port"),
        health=given.pop("grpc_health_port"),
        metrics=given.pop("metrics_port"),
        admin=given.pop("admin_port"),
    )
    settings.no_front(given.pop("http_port"))
    local = given["local"]
    return settings.RouterSettings(
        endpoints=origin,
        ports=ports,
        grpc_address=given.pop("grpc_address") or (settings.LOOPBACK if local else ""),
        drain_timeout_s=settings.drain_timeout_s(given.pop("drain_timeout")),
        max_body_bytes=settings.max_body_bytes(given.pop("max_body")),
        **given,
    )


def _by_source(error: InvalidField) -> InvalidField:
    """Return the error with its flags called as they were written; who writes variables may know no flag."""
    if error.field.startswith("--"):
        return InvalidField(_written_as(error.field), error.value, error.remedy)
    flags = [_written_as(flag) if flag.startswith("--") else flag for flag in str(error.value).split(", ")]
    return InvalidField(error.field, ", ".join(flags), error.remedy)


def _written_as(flag: str) -> str:
    source = click.get_current_context().get_parameter_source(flag.lstrip("-").replace("-", "_"))
    if source is ParameterSource.ENVIRONMENT:
        return _variable(flag)
    return flag if source is ParameterSource.COMMANDLINE else f"{flag} ({_variable(flag)})"


def _run(log_format: str, log_level: str, **given: Any) -> int:  # noqa: ANN401 - click hands over what the flags hold
    ignored = click.get_current_context().obj
    try:
        read = _read(given)
    except InvalidField as error:
        raise _by_source(error) from None
    logs.setup(log_level, log_format)
    for odd in misspelt_variables(os.environ, [_variable(flag) for flags in SECTIONS.values() for flag, _ in flags]):
        _log.warning("variable has no effect", extra={"problem": str(odd)})
    from penstock.wiring import router  # noqa: PLC0415 - after the flags, so that --help and mistakes answer at once

    return router.run(read, log_format=log_format, ignored_flags=tuple(ignored), sink=sys.stderr)


command: Final = _Command(
    "router",
    params=[*_options()],
    callback=_run,
    help="Run the endpoint picker: it orders requests by policy and chooses the endpoint of each.\n\n"
    "Every flag may also be set in the environment: --grpc-port as PENSTOCK_GRPC_PORT. Flags that only the Go "
    "endpoint pickers have are taken with a warning; others stop the start with exit code 2.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
