"""ConfigMaps of both WVA generations: what they say, which copy counts, and how far a bad entry reaches."""

from typing import Any

import pytest

from penstock.api.configmaps import read_catalogue, read_settings
from penstock.domain.catalogue import Catalogue, SaturationThresholds, ZeroRule

OURS, WVA = "penstock-system", "workload-variant-autoscaler-system"
COSTS = {
    "A100": '{"device": "NVIDIA-A100-PCIE-80GB", "cost": "40.00"}',
    "H100": '{"device": "NVIDIA-H100-80GB-HBM3", "cost": "100.00"}',
    "L40S": "cost: 32",
}
PREMIUM = """\
name: Premium
priority: 1
data:
  - model: default/default
    slo-tpot: 24
    slo-ttft: 500
  - model: meta/llama0-70b
    slo-tpot: 80
    slo-ttft: 500
"""
FREEMIUM = """\
name: Freemium
priority: 10
data:
  - {model: ibm/granite-13b, slo-tpot: 200, slo-ttft: 2000}
  - {model: default/default, slo-tpot: 150, slo-ttft: 1500}
"""
SATURATION_DEFAULT = "kvCacheThreshold: 0.80\nqueueLengthThreshold: 5\nkvSpareTrigger: 0.1\nqueueSpareTrigger: 3\n"


def configmap(name: str, namespace: str = WVA, **data: str) -> dict[str, Any]:
    keys = {key.replace("__", "."): text for key, text in data.items()}
    return {"metadata": {"name": name, "namespace": namespace}, "data": keys}


def namespace(name: str, **metadata: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


def catalogue(*bodies: dict[str, Any], previous: Catalogue | None = None, namespaces: Any = ()) -> Catalogue:
    return read_catalogue(bodies, operator_namespace=OURS, namespaces=namespaces, previous=previous)


def costs(**changes: str) -> dict[str, Any]:
    return configmap("accelerator-unit-costs", **(COSTS | changes))


def classes(premium: str = PREMIUM, freemium: str = FREEMIUM) -> dict[str, Any]:
    return configmap("service-classes-config", premium__yaml=premium, freemium__yaml=freemium)


def saturation(namespace: str = WVA, **data: str) -> dict[str, Any]:
    return configmap("wva-saturation-scaling-config", namespace, **data)


def zero(namespace: str = WVA, **data: str) -> dict[str, Any]:
    return configmap("wva-model-scale-to-zero-config", namespace, **data)


def told(read: Catalogue) -> list[str]:
    return [f"{p.configmap} {p.key}: {p.field}={p.value}: {p.remedy}" for p in read.problems]


def test_nothing_there_is_no_error() -> None:
    read = catalogue()

    assert read == Catalogue()
    assert read.thresholds("llm", "m") == SaturationThresholds()
    assert read.zero_rule("llm", "m") is None


def test_unit_costs() -> None:
    assert dict(catalogue(costs()).unit_costs_per_h) == {"A100": 40.0, "H100": 100.0, "L40S": 32.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"cost": "cheap"}', "cost='cheap'", id="no number"),
        pytest.param('{"cost": "-1"}', "cost='-1'", id="negative text"),
        pytest.param("cost: -1", "cost=-1: write a number of at least 0", id="negative number"),
        pytest.param("cost: .nan", "cost=nan: write a finite number", id="not a number"),
        pytest.param('{"device": "x"}', "cost=None: this field is required", id="no cost"),
        pytest.param("40", """text='40': write a YAML mapping such as {"cost": "40.00"}""", id="no mapping"),
        pytest.param("a: [", "line 1='a: [': write a YAML mapping", id="no YAML"),
        pytest.param("a: 1\n\tb: 2", r"line 2='\tb: 2': write a YAML mapping", id="no YAML, line known"),
        pytest.param("a: &x {cost: 1}\nb: *x", "write a YAML mapping", id="aliases"),
    ],
)
def test_bad_price_harms_its_accelerator_alone(text: str, message: str) -> None:
    good = catalogue(costs())

    read = catalogue(costs(A100=text), previous=good)

    assert message in told(read)[0]
    assert told(read)[0].startswith(f"{WVA}/accelerator-unit-costs A100: ")
    assert [p.accelerators for p in read.problems] == [{"A100"}]
    assert dict(read.unit_costs_per_h) == dict(good.unit_costs_per_h), "the last good price holds"
    assert "A100" not in catalogue(costs(A100=text)).unit_costs_per_h, "none before: none now"


def test_service_classes_come_by_priority() -> None:
    read = catalogue(classes())

    rows = [(t.priority, t.class_name, t.key, t.model, t.ttft_s, t.tpot_s) for t in read.service_targets]
    assert rows == [
        (1, "Premium", "premium.yaml", "default/default", 0.5, 0.024),
        (1, "Premium", "premium.yaml", "meta/llama0-70b", 0.5, 0.08),
        (10, "Freemium", "freemium.yaml", "ibm/granite-13b", 2.0, 0.2),
        (10, "Freemium", "freemium.yaml", "default/default", 1.5, 0.15),
    ]


def test_class_without_name_priority_and_targets() -> None:
    read = catalogue(classes(premium="data: [{model: m}, {model: m, slo-ttft: 1}, {model: n, slo-ttft: 0}]"))

    rows = [(t.class_name, t.priority, t.model, t.ttft_s, t.tpot_s) for t in read.service_targets]
    assert rows[2:] == [("premium.yaml", 100, "m", None, None), ("premium.yaml", 100, "n", None, None)]


def test_bad_target_harms_its_model_alone() -> None:
    good = catalogue(classes())

    read = catalogue(classes(premium=PREMIUM.replace("slo-ttft: 500", "slo-ttft: soon", 1)), previous=good)

    assert told(read) == [f"{WVA}/service-classes-config premium.yaml: data[0].slo-ttft='soon': write a number"]
    assert read.problems[0].models == {"default/default"}
    assert read.service_targets == good.service_targets


def test_unreadable_class_keeps_its_targets_and_names_its_models() -> None:
    good = catalogue(classes())

    read = catalogue(classes(premium=PREMIUM + "  broken"), previous=good)

    assert read.problems[0].models == {"default/default", "meta/llama0-70b"}
    assert read.service_targets == good.service_targets


def test_unreadable_class_at_start_still_names_its_models() -> None:
    read = catalogue(classes(premium=PREMIUM.replace("priority: 1", "priority: 0")))

    assert told(read) == [f"{WVA}/service-classes-config premium.yaml: priority=0: write a number of at least 1"]
    assert read.problems[0].models == {"default/default", "meta/llama0-70b"}
    assert {target.class_name for target in read.service_targets} == {"Freemium"}


def test_class_that_names_nobody_harms_nobody() -> None:
    read = catalogue(classes(premium="]["))

    assert read.problems[0].models == {""}, "no model is called so"
    assert read.problems[0].remedy.startswith(
        "write a YAML mapping such as {name: Premium, priority: 1, data: [{model: "
    )


def test_class_that_is_gone_keeps_nothing() -> None:
    good = catalogue(classes())

    assert catalogue(previous=good).service_targets == ()


def test_copy_of_the_operator_counts_before_that_of_wva() -> None:
    ours = configmap("accelerator-unit-costs", OURS, A100='{"cost": "1.00"}')

    assert dict(catalogue(costs(), ours).unit_costs_per_h) == {"A100": 1.0}


def test_saturation_defaults_and_partial_override() -> None:
    override = "model_id: meta/llama-70b\nnamespace: production\nkvCacheThreshold: 0.85\nkvSpareTrigger: 0.15\n"

    read = catalogue(saturation(default="queueLengthThreshold: 7\nenableLimiter: true", llama=override))

    assert read.thresholds("any", "any") == SaturationThresholds(queue_length=7)
    assert read.thresholds("production", "meta/llama-70b") == SaturationThresholds(
        kv_cache=0.85, kv_spare=0.15, queue_length=7
    )
    assert read.thresholds("other", "meta/llama-70b") == SaturationThresholds(queue_length=7)
    assert read.problems == ()


def test_analyzer_of_wva() -> None:
    read = catalogue(saturation(default="analyzerName: saturation\nscaleUpThreshold: 0.9\nscaleDownBoundary: 0.5"))

    assert read.thresholds("n", "m") == SaturationThresholds(analyzer="saturation", scale_up=0.9, scale_down=0.5)


def test_analyzer_without_thresholds_is_a_whole_entry() -> None:
    """WVA filled in defaults after it had refused the entry for their absence."""
    read = catalogue(saturation(one="model_id: m\nanalyzerName: saturation\nenableLimiter: true"))

    assert read.thresholds("n", "m") == SaturationThresholds(analyzer="saturation")
    assert read.problems == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("model_id: m\nkvCacheThreshold: 80", "kvCacheThreshold=80: write a number of at most 1", id="80"),
        pytest.param("model_id: m\nkvCacheThreshold: '0.8'", "kvCacheThreshold='0.8': write a number", id="text"),
        pytest.param(
            "model_id: m\nkvSpareTrigger: 0.9",
            "kvSpareTrigger=0.9: keep it at or below kvCacheThreshold, 0.8",
            id="trigger above threshold",
        ),
        pytest.param(
            "model_id: m\nscaleDownBoundary: 0.85",
            "scaleDownBoundary=0.85: keep it below scaleUpThreshold, 0.85",
            id="down not below up",
        ),
        pytest.param(
            "model_id: m\nscaleDownBoundary: 0", "scaleDownBoundary=0: write a number above 0", id="boundary 0"
        ),
        pytest.param(
            "model_id: m\nqueueLengthThreshold: -1",
            "queueLengthThreshold=-1: write a number of at least 0",
            id="negative queue",
        ),
    ],
)
def test_bad_override_harms_its_model_alone(text: str, message: str) -> None:
    good = catalogue(saturation(default=SATURATION_DEFAULT, special="model_id: m\nqueueLengthThreshold: 9"))

    read = catalogue(saturation(default=SATURATION_DEFAULT, special=text), previous=good)

    assert told(read) == [f"{WVA}/wva-saturation-scaling-config special: {message}"]
    assert read.problems[0].models == {"m"}
    assert read.thresholds("n", "m").queue_length == 9, "the last good value holds"
    assert read.thresholds("n", "other") == SaturationThresholds()


def test_override_without_model() -> None:
    read = catalogue(saturation(special="kvCacheThreshold: 0.5"))

    assert told(read) == [
        f"{WVA}/wva-saturation-scaling-config special: model_id=None: name the model, or call the key default"
    ]
    assert read.saturation == {}


def test_bad_default_reaches_everybody_and_keeps_its_last_value() -> None:
    good = catalogue(saturation(default="queueLengthThreshold: 9"))

    read = catalogue(saturation(default="queueLengthThreshold: many"), previous=good)

    assert read.problems[0].models == frozenset()
    assert read.thresholds("n", "m").queue_length == 9


def test_first_key_wins_between_two_entries_of_one_model() -> None:
    read = catalogue(zero(b="model_id: m\nretention_period: 2m", a="model_id: m\nretention_period: 1m"))

    assert read.zero_rule("n", "m") == ZeroRule(enabled=None, retention_s=60.0)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param({}, None, id="nobody says anything"),
        pytest.param({"default": "enable_scale_to_zero: true"}, ZeroRule(enabled=True, retention_s=600), id="default"),
        pytest.param(
            {
                "default": "enable_scale_to_zero: true\nretention_period: 5m",
                "m": "model_id: m\nretention_period: 1h30m",
            },
            ZeroRule(enabled=True, retention_s=5400),
            id="inherits the switch",
        ),
        pytest.param(
            {"default": "enable_scale_to_zero: true", "m": 'model_id: m\nenable_scale_to_zero: "False"'},
            ZeroRule(enabled=False, retention_s=600),
            id="quoted, any case",
        ),
        pytest.param({"m": "model_id: m"}, ZeroRule(enabled=None, retention_s=600), id="as the operator is set"),
        pytest.param(
            {"other": "model_id: m\nnamespace: elsewhere\nenable_scale_to_zero: true"}, None, id="another namespace"
        ),
    ],
)
def test_scale_to_zero(entries: dict[str, str], expected: ZeroRule | None) -> None:
    assert catalogue(zero(**entries)).zero_rule("n", "m") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("retention_period: 0s", "retention_period='0s': write a duration above 0s, such as 10m", id="0s"),
        pytest.param(
            "retention_period: soon", "retention_period='soon': write a duration such as 500ms, 30s or 10m", id="soon"
        ),
        pytest.param("retention_period: 600", "retention_period=600: write a string", id="no unit"),
        pytest.param("enable_scale_to_zero: maybe", "enable_scale_to_zero='maybe': write true or false", id="maybe"),
    ],
)
def test_bad_scale_to_zero(text: str, message: str) -> None:
    read = catalogue(zero(m=f"model_id: m\n{text}"))

    assert [line.partition(" m: ")[2] for line in told(read)] == [message]
    assert read.problems[0].models == {"m"}


ENABLED = {"labels": {"wva.llmd.ai/config-enabled": "true"}}


def test_local_copy_replaces_the_shared_one_there() -> None:
    shared = saturation(default="queueLengthThreshold: 7", m="model_id: m\nqueueLengthThreshold: 8")
    local = saturation("team", default="kvSpareTrigger: 0.2")

    read = catalogue(shared, local, namespaces=[namespace("team", **ENABLED)])

    assert read.thresholds("team", "m") == SaturationThresholds(queue_length=7, kv_spare=0.2)
    assert read.thresholds("other", "m") == SaturationThresholds(queue_length=8)


def test_shared_entry_for_a_namespace_does_not_outlive_its_local_copy() -> None:
    shared = saturation(m="model_id: m\nnamespace: team\nqueueLengthThreshold: 8")

    read = catalogue(shared, saturation("team"), namespaces=[namespace("team", **ENABLED)])

    assert read.thresholds("team", "m") == SaturationThresholds()


def test_copy_in_a_namespace_without_the_label_is_not_read() -> None:
    read = catalogue(saturation("team", default="queueLengthThreshold: 1"), namespaces=[namespace("team")])

    assert read.thresholds("team", "m") == SaturationThresholds()


def test_local_copy_speaks_for_its_own_namespace_only() -> None:
    local = saturation("team", m="model_id: m\nnamespace: other\nkvSpareTrigger: 0.2")

    read = catalogue(local, namespaces=[namespace("team", **ENABLED)])

    assert told(read) == [
        "team/wva-saturation-scaling-config m: "
        "namespace='other': leave it out: a copy in a namespace counts there alone"
    ]


def test_bad_local_entry_keeps_the_value_of_its_namespace() -> None:
    around = [namespace("team", **ENABLED)]
    good = catalogue(zero("team", m="model_id: m\nretention_period: 1m"), namespaces=around)

    read = catalogue(zero("team", m="model_id: m\nretention_period: 1 minute"), namespaces=around, previous=good)

    assert read.zero_rule("team", "m") == ZeroRule(enabled=None, retention_s=60)
    assert read.zero_rule("other", "m") is None


def test_excluded_namespaces() -> None:
    mark = "wva.llmd.ai/exclude"
    around = [
        namespace("out", annotations={mark: "true"}),
        namespace("in", annotations={mark: "false"}),
        namespace("plain"),
    ]

    assert catalogue(namespaces=around).excluded_namespaces == {"out"}


def settings(*bodies: dict[str, Any]) -> dict[str, str]:
    return read_settings(bodies, operator_namespace=OURS)


EARLIER = "workload-variant-autoscaler-variantautoscaling-config"
LATER = "wva-variantautoscaling-config"


def test_settings_of_all_three_origins() -> None:
    read = settings(
        configmap("penstock-config", OURS, interval="10s"),
        configmap(LATER, GLOBAL_OPT_INTERVAL="30s"),
        configmap(EARLIER, GLOBAL_OPT_INTERVAL="60s", WVA_SCALE_TO_ZERO=" TRUE "),
    )

    assert read == {"interval": "10s", "GLOBAL_OPT_INTERVAL": "30s", "WVA_SCALE_TO_ZERO": "true"}


def test_our_settings_are_read_in_our_namespace_only() -> None:
    assert settings(configmap("penstock-config", "somewhere", interval="10s")) == {}


def test_no_token_travels_to_the_url_of_another() -> None:
    read = settings(
        configmap(LATER, PROMETHEUS_BEARER_TOKEN="secret", LOG_LEVEL="debug"),
        configmap(EARLIER, PROMETHEUS_BASE_URL="https://prometheus", PROMETHEUS_CA_CERT_PATH="/ca.crt"),
    )

    assert read == {
        "PROMETHEUS_BASE_URL": "https://prometheus",
        "PROMETHEUS_CA_CERT_PATH": "/ca.crt",
        "LOG_LEVEL": "debug",
    }


def test_variables_in_a_file_of_the_configmap() -> None:
    text = "GLOBAL_OPT_INTERVAL: 60s\nWVA_SCALE_TO_ZERO: True\nnested: {a: 1}\n"

    assert settings(configmap(LATER, config__yaml=text, GLOBAL_OPT_INTERVAL="45s")) == {
        "GLOBAL_OPT_INTERVAL": "45s",
        "WVA_SCALE_TO_ZERO": "true",
    }
    assert settings(configmap(LATER, config__yaml="][")) == {}


def test_configmap_without_data_or_with_other_values() -> None:
    body = {"metadata": {"name": "accelerator-unit-costs", "namespace": WVA}, "data": {"A100": 40}}

    assert catalogue(body).unit_costs_per_h == {}
    assert catalogue({"metadata": {"name": "accelerator-unit-costs", "namespace": WVA}}).problems == ()
