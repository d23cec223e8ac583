"""What a WorkloadPolicy says of one workload: weights, caps, quota, and exceptions among its own programs."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from penstock.api.checked import Closed, Rule
from penstock.api.fields import PositiveInt, Weight, pattern_text
from penstock.domain.policies import Ordering, Quota, Weights, WorkloadRule

STORED_DEFAULT: Final = "x-penstock-stored-default"  # the converter turns it into `default`; list-map keys need one


class WorkloadOrdering(StrEnum):
    """Orderings that one workload may have among its own programs."""

    PLAS = "PLAS"
    ATLAS = "ATLAS"
    PROGRAM_FCFS = "ProgramFCFS"
    TURN = "Turn"


class Admission(StrEnum):
    """How programs enter the working set of an engine."""

    LEVEL = "Level"
    ARRIVAL = "Arrival"
    OFF = "Off"


_WEIGHTS: Final = ("waitTime", "criticality", "requestRate", "service")


class WeightsFields(Closed):
    """Weights of w·W + c·C − r·R, from 0 to 100."""

    wait_time: Weight | None = None
    """Weight of the wait; absent means 0.4. In program orderings a quarter of it is the lane's share."""
    criticality: Weight | None = None
    """Weight of the criticality; absent means 0.4."""
    request_rate: Weight | None = None
    """Weight of the workload's request rate, which counts against it; absent means 0.2."""
    service: Weight | None = None
    """Weight of one doubling of attained service, in program orderings; absent means 1."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel=" || ".join(f"!has(self.{weight}) || self.{weight} > 0.0" for weight in _WEIGHTS),
            holds=lambda w: any(each != 0 for each in (w.wait_time, w.criticality, w.request_rate, w.service)),
            message="waitTime, criticality, requestRate and service are all 0, which orders nothing: set one above 0",
            field="waitTime",
        ),
    )

    def over(self, base: Weights) -> Weights:
        """Return the base with what is named here in its place."""
        return replace(base, **self.given())


class QuotaFields(Closed):
    """Limits of one workload in each router."""

    queued: PositiveInt | None = None
    """Most queued requests; above it a request is answered with 429. Absent means no limit."""
    in_flight: PositiveInt | None = None
    """Most requests at the engines; above it a request waits. Absent means no limit."""


class WorkloadFields(Closed):
    """What holds for one workload, or for all whose id begins alike."""

    id: Annotated[
        str,
        pattern_text(
            "^[A-Za-z0-9._:/-]{0,63}[*]?$",
            "write an id of at most 63 letters, digits or . _ : / -, or a prefix that ends in *",
            64,
        ),
    ]
    """Exact id, or a prefix that ends in *. An exact id goes before the longest prefix."""
    tenant: Annotated[str, Field(max_length=253, json_schema_extra={STORED_DEFAULT: ""})] = ""
    """Tenant whose requests are meant, as tenantHeader names it; empty means any."""
    criticality: Annotated[int, Field(ge=1, le=5)] | None = None
    """Criticality of requests that declare none; absent means 3, or maxCriticality where that is lower."""
    max_criticality: Annotated[int, Field(ge=1, le=5)] | None = None
    """Highest criticality that counts; absent means 5."""
    weights: WeightsFields | None = None
    """Weights for this workload; only what is named replaces the policy's."""
    ordering: Annotated[WorkloadOrdering, Field(strict=False)] | None = None
    """Order among the programs of this workload; absent means the policy's."""
    admission: Annotated[Admission, Field(strict=False)] | None = None
    """Admission of the programs of this workload; absent means the policy's."""
    quota: QuotaFields | None = None
    """Limits in each router."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="!has(self.criticality) || !has(self.maxCriticality) || self.criticality <= self.maxCriticality",
            holds=lambda w: None in {w.criticality, w.max_criticality} or w.criticality <= w.max_criticality,
            message="criticality must not be above maxCriticality: lower criticality, or raise maxCriticality",
            field="criticality",
        ),
    )

    def rule(self, policy: Weights) -> WorkloadRule:
        """Return the rule; its weights are complete, filled from the policy's."""
        given = self.given("criticality", "max_criticality")
        return WorkloadRule(
            id=self.id,
            tenant=self.tenant,
            weights=None if self.weights is None else self.weights.over(policy),
            ordering=None if self.ordering is None else Ordering(self.ordering),
            admission=None if self.admission is None else str(self.admission),
            quota=Quota(**self.quota.given()) if self.quota else Quota(),
            **given,
        )
