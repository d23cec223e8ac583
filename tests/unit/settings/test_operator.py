"""Operator settings: who wins, what is refused and by which name, and Prometheus as one block."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from penstock.domain.errors import InvalidField
from penstock.domain.variants import Actuation, Slo, SloSource
from penstock.scaling.config import Analyzer, Config, Quota
from penstock.settings.operator import SETTINGS, OperatorOptions, OperatorSettings
from penstock.settings.prometheus import PrometheusSettings

PROMETHEUS = "https://prom:9090"


def made(
    texts: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
) -> OperatorSettings:
    return OperatorOptions(flags=flags or {}, environ=environ or {}, operator_namespace="ours")(texts or {})


def test_the_defaults() -> None:
    assert made() == OperatorSettings(
        interval_s=15.0,
        prometheus=PrometheusSettings(),
        scaling=Config(shared_namespaces=frozenset({"ours", "workload-variant-autoscaler-system"})),
        limit_to_nodes=False,
        watch_namespaces=frozenset(),
        leader_elect=True,
        log_level="info",
        log_format="json",
        record_dir=Path("/var/lib/penstock/records"),
        record_limit_bytes=256 * 2**20,
        operator_namespace="ours",
        wva_namespace="workload-variant-autoscaler-system",
    )


LAYERS: list[tuple[str, dict[str, str]]] = [
    ("flags", {"interval": "1s"}),
    ("environ", {"PENSTOCK_INTERVAL": "2s"}),
    ("texts", {"interval": "3s"}),
    ("environ", {"GLOBAL_OPT_INTERVAL": "4s"}),
    ("texts", {"GLOBAL_OPT_INTERVAL": "5s"}),
]


@pytest.mark.parametrize("first", range(len(LAYERS) + 1))
def test_who_wins(first: int) -> None:
    said: dict[str, dict[str, str]] = {"flags": {}, "environ": {}, "texts": {}}
    for where, texts in LAYERS[first:]:
        said[where] |= texts

    assert made(**said).interval_s == (first + 1 if first < len(LAYERS) else 15)


@pytest.mark.parametrize(
    ("texts", "attribute", "expected"),
    [
        pytest.param({"defaultActuation": "metrics"}, "default_actuation", Actuation.METRICS, id="any case"),
        pytest.param({"analyzer": "saturation-v1"}, "analyzer", Analyzer.SATURATION_V1, id="analyzer"),
        pytest.param({"analyzer": "saturation-v2"}, "analyzer", Analyzer.SATURATION_V2, id="another analyzer"),
        pytest.param({"scaleToZero": "True"}, "scale_to_zero", True, id="switch"),
        pytest.param({"WVA_SCALE_TO_ZERO": "TRUE"}, "scale_to_zero", True, id="WVA's switch, any case"),
        pytest.param({"idleBeforeZero": "1h30m"}, "idle_before_zero_s", 5400.0, id="idle"),
        pytest.param({"staleAfter": "30s"}, "stale_after_s", 30.0, id="stale"),
        pytest.param({"scaleDownWindow": "90s"}, "scale_down_window_s", 90.0, id="window"),
        pytest.param({"startupPrior": "500ms"}, "startup_prior_s", 0.5, id="prior"),
        pytest.param({"retryAfter": "90s"}, "retry_after_s", 90.0, id="retry"),
        pytest.param({"controllerInstance": " blue "}, "controller_instance", "blue", id="instance"),
        pytest.param(
            {"defaultSLO": "{ttft: 500ms, attainment: 99%}"},
            "default_slo",
            Slo(ttft_s=0.5, tpot_s=0.1, attainment_ratio=0.99, source=SloSource.DEFAULT),
            id="part of the targets",
        ),
        pytest.param(
            {"quotas": "[{accelerator: H100, max: 8}, {accelerator: A100, max: 0, namespace: llm}]"},
            "quotas",
            (
                Quota(accelerator="H100", max_accelerators=8),
                Quota(accelerator="A100", max_accelerators=0, namespace="llm"),
            ),
            id="quotas",
        ),
    ],
)
def test_what_decides(texts: dict[str, str], attribute: str, expected: object) -> None:
    assert getattr(made(texts).scaling, attribute) == expected


@pytest.mark.parametrize(
    ("environ", "attribute", "expected"),
    [
        pytest.param({"GLOBAL_OPT_INTERVAL": "1m0s"}, "interval_s", 60.0, id="Go's spelling"),
        pytest.param({"WATCH_NAMESPACE": "a, b,"}, "watch_namespaces", frozenset({"a", "b"}), id="namespaces"),
        pytest.param({"LEADER_ELECT": "false"}, "leader_elect", False, id="leader"),
        pytest.param({"WVA_LIMITED_MODE": "True"}, "limit_to_nodes", True, id="WVA's limited mode"),
        pytest.param({"PENSTOCK_LIMIT_TO_NODES": "true"}, "limit_to_nodes", True, id="within the nodes"),
        pytest.param({"LOG_LEVEL": "WARN"}, "log_level", "warning", id="level"),
        pytest.param({"PENSTOCK_LOG_FORMAT": "text"}, "log_format", "text", id="format"),
        pytest.param({"PENSTOCK_RECORD_DIR": "/tmp/r"}, "record_dir", Path("/tmp/r"), id="folder"),  # noqa: S108 - a text
        pytest.param({"PENSTOCK_RECORD_LIMIT": "1Gi"}, "record_limit_bytes", 2**30, id="room"),
        pytest.param({"PENSTOCK_WVA_NAMESPACE": "wva"}, "wva_namespace", "wva", id="WVA's namespace"),
        pytest.param({"PENSTOCK_INTERVAL": "  "}, "interval_s", 15.0, id="blank says nothing"),
    ],
)
def test_what_the_process_does(environ: dict[str, str], attribute: str, expected: object) -> None:
    assert getattr(made(environ=environ), attribute) == expected


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"interval": "15"}, "duration"),
        ({"interval": "0s"}, "above zero"),
        ({"GLOBAL_OPT_INTERVAL": "0"}, "above zero"),
        ({"defaultActuation": "Auto"}, "Scale, Metrics, Recommend"),
        ({"analyzer": "saturation-v3"}, "slo, saturation-v1, saturation-v2"),
        ({"scaleToZero": "maybe"}, "true or false"),
        ({"defaultSLO": "{ttft: 2}"}, "ttft: write a duration"),
        ({"defaultSLO": "{attainment: 100%}"}, "write 50% to 99.999%"),
        ({"defaultSLO": "{attainment: 0%}"}, "write 50% to 99.999%"),
        ({"defaultSLO": "{itl: 2s}"}, "itl is unknown"),
        ({"defaultSLO": "[2s]"}, "mapping"),
        ({"defaultSLO": "{"}, "correct the YAML; it looks like {ttft: 2s, tpot: 100ms, attainment: 99.5%}"),
        ({"defaultSLO": "2s"}, "write a YAML mapping such as {ttft: 2s, tpot: 100ms, attainment: 99.5%}"),
        ({"quotas": "{}"}, "write a YAML list such as [{accelerator: H100, max: 8}]"),
        ({"quotas": "[{accelerator: H100}]"}, "accelerator, max"),
        ({"quotas": "[H100]"}, "accelerator, max"),
        ({"quotas": "[{accelerator: H100, max: -1}]"}, "whole number"),
        ({"quotas": "[{accelerator: H100, max: true}]"}, "whole number"),
        ({"quotas": "[{accelerator: '', max: 1}]"}, "names"),
        ({"watchNamespaces": "a,B"}, "namespaces"),
        ({"wvaNamespace": "a,b"}, "one namespace"),
        ({"wvaNamespace": "-a"}, "one namespace"),
        ({"logLevel": "loud"}, "debug, info"),
        ({"recordLimit": "much"}, "quantity"),
        ({"recordDir": "a\0b"}, "path"),
        ({"prometheusURL": "prom:9090"}, "address"),
        ({"prometheusURL": "ftp://prom"}, "address"),
        ({"prometheusURL": "http://prom:99999"}, "address"),
        ({"prometheusURL": PROMETHEUS, "prometheusInsecureSkipVerify": "?"}, "true or false"),
    ],
)
def test_what_is_refused_names_the_key(texts: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidField) as caught:
        made(texts)

    assert caught.value.field == list(texts)[-1]
    assert words in caught.value.remedy


@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param({"flags": {"staleAfter": "x"}}, "--stale-after", id="flag"),
        pytest.param({"environ": {"PENSTOCK_STALE_AFTER": "x"}}, "PENSTOCK_STALE_AFTER", id="variable"),
        pytest.param({"environ": {"LOG_LEVEL": "x"}}, "LOG_LEVEL", id="WVA's variable"),
    ],
)
def test_what_is_refused_has_the_name_that_its_writer_used(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        made(**said)

    assert caught.value.field == field


def test_a_password_in_a_refused_url_is_not_shown() -> None:
    with pytest.raises(InvalidField) as caught:
        made({"prometheusURL": "ftp://me:hush@prom"})

    assert "hush" not in str(caught.value)


def test_all_of_wvas_prometheus_is_read() -> None:
    environ = {
        "PROMETHEUS_BASE_URL": PROMETHEUS,
        "PROMETHEUS_CA_CERT_PATH": "/ca",
        "PROMETHEUS_CLIENT_CERT_PATH": "/crt",
        "PROMETHEUS_CLIENT_KEY_PATH": "/key",
        "PROMETHEUS_SERVER_NAME": "prom.svc",
        "PROMETHEUS_TLS_INSECURE_SKIP_VERIFY": "true",
        "PROMETHEUS_TOKEN_PATH": "/token",
        "PROMETHEUS_BEARER_TOKEN": "s3cret",
    }

    block = made(environ=environ).prometheus

    assert block == PrometheusSettings(
        url=PROMETHEUS,
        ca_file=Path("/ca"),
        client_cert_file=Path("/crt"),
        client_key_file=Path("/key"),
        server_name="prom.svc",
        insecure_skip_verify=True,
        token_file=Path("/token"),
        token="s3cret",
        source="WVA's environment",
    )
    assert made(environ).prometheus.source == "WVA's ConfigMap"


def test_no_credential_travels_to_anothers_url() -> None:
    theirs = {
        "PROMETHEUS_BASE_URL": "https://theirs",
        "PROMETHEUS_BEARER_TOKEN": "s3cret",
        "PROMETHEUS_CA_CERT_PATH": "/ca",
    }

    block = made({"prometheusURL": PROMETHEUS}, environ=theirs).prometheus

    assert block == PrometheusSettings(url=PROMETHEUS, source="penstock-config")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param({"flags": {"prometheusCA": "/ca"}}, "--prometheus-ca", id="flag"),
        pytest.param({"environ": {"PENSTOCK_PROMETHEUS_TOKEN_FILE": "/t"}}, "PENSTOCK_PROMETHEUS_TOKEN_FILE", id="env"),
    ],
)
def test_a_part_of_prometheus_needs_its_url_beside_it(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        made({"prometheusURL": PROMETHEUS}, **said)

    assert caught.value.field == field


def test_wvas_token_file_without_a_url_is_no_error() -> None:
    environ = {"PROMETHEUS_TOKEN_PATH": "/t"}

    assert made({"PROMETHEUS_BASE_URL": PROMETHEUS}, environ=environ).prometheus.url == PROMETHEUS


@pytest.mark.parametrize(
    ("name", "flag", "env"),
    [
        ("staleAfter", "--stale-after", "PENSTOCK_STALE_AFTER"),
        ("prometheusURL", "--prometheus-url", "PENSTOCK_PROMETHEUS_URL"),
        ("prometheusCA", "--prometheus-ca", "PENSTOCK_PROMETHEUS_CA"),
        ("defaultSLO", "--default-slo", "PENSTOCK_DEFAULT_SLO"),
        (
            "prometheusInsecureSkipVerify",
            "--prometheus-insecure-skip-verify",
            "PENSTOCK_PROMETHEUS_INSECURE_SKIP_VERIFY",
        ),
    ],
)
def test_names(name: str, flag: str, env: str) -> None:
    (setting,) = (one for one in SETTINGS if one.name == name)

    assert (setting.flag, setting.env) == (flag, env)
    assert setting.help.endswith((".", ")"))
