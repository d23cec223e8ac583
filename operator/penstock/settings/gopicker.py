"""Flags of the Go endpoint pickers (llm-d-router, gateway-api-inference-extension) that have no meaning here.

A Deployment written for one of them must start with our image: its flags are taken with a warning, all others that
we do not know are refused.
"""

from collections.abc import Iterator, Sequence
from typing import Final

_SWITCHES: Final = frozenset({
    "allow-experimental-plugins", "disable-endpoint-subset-filter", "enable-cert-reload", "enable-flow-control",
    "enable-grpc-stream-metrics", "enable-pprof", "ha-enable-leader-election", "health-checking",
    "leader-elect", "metrics-endpoint-auth", "model-server-metrics-https-insecure-skip-verify", "tracing",
    "zap-devel", "emit-endpoint-scores",
})  # fmt: skip
_WITH_VALUE: Final = frozenset({
    "cache-info-metric", "config-text", "fairness-id-metric-label-limit", "grpc-max-recv-msg-size",
    "grpc-max-send-msg-size", "kubeconfig", "kv-cache-usage-percentage-metric", "lora-info-metric",
    "metrics-cert-dir", "metrics-client-ca-file", "metrics-staleness-threshold", "model-server-metrics-path",
    "model-server-metrics-port", "model-server-metrics-scheme", "refresh-metrics-interval",
    "refresh-prometheus-metrics-interval", "tls-cipher-suites", "tls-min-version", "total-queued-requests-metric",
    "total-running-requests-metric", "v", "zap-encoder", "zap-log-level", "zap-stacktrace-level", "zap-time-encoding",
})  # fmt: skip


def without_go_flags(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split a command line into what is ours to read and the Go pickers' flags found in it, as they were written."""
    ours, theirs = [], []
    rest = iter(arguments)
    for argument in rest:
        name, has_value = _flag(argument)
        if name in _SWITCHES or (name in _WITH_VALUE and has_value):
            theirs.append(argument)
        elif name in _WITH_VALUE:
            theirs.append(" ".join([argument, *_one(rest)]))
        else:
            ours.append(argument)
    return ours, theirs


def _flag(argument: str) -> tuple[str, bool]:
    """Return a flag's bare name and whether its value is glued to it; Go takes `-x` for `--x`, and `-v4`."""
    if argument[:2] == "-v" and argument[2:].isdecimal():
        return "v", True
    if not argument.startswith("-"):
        return "", False
    name, glue, _ = argument.lstrip("-").partition("=")
    return name, bool(glue)


def _one(rest: Iterator[str]) -> list[str]:
    value = next(rest, None)
    return [] if value is None else [value]
