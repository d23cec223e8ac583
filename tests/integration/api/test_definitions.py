"""A real API server takes the definitions, the examples, and objects in every shape of WVA; it says why it refuses."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.kubeapi import KubeApi
from tests.samples import Bad, bad, changed, example, examples, profile

from penstock.api.crd import generate

NAMESPACE = "llm"  # of the examples
VARIANTS = f"/apis/llmd.ai/v1alpha1/namespaces/{NAMESPACE}/variantautoscalings"
POLICIES = f"/apis/penstock.dev/v1alpha1/namespaces/{NAMESPACE}/workloadpolicies"
TIME = "2026-11-20T09:14:30Z"


@pytest.fixture(name="api", scope="module")
def _api(kube_api: KubeApi) -> Iterator[KubeApi]:
    kube_api.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    yield kube_api
    for path in (VARIANTS, POLICIES):
        kube_api.must("DELETE", path)


@pytest.mark.parametrize("definition", generate().values(), ids=generate().keys())
def test_definition_is_established_without_complaint(api: KubeApi, definition: dict[str, Any]) -> None:
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"

    body = api.must("GET", path)

    conditions = {c["type"]: c["status"] for c in body["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"
    assert "NonStructuralSchema" not in conditions


@pytest.mark.parametrize("name", [*examples("va"), *examples("wp")])
def test_example_is_accepted_and_stored_as_written(api: KubeApi, name: str) -> None:
    reply = api.apply(example(name), dry_run=True)

    assert reply.ok, reply.message
    assert reply.body["spec"] == _with_list_keys(example(name)["spec"])


def _with_list_keys(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec with the only default that is stored: the tenant of a workload."""
    if "workloads" in spec:
        spec["workloads"] = [{"tenant": "", **workload} for workload in spec["workloads"]]
    return spec


ROWS = [
    pytest.param(row, base, id=f"{base[:2]} {row.name}")
    for table, base in (("bad-variants.yaml", "va-2026.yaml"), ("bad-policies.yaml", "wp-minimal.yaml"))
    for row in bad(table)
]


@pytest.mark.parametrize(("row", "base"), ROWS)
def test_bad_object(api: KubeApi, row: Bad, base: str) -> None:
    body = row.of(example(base)) | {"metadata": {"name": "bad", "namespace": NAMESPACE}}

    # POST, because server-side apply tells of a duplicate key before validation does
    reply = api.request("POST", f"{VARIANTS if base.startswith('va') else POLICIES}?dryRun=All", body)

    if row.by == "us":
        assert reply.ok, reply.message
        return
    assert reply.status == 422
    if row.by == "cel":
        assert row.remedy in reply.message
        assert row.field in reply.message


EVERY_2025_FIELD = changed(
    example("va-2025.yaml"),
    {"metadata": {"name": "every-2025"}, "spec": profile(perfParms={"decodeParms": {"extra": "kept"}})},
)
EVERY_2026_FIELD = changed(example("va-2026.yaml"), {"metadata": {"name": "every-2026"}})
CONDITION = {
    "type": "MetricsAvailable",
    "status": "True",
    "reason": "MetricsFound",
    "message": "",
    "observedGeneration": 1,
    "lastTransitionTime": TIME,
}
STATUS_2026 = {
    "desiredOptimizedAlloc": {"numReplicas": 3, "accelerator": "A100", "lastRunTime": TIME},
    "actuation": {"applied": True},
    "conditions": [CONDITION, CONDITION | {"type": "OptimizationReady"}, CONDITION | {"type": "TargetResolved"}],
}
STATUS_2025 = STATUS_2026 | {
    "currentAlloc": {
        "accelerator": "A100",
        "numReplicas": 3,
        "maxBatch": 256,
        "variantCost": "120.00",
        "itlAverage": "21.53",
        "ttftAverage": "97.82",
        "load": {"arrivalRate": "120.00", "avgInputTokens": "100.00", "avgOutputTokens": "128.00"},
    }
}
OURS = STATUS_2025 | {
    "observedGeneration": 1,
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat-a100"},
    "actuation": {"applied": False, "mode": "Recommend"},
    "replicas": {"current": 4, "ready": 2, "starting": 0, "stuck": 2, "draining": 0},
    "slo": {"ttft": "500ms", "tpot": "24ms", "attainment": "99.5%", "source": "ServiceClass"},
    "learned": {"requestsPerSecond": "0.83", "error": "6%", "startupTime": "94s", "starts": 7},
    "decision": {"id": "7f3a91c2", "time": TIME, "reason": "DemandUp", "summary": "x" * 256},
    "unavailableUntil": TIME,
}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(EVERY_2025_FIELD, STATUS_2025, id="October 2025"),
        pytest.param(EVERY_2026_FIELD, STATUS_2026, id="2026"),
        pytest.param(EVERY_2026_FIELD, OURS, id="ours"),
        pytest.param(EVERY_2026_FIELD, {"conditions": [CONDITION]}, id="a condition before the first decision"),
        pytest.param(
            EVERY_2026_FIELD, {"desiredOptimizedAlloc": {"lastRunTime": TIME}}, id="no decision, and no zero for it"
        ),
        pytest.param(EVERY_2026_FIELD, {"currentAlloc": {"load": {"arrivalRate": "0.00"}}}, id="one number alone"),
        pytest.param(
            EVERY_2025_FIELD,
            {"currentAlloc": {"accelerator": "", "itlAverage": ""}, "desiredOptimizedAlloc": {"accelerator": ""}},
            id="empty texts, as Go writes what it does not know",
        ),
    ],
)
def test_every_field_of_wva_goes_in_and_comes_out(api: KubeApi, body: dict[str, Any], status: dict[str, Any]) -> None:
    spec = api.apply(body)
    path = f"{VARIANTS}/{body['metadata']['name']}/status?fieldManager=penstock&force=true&fieldValidation=Strict"
    head = {key: body[key] for key in ("apiVersion", "kind")}
    patch = head | {"metadata": {"name": body["metadata"]["name"]}, "status": status}

    reply = api.request("PATCH", path, patch, content="application/apply-patch+yaml")

    assert spec.ok, spec.message
    assert reply.ok, reply.message
    assert reply.body["spec"] == body["spec"]
    assert reply.body["status"] == status


def test_status_of_a_policy(api: KubeApi) -> None:
    body = example("wp-minimal.yaml")
    weights = {"waitTime": 0.4, "criticality": 0.4, "requestRate": 0.2, "service": 1}
    status = {
        "observedGeneration": 7,
        "conditions": [CONDITION | {"type": "Programmed"}],
        "programmed": "1/2",
        "reason": "RouterUnreachable",
        "routers": [
            {"pod": "router-0", "appliedGeneration": 6, "hash": "9ab0d1", "error": "PUT timed out after 2s"},
            {"pod": "router-1", "appliedGeneration": 7, "hash": "3fb1c2", "appliedAt": TIME, "role": "Stable"},
        ],
        "effective": {"ordering": "Hybrid", "weights": weights, "laneShare": "10%", "starvationBound": "26s"},
        "rollout": {"phase": "Canary", "stableGeneration": 6, "base": {"waitP95": "2s", "errors": "0%"}},
    }  # fmt: skip
    assert api.apply(body).ok
    query = "status?fieldManager=penstock&force=true&fieldValidation=Strict"
    patch = {key: body[key] for key in ("apiVersion", "kind")} | {"metadata": {"name": "chat"}, "status": status}

    reply = api.request("PATCH", f"{POLICIES}/chat/{query}", patch, content="application/apply-patch+yaml")

    assert reply.ok, reply.message
    assert reply.body["status"] == status


@pytest.mark.parametrize("path", [VARIANTS, POLICIES])
def test_there_is_no_scale_subresource(api: KubeApi, path: str) -> None:
    group = path.split("/namespaces/", maxsplit=1)[0]

    resources = [resource["name"] for resource in api.must("GET", group)["resources"]]

    assert [name for name in resources if name.endswith("/status")]
    assert not [name for name in resources if name.endswith("/scale")]


def test_columns_of_a_variant(api: KubeApi) -> None:
    assert api.apply(example("va-2026.yaml")).ok
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"

    body = api.must("GET", f"{VARIANTS}/chat-l40s-va", accept=table)

    shown = [column["name"] for column in body["columnDefinitions"] if column["priority"] == 0]
    assert shown == ["Name", "Target", "Model", "Current", "Optimized", "MetricsReady", "Reason", "Age"]


def test_largest_policy_stays_within_the_cost_limits(api: KubeApi) -> None:
    weights = {"waitTime": 1, "criticality": 1, "requestRate": 1}
    workloads = [
        {"id": f"{n:02}" + "x" * 61, "tenant": "t" * 253, "weights": weights, "ordering": "PLAS", "admission": "Off"}
        for n in range(64)
    ]
    body = changed(example("wp-programs.yaml"), {"spec": {"workloads": workloads}})

    reply = api.apply(body, dry_run=True)

    assert reply.ok, reply.message
    assert len(json.dumps(body)) > 20_000
