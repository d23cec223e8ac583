"""The document that operators PUT to routers: a PolicyDocument as JSON and back, in the resource's own spelling."""

import hashlib
from typing import Annotated, Any, Final, Literal

import msgspec
from pydantic import Field

from penstock.api.checked import read
from penstock.api.policyfields import PolicyFields
from penstock.domain.errors import PenstockError
from penstock.domain.policies import (
    Detector,
    Policy,
    PolicyDocument,
    Programs,
    QueueLimits,
    Saturation,
    Weights,
    WorkloadRule,
)
from penstock.domain.units import format_bytes, format_duration, format_percent

SCHEMA: Final = 1
_HASH_DIGITS: Final = 12  # of SHA-256: 48 bits tell one policy from another, and a person can compare them


class NotJson(PenstockError):
    """The body is no JSON object at all (400), so that there is no field to blame."""


class _Document(PolicyFields):
    """The wire form."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    revision: Annotated[int, Field(ge=0, lt=2**63)]
    uid: Annotated[str, Field(max_length=64)] = ""
    name: Annotated[str, Field(max_length=253)] = ""
    generation: Annotated[int, Field(ge=0, lt=2**63)] = 0
    hash: Annotated[str, Field(max_length=64)] = ""


def decode(raw: bytes) -> PolicyDocument:
    """Read a document. Absent parts take the defaults of this version; an absent hash is computed.

    Raises:
        NotJson: the bytes hold no JSON object.
        InvalidField: a document that cannot be run, by field, value and remedy.
    """
    try:
        body = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(f"the body is not a JSON object: {error}") from None
    document = read(_Document, body)
    policy = document.policy()
    return PolicyDocument(
        schema=document.schema_,
        revision=document.revision,
        uid=document.uid,
        name=document.name,
        generation=document.generation,
        hash=document.hash or policy_hash(policy),
        policy=policy,
    )


def encode(document: PolicyDocument) -> dict[str, Any]:
    """Return the document with every value written out, so that no router fills in a default of its own."""
    return {
        "schema": document.schema,
        "revision": document.revision,
        "uid": document.uid,
        "name": document.name,
        "generation": document.generation,
        "hash": document.hash,
        **encode_policy(document.policy),
    }


def policy_hash(policy: Policy) -> str:
    """Return the hash of the content alone: equal policies, equal hashes, whatever their revision or name."""
    canonical = msgspec.json.encode(encode_policy(policy), order="sorted")
    return hashlib.sha256(canonical).hexdigest()[:_HASH_DIGITS]


def encode_policy(policy: Policy) -> dict[str, Any]:
    """Return a policy as users would write it, defaults included; what is absent stays absent."""
    return _present({
        "ordering": str(policy.ordering),
        "weights": _weights(policy.weights),
        "norms": {"maxWait": format_duration(policy.norms.max_wait_s), "rateHalf": float(policy.norms.rate_half_per_s)},
        "laneShare": format_percent(policy.lane_share_ratio),
        "tenantHeader": policy.tenant_header or None,
        "workloads": [_workload(rule) for rule in policy.workloads],
        "queue": _queue(policy.queue),
        "programs": None if policy.programs is None else _programs(policy.programs),
    })  # fmt: skip


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _weights(weights: Weights) -> dict[str, float]:
    return {
        "waitTime": float(weights.wait_time),
        "criticality": float(weights.criticality),
        "requestRate": float(weights.request_rate),
        "service": float(weights.service),
    }


def _workload(rule: WorkloadRule) -> dict[str, Any]:
    quota = _present({"queued": rule.quota.queued, "inFlight": rule.quota.in_flight})
    return _present({
        "id": rule.id,
        "tenant": rule.tenant,
        "criticality": rule.criticality,
        "maxCriticality": rule.max_criticality,
        "weights": None if rule.weights is None else _weights(rule.weights),
        "ordering": None if rule.ordering is None else str(rule.ordering),
        "admission": rule.admission,
        "quota": quota or None,
    })  # fmt: skip


def _queue(queue: QueueLimits) -> dict[str, Any]:
    return {
        "ttl": format_duration(queue.ttl_s),
        "noEndpointTTL": format_duration(queue.no_endpoint_ttl_s),
        "maxRequests": queue.max_requests,
        "maxBytes": format_bytes(queue.max_bytes),
        "saturation": _saturation(queue.saturation),
    }


def _saturation(saturation: Saturation) -> dict[str, Any]:
    """Return only what the detector reads, as the resource's own rule wants it."""
    fields: dict[str, Any] = {"detector": str(saturation.detector)}
    match saturation.detector:
        case Detector.CONCURRENCY:
            fields |= {"maxConcurrency": saturation.max_concurrency}
        case Detector.UTILIZATION:
            fields |= {"queueDepth": saturation.queue_depth, "kvUsage": format_percent(saturation.kv_usage_ratio)}
        case Detector.LEARNED:
            pass
    return fields


def _programs(programs: Programs) -> dict[str, Any]:
    return {
        "headers": list(programs.headers),
        "bodyFields": list(programs.body_fields),
        "parentHeaders": list(programs.parent_headers),
        "idleTTL": format_duration(programs.idle_ttl_s),
        "maxPrograms": programs.max_programs,
        "levels": programs.levels,
        "admission": programs.admission,
        "locality": programs.locality,
        "enginePriority": programs.engine_priority,
    }
