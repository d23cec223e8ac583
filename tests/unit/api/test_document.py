"""A policy survives the way to a router, and impossible documents are refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.api.document import NotJson, decode, encode, policy_hash
from penstock.domain.errors import InvalidField
from penstock.domain.policies import (
    Detector,
    Norms,
    Ordering,
    Policy,
    PolicyDocument,
    Programs,
    QueueLimits,
    Quota,
    Saturation,
    Weights,
    WorkloadRule,
)

WEIGHT = st.floats(0.01, 100).map(lambda value: round(value, 4))
TTL = st.integers(1000, 3_600_000).map(lambda milliseconds: milliseconds / 1000)
COUNT = st.none() | st.integers(1, 10_000)
WEIGHTS = st.builds(
    Weights, wait_time=st.floats(0.01, 2).map(lambda value: round(value, 3)), criticality=WEIGHT, request_rate=WEIGHT
)
RULE = st.builds(
    WorkloadRule,
    id=st.from_regex(r"[A-Za-z0-9._:/-]{1,20}\*?", fullmatch=True),
    tenant=st.sampled_from(["", "guest", "Müller & Co"]),
    criticality=st.none() | st.integers(1, 3),
    max_criticality=st.none() | st.integers(3, 5),
    weights=st.none() | WEIGHTS,
    quota=st.builds(Quota, queued=COUNT, in_flight=COUNT),
)
SATURATION = st.one_of(
    st.just(Saturation()),
    st.builds(Saturation, detector=st.just(Detector.CONCURRENCY), max_concurrency=st.integers(1, 4096)),
    st.builds(
        Saturation,
        detector=st.just(Detector.UTILIZATION),
        queue_depth=st.integers(1, 100),
        kv_usage_ratio=st.integers(1, 100).map(lambda percent: percent / 100),
    ),
)
PROGRAMS = st.builds(
    Programs,
    headers=st.just(("x-program-id",)),
    body_fields=st.sampled_from([(), ("program_id",)]),
    parent_headers=st.just(()),
    idle_ttl_s=st.integers(10, 9999).map(float),
    max_programs=st.integers(1, 10**6),
    levels=st.integers(2, 60),
    admission=st.sampled_from(["Level", "Arrival", "Off"]),
    locality=st.sampled_from(["CostGuard", "Autellix", "Sticky", "LeastUsed"]),
    engine_priority=st.sampled_from(["Auto", "Stamp", "Off"]),
)
POLICY = st.builds(
    Policy,
    ordering=st.sampled_from(Ordering),
    weights=WEIGHTS,
    norms=st.builds(Norms, max_wait_s=TTL, rate_half_per_s=st.floats(0.001, 1000)),
    lane_share_ratio=st.integers(1, 50).map(lambda percent: percent / 100),
    tenant_header=st.sampled_from(["", "x-tenant"]),
    workloads=st.lists(RULE, max_size=4, unique_by=lambda rule: (rule.id, rule.tenant)).map(tuple),
    queue=st.builds(
        QueueLimits,
        ttl_s=TTL,
        no_endpoint_ttl_s=TTL,
        max_requests=st.integers(1, 10**6),
        max_bytes=st.integers(1, 1 << 45),
        saturation=SATURATION,
    ),
    programs=st.none() | PROGRAMS,
)


def document(policy: Policy, **changes: Any) -> PolicyDocument:
    facts = {"schema": 1, "revision": 7, "uid": "u-1", "name": "chat", "generation": 3, "hash": policy_hash(policy)}
    return PolicyDocument(**(facts | changes), policy=policy)


def raw(**fields: Any) -> bytes:
    return json.dumps({"schema": 1, "revision": 1} | fields).encode()


@given(policy=POLICY)
def test_round_trip(policy: Policy) -> None:
    sent = document(policy)

    wire = json.dumps(encode(sent)).encode()

    assert decode(wire) == sent


@settings(max_examples=40)
@given(policy=POLICY, revision=st.integers(0, 2**62))
def test_hash_is_over_the_content_alone(policy: Policy, revision: int) -> None:
    wire = encode(document(policy, revision=revision, uid="another", generation=9))
    wire.pop("hash")

    assert decode(json.dumps(wire, sort_keys=True).encode()).hash == policy_hash(policy)


def test_hash_of_the_built_in_policy_never_moves_unnoticed() -> None:
    assert policy_hash(Policy()) == "d2dabae11795"
    assert policy_hash(Policy(ordering=Ordering.FCFS)) != policy_hash(Policy())


def test_spelling_on_the_wire() -> None:
    policy = Policy(workloads=(WorkloadRule(id="batch-*", criticality=1, quota=Quota(queued=500)),))

    wire = encode(document(policy))

    assert wire == {
        "schema": 1,
        "revision": 7,
        "uid": "u-1",
        "name": "chat",
        "generation": 3,
        "hash": policy_hash(policy),
        "ordering": "WorkloadAware",
        "weights": {"waitTime": 0.4, "criticality": 0.4, "requestRate": 0.2, "service": 1.0},
        "norms": {"maxWait": "1m", "rateHalf": 1.0},
        "laneShare": "0%",
        "workloads": [{"id": "batch-*", "tenant": "", "criticality": 1, "quota": {"queued": 500}}],
        "queue": {
            "ttl": "1m",
            "noEndpointTTL": "10m",
            "maxRequests": 5000,
            "maxBytes": "1Gi",
            "saturation": {"detector": "Learned"},
        },
    }


def test_absent_parts_are_the_defaults() -> None:
    read = decode(raw())

    assert read.policy == Policy()
    assert (read.uid, read.name, read.generation, read.hash) == ("", "", 0, policy_hash(Policy()))


def test_hash_of_the_sender_is_kept() -> None:
    assert decode(raw(hash="3fb1c2")).hash == "3fb1c2"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PARTS = ["revision", "hash", "ordering", "weights", "norms", "laneShare", "workloads", "queue", "programs"]


@given(fields=st.dictionaries(st.sampled_from(PARTS), JSON))
def test_whatever_comes_is_run_or_refused_by_name(fields: dict[str, Any]) -> None:
    try:
        read = decode(raw(**fields))
    except (InvalidField, NotJson):
        return
    assert decode(json.dumps(encode(read)).encode()) == read


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"schema: 1", id="YAML"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b'{"schema":1,"revision":NaN}', id="NaN"),
        pytest.param(b'{"norms":{"rateHalf":1e999}}', id="beyond a float"),
        pytest.param(b'{"a":' * 100_000, id="too deep"),
    ],
)
def test_not_json(body: bytes) -> None:
    with pytest.raises(NotJson, match="not a JSON object"):
        decode(body)


@pytest.mark.parametrize(
    ("body", "field", "remedy"),
    [
        pytest.param(b'{"revision":1}', "schema", "this field is required", id="no schema"),
        pytest.param(b'{"schema":1}', "revision", "this field is required", id="no revision"),
        pytest.param(raw(schema=2), "schema", "write 1", id="later schema"),
        pytest.param(raw(revision=-1), "revision", "write a number of at least 0", id="negative revision"),
        pytest.param(raw(revision="5"), "revision", "write a whole number", id="revision as text"),
        pytest.param(
            raw(burst=1), "burst", "no such field in this version; remove it, or upgrade Penstock", id="unknown field"
        ),
        pytest.param(
            raw(weights={"speed": 1}),
            "weights.speed",
            "no such field in this version; remove it, or upgrade Penstock",
            id="unknown field inside",
        ),
        pytest.param(raw(hash="x" * 65), "hash", "write at most 64 characters", id="hash too long"),
    ],
)
def test_impossible_document(body: bytes, field: str, remedy: str) -> None:
    with pytest.raises(InvalidField) as caught:
        decode(body)

    assert (caught.value.field, caught.value.remedy) == (field, remedy)
