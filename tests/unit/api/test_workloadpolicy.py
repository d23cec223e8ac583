"""WorkloadPolicy: defaults, merging, and a sentence for everything that cannot be."""

from typing import Any

import pytest
from tests.samples import Bad, bad, example, examples

from penstock.api.workloadpolicy import PolicyTarget, Rollout, RolloutType, parse_policy, parse_runnable
from penstock.domain.errors import InvalidField
from penstock.domain.policies import (
    Detector,
    Norms,
    Ordering,
    Policy,
    Programs,
    QueueLimits,
    Quota,
    Saturation,
    Weights,
    WorkloadRule,
)
from penstock.domain.variants import ObjectKey


def spec(**fields: Any) -> dict[str, Any]:
    body = example("wp-minimal.yaml")
    body["spec"] |= fields
    return body


def policy(**fields: Any) -> Policy:
    return parse_policy(spec(**fields)).policy


def test_minimal_object_is_the_defaults() -> None:
    body = example("wp-minimal.yaml")
    body["metadata"] |= {"uid": "u-1", "generation": 7, "creationTimestamp": "2026-11-20T08:00:00Z"}

    read = parse_policy(body)

    assert read.key == ObjectKey("llm", "chat")
    assert (read.uid, read.generation, read.created_at_s) == ("u-1", 7, 1795161600.0)
    assert read.target_ref == PolicyTarget(group="inference.networking.k8s.io", kind="InferencePool", name="chat")
    assert read.policy == Policy()
    assert read.rollout == Rollout(type=RolloutType.ALL)


def test_weights_and_norms_replace_only_what_is_named() -> None:
    read = parse_policy(example("wp-weights.yaml")).policy

    assert read.weights == Weights(wait_time=0.2, criticality=0.7, request_rate=0.1, service=1.0)
    assert read.norms == Norms(max_wait_s=30.0, rate_half_per_s=1.0)


def test_caps() -> None:
    read = parse_policy(example("wp-caps.yaml"))

    assert read.target_ref == PolicyTarget(group="", kind="Service", name="penstock-router")
    assert read.policy.tenant_header == "x-llm-d-inference-fairness-id"
    assert read.policy.workloads == (
        WorkloadRule(id="checkout", criticality=5),
        WorkloadRule(id="batch-*", criticality=1, max_criticality=2, quota=Quota(queued=500, in_flight=20)),
        WorkloadRule(id="*", tenant="guest", max_criticality=3),
        WorkloadRule(id="*", max_criticality=4),
    )
    assert read.policy.queue == QueueLimits(
        ttl_s=30.0,
        no_endpoint_ttl_s=600.0,
        max_requests=2000,
        max_bytes=256 << 20,
        saturation=Saturation(detector=Detector.CONCURRENCY, max_concurrency=5),
    )


def test_programs_alone_choose_hybrid_with_a_lane() -> None:
    read = policy(programs={})

    assert (read.ordering, read.lane_share_ratio) == (Ordering.HYBRID, 0.1)
    assert read.programs == Programs(
        headers=("x-program-id", "x-dynamo-session-id", "x-claude-code-session-id", "x-session-id", "session-id"),
        body_fields=("program_id",),
        parent_headers=("x-parent-session-id", "x-dynamo-parent-session-id"),
        idle_ttl_s=600.0,
        max_programs=50_000,
        levels=8,
        admission="Level",
        locality="CostGuard",
        engine_priority="Auto",
    )


def test_programs_written_out() -> None:
    read = parse_policy(example("wp-programs.yaml")).policy

    assert read.programs is not None
    assert (read.programs.headers, read.programs.parent_headers) == (("x-program-id",), ("x-parent-session-id",))
    assert read.workloads == (WorkloadRule(id="swe-agents", ordering=Ordering.PROGRAM_FCFS, admission="Arrival"),)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, 0.0, id="exact order: no lane"),
        pytest.param({"laneShare": "5%"}, 0.05, id="written"),
        pytest.param({"ordering": "PLAS"}, 0.1, id="a quarter of the wait's weight"),
        pytest.param({"ordering": "Turn", "weights": {"waitTime": 0.1}}, 0.03, id="rounded up to a whole percent"),
        pytest.param({"ordering": "Turn", "weights": {"waitTime": 0.001}}, 0.01, id="never none"),
        pytest.param({"ordering": "Turn", "weights": {"waitTime": 2}}, 0.5, id="at most half"),
        pytest.param({"ordering": "FCFS", "programs": {}}, 0.0, id="programs counted, not ordered"),
    ],
)
def test_lane(fields: dict[str, Any], expected: float) -> None:
    assert policy(**fields).lane_share_ratio == expected


def test_weights_of_a_workload_replace_only_what_is_named() -> None:
    read = policy(weights={"waitTime": 0.2}, workloads=[{"id": "w", "weights": {"criticality": 1}}])

    assert read.workloads[0].weights == Weights(wait_time=0.2, criticality=1.0, request_rate=0.2, service=1.0)


def test_header_names_are_lower_case() -> None:
    read = policy(tenantHeader="X-Tenant", programs={"headers": ["X-Program-Id"]})

    assert read.programs is not None
    assert (read.tenant_header, read.programs.headers) == ("x-tenant", ("x-program-id",))


def test_empty_lists_are_what_they_say() -> None:
    read = policy(programs={"headers": [], "bodyFields": []})

    assert read.programs is not None
    assert (read.programs.headers, read.programs.body_fields) == ((), ())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"type": "Canary"}, Rollout(type=RolloutType.CANARY, workloads_ratio=0.1), id="a tenth"),
        pytest.param(
            {"type": "Canary", "routers": 2}, Rollout(type=RolloutType.CANARY, routers=2), id="a number of pods"
        ),
        pytest.param(
            {"type": "Canary", "routers": "25%"},
            Rollout(type=RolloutType.CANARY, routers_ratio=0.25),
            id="a share of pods",
        ),
        pytest.param(
            {"type": "Shadow", "duration": "1h", "maxRegression": "0%"},
            Rollout(type=RolloutType.SHADOW, duration_s=3600.0, max_regression_ratio=0.0),
            id="shadow",
        ),
    ],
)
def test_rollout(fields: dict[str, Any], expected: Rollout) -> None:
    assert parse_policy(spec(rollout=fields)).rollout == expected


@pytest.mark.parametrize(
    ("name", "asked"), [pytest.param("wp-canary.yaml", "Canary"), pytest.param("wp-shadow.yaml", "Shadow")]
)
def test_a_rollout_in_parts_is_not_taken_for_one_of_all(name: str, asked: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_runnable(example(name))

    assert (caught.value.field, caught.value.value) == ("rollout.type", asked)
    assert parse_runnable(example("wp-minimal.yaml")) == parse_policy(example("wp-minimal.yaml"))


@pytest.mark.parametrize("name", examples("wp"))
def test_examples(name: str) -> None:
    assert parse_policy(example(name)).key.namespace == "llm"


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in bad("bad-policies.yaml")])
def test_bad_policy(row: Bad) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_policy(row.of(example("wp-minimal.yaml")))

    assert (caught.value.field, caught.value.remedy) == (row.field, row.remedy)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "metadata.name", id="nothing"),
        pytest.param({"metadata": []}, "metadata", id="metadata no mapping"),
        pytest.param({"metadata": {"name": "x"}, "spec": "y"}, "spec", id="spec no mapping"),
        pytest.param({"metadata": {"name": "x"}}, "spec.targetRef", id="no spec"),
    ],
)
def test_no_object_at_all(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_policy(body)

    assert caught.value.field == field


def test_value_of_a_rule_over_several_fields_is_what_was_written() -> None:
    with pytest.raises(InvalidField) as caught:
        parse_policy(spec(laneShare="0%", programs={}))

    assert caught.value.value == "0%"
