"""`penstock router`: the endpoint picker's flags, in the Go pickers' spelling where they have one."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from penstock import logs
from penstock.settings import router as settings
from penstock.settings.gopicker import without_go_flags

_Option = tuple[str, dict[str, Any]]


class _Number(click.ParamType[int]):
    """A whole number between two others."""

    name = "number"

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's
        """Return the number, or fail with what would be one."""
        text = str(value)
        if not text.isascii() or not text.isdecimal() or not self._low <= int(text) <= self._high:
            self.fail(f"{text!r}: write a number from {self._low} to {self._high}", param, ctx)
        return int(text)


class _NamedOption(click.Option):
    """An option that, when its variable is wrong, blames the variable."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return what to blame."""
        if ctx is None or ctx.get_parameter_source(self.name or "") is not ParameterSource.ENVIRONMENT:
            return super().get_error_hint(ctx)
        return self.envvar if isinstance(self.envvar, str) else " or ".join(self.envvar or ())


_PORT: Final = _Number(0, 65535)
_SWITCH: Final = {"metavar": "true|false", "is_flag": False, "flag_value": "true", "type": bool}


def _file() -> click.Path:
    return click.Path(dir_okay=False, path_type=Path)


SECTIONS: Final[dict[str, tuple[_Option, ...]]] = {
    "Endpoints (exactly one origin)": (
        ("--pool-name", {"default": "", "metavar": "NAME", "help": "Serve the ready pods of this InferencePool."}),
        ("--pool-namespace", {"default": "", "metavar": "NAME", "envvar": ["PENSTOCK_POOL_NAMESPACE", "NAMESPACE"],
                              "help": "Namespace of the pool or of the selected pods."}),
        ("--pool-group", {"default": "inference.networking.k8s.io", "metavar": "GROUP", "help": "API group of the InferencePool."}),
        ("--endpoint-selector", {"default": "", "metavar": "LABELS", "help": "Serve the ready pods with these labels, such as app=vllm."}),
        ("--endpoint-target-ports", {"default": "", "metavar": "PORTS", "help": "Ports of the selected pods, such as 8000,8001."}),
        ("--endpoints-file", {"default": "", "metavar": "FILE", "help": "Serve what a YAML or JSON file lists; it is watched."}),
        ("--eds-file", {"type": _file(), "help": "Write the endpoints for Envoy (EDS) to this file."}),
    ),
    "Policy (pushed > last good on disk > policy file > plug-in parameters > built in)": (
        ("--policy-file", {"type": _file(), "help": "A WorkloadPolicy, or a document as PUT to /v1/policy."}),
        ("--config-file", {"type": _file(), "help": "An EndpointPickerConfig; its ordering and limits are used."}),
        ("--state-dir", {"type": click.Path(path_type=Path), "default": Path("/var/lib/penstock"),
                         "help": "Where the last good policy is kept."}),
        ("--max-workloads", {"type": _Number(1, 100_000), "default": 1000,
                             "help": "Workload ids told apart; the rest is `other`."}),
        ("--max-body", {"default": "10Mi", "metavar": "SIZE", "help": "Largest request body taken in."}),
    ),
    "Serving": (
        ("--grpc-port", {"type": _PORT, "default": 9002, "help": "ext_proc, for Envoy."}),
        ("--grpc-address", {"default": "", "metavar": "IP", "help": "Address of ext_proc; 127.0.0.1 for an Envoy in the same pod."}),
        ("--grpc-health-port", {"type": _PORT, "default": 9003, "help": "gRPC health."}),
        ("--metrics-port", {"type": _PORT, "default": 9090, "help": "Prometheus metrics, plain HTTP."}),
        ("--admin-port", {"type": _PORT, "default": 9004, "help": "Admin API, TLS and token."}),
        ("--secure-serving", {**_SWITCH, "default": True, "help": "TLS for ext_proc; false behind loopback only."}),
        ("--cert-path", {"type": click.Path(file_okay=False, path_type=Path),
                         "help": "Folder with tls.crt and tls.key, re-read when they change; else self-signed."}),
        ("--drain-timeout", {"default": "30s", "metavar": "DURATION", "help": "How long a stopping router waits for running requests."}),
        ("--conformance", {**_SWITCH, "default": False, "help": "Honour the two headers of the conformance suite."}),
    ),
    "Who and where": (
        ("--local", {"is_flag": True, "help": "No cluster: loopback only, admin API in plain HTTP without token."}),
        ("--operator-namespace", {"default": "penstock-system", "metavar": "NAME",
                                  "help": "Home of penstock-operator and penstock-viewer."}),
        ("--pod-name", {"default": "", "metavar": "NAME", "envvar": ["PENSTOCK_POD_NAME", "POD_NAME"], "help": "This pod."}),
        ("--pod-uid", {"default": "", "metavar": "UID", "envvar": ["PENSTOCK_POD_UID", "POD_UID"],
                       "help": "Its uid: the audience of admin tokens."}),
        ("--log-format", {"type": click.Choice(["text", "json"]), "default": "text", "help": "Shape of log lines."}),
        ("--log-level", {"type": click.Choice(["debug", "info", "warning", "error"]), "default": "info",
                         "help": "debug adds a line per score at admission and per change of a workload."}),
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
        named: dict[str, Any] = {"envvar": "PENSTOCK_" + flag.lstrip("-").replace("-", "_").upper()}
        shown = given.get("default") not in {None, "", True, False}
        made.append(_NamedOption([flag], **(named | {"show_default": shown} | given)))
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
    local = given["local"]
    return settings.RouterSettings(
        endpoints=origin,
        ports=ports,
        grpc_address=given.pop("grpc_address") or (settings.LOOPBACK if local else ""),
        drain_timeout_s=settings.drain_timeout_s(given.pop("drain_timeout")),
        max_body_bytes=settings.max_body_bytes(given.pop("max_body")),
        **given,
    )


def _run(log_format: str, log_level: str, **given: Any) -> int:  # noqa: ANN401 - click hands over what the flags hold
    ignored = click.get_current_context().obj
    read = _read(given)
    logs.setup(log_level, log_format)
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
