"""One healthy outcome for tests of what is told; a test names only what differs."""

from dataclasses import replace
from typing import Any

from penstock.domain.decisions import Allocation, Decision, Outcome, Verdict
from penstock.domain.reasons import (
    ActiveReason,
    DecisionReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    TargetReason,
)
from penstock.domain.variants import Actuation, ObjectKey, Slo, SloSource, TargetRef

DECIDED_S = 1_795_166_070.0  # 2026-11-20T09:14:30Z
CHANGED_S = DECIDED_S - 180

ALLOC = Allocation(
    accelerator="A100",
    replicas=3,
    max_batch=4,
    cost_per_h=120.0,
    cost_per_replica_per_h=40.0,
    itl_s=0.02153,
    ttft_s=0.09782,
    arrival_per_s=2.0,
    input_tokens=100.0,
    output_tokens=128.0,
)

DECISION = Decision(
    key=ObjectKey("llm", "chat-a100"),
    model="default/default",
    generation=3,
    target_ref=TargetRef(api_version="apps/v1", kind="Deployment", name="chat-a100"),
    mode=Actuation.SCALE,
    desired=3,
    previous=3,
    computed=True,
    reason=DecisionReason.DEMAND_UP,
    summary="2 -> 3: 2.0 req/s expected in 94 s, one replica serves 0.83 req/s within the SLO",
    record_id="7f3a91c2",
    changed_at_s=CHANGED_S,
    decided_at_s=DECIDED_S,
    target=Verdict(TargetReason.FOUND),
    metrics=Verdict(MetricsReason.FOUND),
    optimization=Verdict(OptimizationReason.SUCCEEDED),
    limited=Verdict(LimitReason.WITHIN),
    active=None,
    alloc=ALLOC,
    slo=Slo(ttft_s=0.5, tpot_s=0.024, attainment_ratio=0.995, source=SloSource.SERVICE_CLASS),
    min_replicas=1,
    max_replicas=None,
    need_per_s=2.0,
    capacity_per_s=0.83,
    data_age_s=12.0,
)


def outcome(active: Verdict[ActiveReason] | ActiveReason = ActiveReason.SCALE_APPLIED, **decision: Any) -> Outcome:
    """Return the healthy outcome with changes of its decision; counts are given by name, too."""
    counts = {
        name: decision.pop(name) for name in ("current", "ready", "starting", "stuck", "draining") if name in decision
    }
    calm = Outcome(
        decision=DECISION._replace(**decision),
        active=active if isinstance(active, Verdict) else Verdict(active),
        current=3,
        ready=3,
        starting=0,
        stuck=0,
        draining=0,
    )
    return replace(calm, **counts)


def reasons(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return status and reason of each condition."""
    return {row["type"]: (row["status"], row["reason"]) for row in status["conditions"]}
