"""WorkloadPolicy: whose routers order requests how, and how a new generation replaces the last good one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from penstock.api.checked import Closed, Rule, read
from penstock.api.fields import Duration, IntOrPercent, Percent
from penstock.api.metadata import read_metadata, section
from penstock.api.names import POOL_GROUP, POOL_KIND
from penstock.api.policyfields import PolicyFields
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Policy
from penstock.domain.variants import ObjectKey


class RolloutType(StrEnum):
    """How a generation replaces the last good one: everywhere at once, on a part, or only on paper."""

    ALL = "All"
    CANARY = "Canary"
    SHADOW = "Shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTarget:
    """Whose routers are meant: an InferencePool, or a Service (group empty), in the policy's namespace."""

    group: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a generation arrives. A canary runs on `routers` pods, a share of them, or a share of the workloads."""

    type: RolloutType = RolloutType.ALL
    routers: int | None = None
    routers_ratio: float | None = None
    workloads_ratio: float | None = None
    duration_s: float = 600.0
    max_regression_ratio: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPolicy:
    """One WorkloadPolicy, parsed, every default applied. `created_at_s` decides which of two on one router is older."""

    key: ObjectKey
    uid: str
    generation: int
    created_at_s: float
    target_ref: PolicyTarget
    policy: Policy
    rollout: Rollout


class TargetRefFields(Closed):
    """Whose routers run this policy; in the same namespace."""

    group: Annotated[str, Field(max_length=253)]
    """inference.networking.k8s.io for an InferencePool, empty for a Service."""
    kind: Annotated[str, Field(min_length=1, max_length=63)]
    """InferencePool or Service."""
    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the target; a pool leads to its routers by endpointPickerRef."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=f"(self.kind == '{POOL_KIND}' && self.group == '{POOL_GROUP}') || "
            "(self.kind == 'Service' && self.group == '')",
            holds=lambda ref: (ref.kind, ref.group) in {(POOL_KIND, POOL_GROUP), ("Service", "")},
            message=f"kind and group do not fit: write kind {POOL_KIND} with group {POOL_GROUP}, "
            'or kind Service with group ""',
            field="kind",
        ),
    )


class RolloutFields(Closed):
    """How this generation replaces the last good one."""

    type: Annotated[RolloutType, Field(strict=False)] | None = None
    """Everywhere at once, on a part with promotion or return by itself, or only decided and counted; absent means
    All."""
    routers: IntOrPercent | None = None
    """Router pods of a canary: how many, or what share."""
    workloads_ratio: Annotated[float, Percent(at_least="1%", at_most="100%")] | None = Field(None, alias="workloads")
    """Share of the workload ids of a canary, chosen by hash; absent means 10% where routers is absent too."""
    duration_s: Annotated[float, Duration(at_least="1m")] | None = Field(None, alias="duration")
    """How long canary and base are compared before promotion; absent means 10m."""
    max_regression_ratio: Annotated[float, Percent(at_least="0%", at_most="100%")] | None = Field(
        None, alias="maxRegression"
    )
    """By how much P95 wait or error ratio of any criticality may be worse before the return; absent means 20%."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.routers) || !has(self.workloads)",
            holds=lambda r: r.routers is None or r.workloads_ratio is None,
            message="routers and workloads exclude each other: keep one of them",
            field="routers",
        ),
        Rule(
            cel="(has(self.type) && self.type == 'Canary') || (!has(self.routers) && !has(self.workloads))",
            holds=lambda r: r.type is RolloutType.CANARY or (r.routers is None and r.workloads_ratio is None),
            message="routers and workloads are read only with type Canary: remove them, or set type to Canary",
            field="type",
        ),
    )

    def value(self) -> Rollout:
        """Return the rollout after defaults."""
        given = self.given("type", "duration_s", "max_regression_ratio", "workloads_ratio")
        if isinstance(self.routers, int):
            given["routers"] = self.routers
        elif self.routers is not None:
            given["routers_ratio"] = self.routers
        elif self.type is RolloutType.CANARY:
            given.setdefault("workloads_ratio", 0.1)
        return Rollout(**given)


class WorkloadPolicySpec(PolicyFields):
    """How the requests of one pool are ordered and admitted; whatever is absent has a default that status shows."""

    target_ref: TargetRefFields
    """Whose routers run this policy."""
    rollout: RolloutFields | None = None
    """How this generation replaces the last good one; absent means everywhere at once."""


def parse_policy(body: Mapping[str, Any]) -> WorkloadPolicy:
    """Return the value of a WorkloadPolicy object.

    Raises:
        InvalidField: a field is missing or cannot be, by its path from `spec` or `metadata`.
    """
    metadata = read_metadata(body)
    spec = read(WorkloadPolicySpec, section(body, "spec"), "spec")
    return WorkloadPolicy(
        key=metadata.key,
        uid=metadata.uid,
        generation=metadata.generation,
        created_at_s=metadata.created_at_s,
        target_ref=PolicyTarget(**spec.target_ref.model_dump()),
        policy=spec.policy(),
        rollout=spec.rollout.value() if spec.rollout else Rollout(),
    )


def parse_runnable(body: Mapping[str, Any]) -> WorkloadPolicy:
    """Return a policy that this version can bring to its routers.

    Raises:
        InvalidField: as `parse_policy`; or the policy asks for less than all routers, who would get it whole.
    """
    parsed = parse_policy(body)
    if parsed.rollout.type is not RolloutType.ALL:
        remedy = "remove it; this version applies a policy to all routers at once"
        raise InvalidField("rollout.type", parsed.rollout.type.value, remedy)
    return parsed
