"""What is told of keys and variables that nobody reads, and of which of them nothing is."""

import pytest

from penstock.settings.misspelt import misspelt_variables
from penstock.settings.unread import OPERATOR_VARIABLES, unknown, unread


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("staleafter", ["staleafter='1': there is no such setting; write staleAfter"], id="misspelt"),
        pytest.param("zzz", ["zzz='1': there is no such setting; remove this key"], id="unlike any"),
        pytest.param("staleAfter", [], id="ours"),
        pytest.param("PENSTOCK_STALE_AFTER", ["PENSTOCK_STALE_AFTER='1': there is no such setting; write staleAfter"],
                     id="our variable"),
        pytest.param("PENSTOCK_STALE_AFTR", ["PENSTOCK_STALE_AFTR='1': nobody reads this; write staleAfter"],
                     id="our variable, misspelt"),
        pytest.param("GLOBAL_OPT_INTERVAL", [], id="WVA's"),
        pytest.param("GLOBAL_OPT_TRIGGER", [], id="WVA's without effect"),
        pytest.param("GLOBAL_OPT_INTERVALL", ["GLOBAL_OPT_INTERVALL='1': nobody reads this; write GLOBAL_OPT_INTERVAL"],
                     id="WVA's, misspelt"),
        pytest.param("WVA_NAMESPACE", ["WVA_NAMESPACE='1': nobody reads this; write wvaNamespace"],
                     id="ours, called as WVA's are"),
        pytest.param("LEADER_ELECT_LEASE", [], id="WVA's, which goes on where another ends"),
        pytest.param("PROMETHEUS_METRICS_CACHE_TTL", [], id="WVA's without effect, like others"),
        pytest.param("WVA_WEATHER", [], id="perhaps WVA's"),
    ],
)  # fmt: skip
def test_a_key_that_nobody_reads(name: str, told: list[str]) -> None:
    assert [str(one) for one in unknown({name: "1"})] == told


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("PROMETHEUS_BEARER_TOKENS", "write PROMETHEUS_BEARER_TOKEN", id="with the word"),
        pytest.param("PROMETHEUS_BEARER_TOKN", "write PROMETHEUS_BEARER_TOKEN", id="with the word misspelt"),
        pytest.param("PROMETHEUS_BEARER", "write PROMETHEUS_BEARER_TOKEN", id="without the word"),
        pytest.param("prometheusToken", "write prometheusTokenFile", id="a setting"),
        pytest.param("prometheusTokn", "write prometheusTokenFile", id="a setting, misspelt"),
        pytest.param("prometheus_password", "", id="no such setting, with a word"),
        pytest.param("xySecret", "remove this key", id="unlike any, with a word"),
    ],
)
def test_no_secret_under_a_wrong_name_is_shown(name: str, meant: str) -> None:
    (told,) = map(str, unknown({name: "s3cr3t"}))

    assert told.startswith(f"{name}='(hidden)': ")
    assert meant in told


def test_wvas_own_configmaps_tell_of_misspelt_names_alone() -> None:
    name = "wva-variantautoscaling-config"
    text = "WVA_SCALE_TO_ZEROS: true\nSCALE_FROM_ZERO_ENGINE_MAX_CONCURRENCY: 10\nWVA_NAMESPACE: a\nweather: fine\n"
    far = {"metadata": {"namespace": "wva", "name": name}, "data": {"WATCH_NAMESPACES": "other copies count"}}
    near = {"metadata": {"namespace": "home", "name": name}, "data": {"config.yaml": text}}

    (told,) = unread([far, near], operator_namespace="home", wva_namespace="wva")

    assert (told.configmap, told.field, told.remedy) == (
        f"home/{name}", "WVA_SCALE_TO_ZEROS", "nobody reads this; write WVA_SCALE_TO_ZERO",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "written"),
    [
        pytest.param("PENSTOCK_STALE_AFTR", "1", "PENSTOCK_STALE_AFTER", id="ours"),
        pytest.param("WVA_LIMIT_MODE", "1", "WVA_LIMITED_MODE", id="WVA's"),
        pytest.param("WVA_NAMESPACE", "1", "PENSTOCK_WVA_NAMESPACE", id="ours, called as WVA's are"),
        pytest.param("PENSTOCK_METRIC_PORT", "9090", "PENSTOCK_METRICS_PORT", id="a port"),
        pytest.param("PENSTOCK_METRIC_PORT", "tcp://10.0.0.1:9090", "", id="of a Service"),
        pytest.param("PENSTOCK_METRIC_PORT", "udp://10.0.0.1:9090", "", id="of a Service that knows no connections"),
        pytest.param("PENSTOCK_STALE_AFTER", "1", "", id="read"),
        pytest.param("PENSTOCK_NAMESPACE", "1", "", id="read, and no setting"),
        pytest.param("PENSTOCK_METRIC_SERVICE_PORT_METRICS", "1", "", id="of a Service's named port"),
        pytest.param("PENSTOCK_INTERVAL_PORT_80_TCP_ADDR", "1", "", id="of a Service's port"),
        pytest.param("PENSTOCK_POOL_NAME", "1", "", id="the router's"),
        pytest.param("PATCH_NAMESPACE", "1", "", id="somebody else's"),
    ],
)
def test_a_variable_that_is_nearly_read(name: str, text: str, written: str) -> None:
    told = [str(one) for one in misspelt_variables({name: text}, OPERATOR_VARIABLES)]

    assert told == ([f"{name}='{text}': nobody reads this; write {written}"] if written else [])
