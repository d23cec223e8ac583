"""EndpointPickerConfig files of the Go pickers: what is taken, what is named as without effect, what is refused."""

import pytest
import yaml

from penstock.domain.errors import InvalidField
from penstock.domain.policies import Detector, Ordering
from penstock.settings import pickerconfig

LLMD = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n"

PUBLISHED = """
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
  - type: workload-aware-ordering-policy
    name: workload-aware-ordering-policy
  - type: queue-scorer
  - type: kv-cache-utilization-scorer
  - type: prefix-cache-scorer
schedulingProfiles:
  - name: default
    plugins:
      - pluginRef: queue-scorer
      - pluginRef: kv-cache-utilization-scorer
      - pluginRef: prefix-cache-scorer
featureGates:
  - flowControl
"""


def text(**fields: object) -> str:
    return yaml.safe_dump({"apiVersion": "llm-d.ai/v1alpha1", "kind": "EndpointPickerConfig", **fields})


def plugin(kind: str, **parameters: object) -> dict:
    return {"type": kind, "parameters": parameters}


def test_the_published_workload_aware_file_loads_and_names_what_has_no_effect() -> None:
    config = pickerconfig.read(PUBLISHED)

    assert config.policy.ordering is Ordering.WORKLOAD_AWARE
    assert config.ignored == ("queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {"intraFlowDispatch": {"policy": "WorkloadAware", "config": {"weights": {
                "waitTime": 0.1, "criticality": 0.7, "requestRate": 0.3}}}}, id="intraFlowDispatch"),
        pytest.param(
            {"plugins": [plugin("workload-aware-ordering-policy", weights={
                "waitTime": 0.1, "criticality": 0.7, "requestRate": 0.3})]}, id="weights of the plug-in"),
        pytest.param(
            {"plugins": [plugin("workload-aware-ordering-policy", waitTimeWeight=0.1, criticalityWeight=0.7,
                                requestRateWeight=0.3)]}, id="flat names of the fork"),
    ],
)  # fmt: skip
def test_weights_are_read_in_every_published_spelling(body: dict) -> None:
    weights = pickerconfig.read(text(**body)).policy.weights

    assert (weights.wait_time, weights.criticality, weights.request_rate) == (0.1, 0.7, 0.3)


def test_a_bands_reference_decides_the_ordering_although_another_is_declared() -> None:
    body = {
        "plugins": [plugin("workload-aware-ordering-policy"), {"name": "mine", "type": "fcfs-ordering-policy"}],
        "flowControl": {"defaultPriorityBand": {"orderingPolicyRef": "mine"}},
    }

    assert pickerconfig.read(text(**body)).policy.ordering is Ordering.FCFS


def test_limits_and_times_of_flow_control_become_the_queue() -> None:
    flow = {"maxRequests": 7, "maxBytes": "1Mi", "defaultRequestTTL": "1m30s", "noEndpointRequestTTL": "5m0s"}

    queue = pickerconfig.read(text(flowControl=flow)).policy.queue

    assert (queue.max_requests, queue.max_bytes, queue.ttl_s, queue.no_endpoint_ttl_s) == (7, 1 << 20, 90.0, 300.0)


def test_zero_limits_mean_none_of_their_own_so_ours_hold() -> None:
    queue = pickerconfig.read(text(flowControl={"maxRequests": 0, "maxBytes": "0"})).policy.queue

    assert (queue.max_requests, queue.max_bytes) == (5000, 1 << 30)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({}, (Detector.LEARNED, 100, 5, 0.8), id="nothing said"),
        pytest.param({"plugins": [plugin("concurrency-detector", maxConcurrency=5)]},
                     (Detector.CONCURRENCY, 5, 5, 0.8), id="concurrency, declared"),
        pytest.param({"plugins": [{"name": "gate", **plugin("utilization-detector", queueDepthThreshold=1)}],
                      "flowControl": {"saturationDetector": {"pluginRef": "gate"}}},
                     (Detector.UTILIZATION, 100, 1, 0.8), id="utilization, referred to"),
        pytest.param({"saturationDetector": {"queueDepthThreshold": 9, "kvCacheUtilThreshold": 0.5}},
                     (Detector.UTILIZATION, 100, 9, 0.5), id="deprecated place"),
    ],
)  # fmt: skip
def test_saturation_detectors(body: dict, expected: tuple) -> None:
    saturation = pickerconfig.read(text(**body)).policy.queue.saturation

    assert (
        saturation.detector, saturation.max_concurrency, saturation.queue_depth, saturation.kv_usage_ratio
    ) == expected  # fmt: skip


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param("a: [", "--config-file", id="no YAML"),
        pytest.param("- a", "--config-file", id="no mapping"),
        pytest.param("kind: Pod\napiVersion: v1\n", "kind", id="another kind"),
        pytest.param(LLMD + "flowcontrol: {}\n", "flowcontrol", id="unknown top-level field"),
        pytest.param(LLMD + "flowControl: {maxRequest: 1}\n", "flowControl.maxRequest", id="unknown field inside"),
        pytest.param(LLMD + "flowControl: {defaultRequestTTL: 1 day}\n", "flowControl.defaultRequestTTL", id="no time"),
        pytest.param(LLMD + "plugins: {}\n", "plugins", id="plugins are no list"),
        pytest.param(LLMD + "plugins: [{type: home-made}]\n", "plugins[0].type", id="unknown plug-in"),
        pytest.param(LLMD + "plugins: [{type: queue-scorer, parameters: 3}]\n", "plugins[0].parameters", id="number"),
        pytest.param(text(plugins=[plugin("workload-aware-ordering-policy", weights={"wait": 1})]),
                     "plugins[0].parameters.weights.wait", id="unknown weight"),
        pytest.param(text(plugins=[plugin("workload-aware-ordering-policy", waitTimeWeight=-1)]),
                     "plugins[0].parameters.waitTime", id="negative weight"),
        pytest.param(text(plugins=[plugin("workload-aware-ordering-policy", weights={
            "waitTime": 0, "criticality": 0, "requestRate": 0})]), "plugins[0].parameters.weights", id="all zero"),
        pytest.param(text(plugins=[plugin("concurrency-detector", mode="tokens")]),
                     "plugins[0].parameters.mode", id="tokens"),
        pytest.param(text(plugins=[plugin("concurrency-detector", maxConcurrency=True)]),
                     "plugins[0].parameters.maxConcurrency", id="a boolean is no number"),
        pytest.param(text(flowControl={"defaultPriorityBand": {"orderingPolicyRef": "edf-ordering-policy"}}),
                     "flowControl.defaultPriorityBand.orderingPolicyRef", id="an ordering we lack"),
        pytest.param(text(intraFlowDispatch={"policy": "LIFO"}), "intraFlowDispatch.policy", id="unknown policy"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_named(document: str, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        pickerconfig.read(document)

    assert caught.value.field == field
    assert caught.value.remedy
