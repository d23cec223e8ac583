"""The part of a WorkloadPolicy that routers run: what users may write, its rules, and its value after defaults."""

import math
from typing import Annotated, ClassVar, Final

from pydantic import Field

from penstock.api.checked import Closed, Rule
from penstock.api.fields import Duration, HeaderName, Percent
from penstock.api.programfields import ProgramsFields
from penstock.api.queuefields import QueueFields
from penstock.api.workloadfields import WeightsFields, WorkloadFields
from penstock.domain.policies import PROGRAM_ORDERINGS, Norms, Ordering, Policy, QueueLimits, Weights

FOR_EVER: Final = "a program could wait for ever"


class NormsFields(Closed):
    """What brings a component of the score to its reference value."""

    max_wait_s: Annotated[float, Duration(above="0s")] | None = Field(None, alias="maxWait")
    """Wait at which W is 1; absent means 60s."""
    rate_half_per_s: Annotated[float, Field(gt=0)] | None = Field(None, alias="rateHalf")
    """Requests per second at which R is one half; absent means 1."""


_PROGRAM_NAMES: Final = ", ".join(f"'{name}'" for name in sorted(PROGRAM_ORDERINGS))
_BY_PROGRAM_CEL: Final = f"(has(self.ordering) ? self.ordering in [{_PROGRAM_NAMES}] : has(self.programs))"


class PolicyFields(Closed):
    """How requests are ordered and admitted."""

    ordering: Annotated[Ordering, Field(strict=False)] | None = None
    """Order of all queued requests; absent means Hybrid where programs is there, else WorkloadAware."""
    weights: WeightsFields | None = None
    """Weights of the score."""
    norms: NormsFields | None = None
    """Reference values of the score's components."""
    lane_share_ratio: Annotated[float, Percent(at_least="0%", at_most="50%", whole=True)] | None = Field(
        None, alias="laneShare"
    )
    """Share of dispatches that goes to the oldest queued program or request whatever its score: the starvation bound.
    Absent means a quarter of weights.waitTime in program orderings, else 0%."""
    tenant_header: HeaderName | None = None
    """Header, set by the gateway, that names the tenant; absent means no tenants."""
    workloads: Annotated[list[WorkloadFields], Field(max_length=64)] | None = Field(
        None, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id", "tenant"]}
    )
    """Caps, quotas and exceptions per workload."""
    queue: QueueFields | None = None
    """Bounds of the queue."""
    programs: ProgramsFields | None = None
    """Program-level scheduling; an empty mapping switches it on with its defaults."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            holds=lambda p: len({(w.id, w.tenant) for w in p.workloads or ()}) == len(p.workloads or ()),
            message="an id and tenant stand there twice: keep one of them",
            field="workloads",
        ),
        Rule(
            cel=f"!{_BY_PROGRAM_CEL} || !has(self.laneShare) || !(self.laneShare in ['0%', '00%', '000%'])",
            holds=lambda p: not p.by_program or p.lane_share_ratio != 0,
            message=f"laneShare 0% with a program ordering: {FOR_EVER}. Set laneShare to 1% or more, or leave it out",
            field="laneShare",
        ),
        Rule(
            cel=f"!{_BY_PROGRAM_CEL} || has(self.laneShare) || !has(self.weights) || !has(self.weights.waitTime) || "
            "(self.weights.waitTime > 0.0 && self.weights.waitTime <= 2.0)",
            holds=lambda p: not p.by_program or p.lane_share_ratio is not None or 0 < p.weights_in_force.wait_time <= 2,
            message="weights.waitTime outside (0, 2] gives no laneShare to a program ordering: "
            f"{FOR_EVER}. Set weights.waitTime within, or set laneShare",
            field="weights",
        ),
        Rule(
            cel="!has(self.workloads) || has(self.programs) || (has(self.ordering) && self.ordering == 'Hybrid') || "
            "self.workloads.all(w, !has(w.ordering) && !has(w.admission))",
            holds=lambda p: (
                p.programs is not None
                or p.ordering is Ordering.HYBRID
                or not any(w.ordering or w.admission for w in p.workloads or ())
            ),
            message="ordering and admission of a workload are read only with ordering Hybrid or with programs: "
            "remove them, or add programs: {}",
            field="workloads",
        ),
    )

    @property
    def by_program(self) -> bool:
        """Whether programs, not single requests, are ordered."""
        return self.ordering in PROGRAM_ORDERINGS if self.ordering else self.programs is not None

    @property
    def weights_in_force(self) -> Weights:
        """The weights after defaults."""
        return self.weights.over(Weights()) if self.weights else Weights()

    def policy(self) -> Policy:
        """Return what routers run: every default applied."""
        weights = self.weights_in_force
        return Policy(
            ordering=self.ordering or (Ordering.HYBRID if self.programs else Ordering.WORKLOAD_AWARE),
            weights=weights,
            norms=Norms(**self.norms.given()) if self.norms else Norms(),
            lane_share_ratio=self._lane(weights) if self.lane_share_ratio is None else self.lane_share_ratio,
            tenant_header=(self.tenant_header or "").lower(),
            workloads=tuple(workload.rule(weights) for workload in self.workloads or ()),
            queue=self.queue.limits() if self.queue else QueueLimits(),
            programs=self.programs.value() if self.programs else None,
        )

    def _lane(self, weights: Weights) -> float:
        """Return a quarter of the wait's weight, as whole percents rounded up, so that it is never none."""
        return math.ceil(round(weights.wait_time * 25, 6)) / 100 if self.by_program else 0.0
