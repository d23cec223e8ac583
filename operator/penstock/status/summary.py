"""The status body of a VariantAutoscaling from one outcome, in the units and spelling that WVA gave its fields.

What is not known is not there: no zero and no empty string stands for it.
"""

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.decisions import Decision, Outcome
from penstock.domain.units import format_duration, format_percent
from penstock.domain.variants import Slo
from penstock.status.conditions import conditions, fold, timestamp
from penstock.status.writes import must_write

__all__ = ["must_write", "variant_status"]

_MS: Final = 1000.0
_PER_MINUTE: Final = 60.0


def variant_status(outcome: Outcome, previous_status: Mapping[str, Any], now_s: float) -> dict[str, Any]:
    """Return the whole status for server-side apply; transition times come from `previous_status`."""
    decision, before = outcome.decision, previous_status.get("conditions") or ()
    ref = decision.target_ref
    return _known(
        observedGeneration=decision.generation,
        scaleTargetRef={"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name},
        currentAlloc=_current(outcome),
        desiredOptimizedAlloc=_desired(decision),
        actuation={"applied": outcome.active.reason.applied, "mode": decision.mode.value},
        replicas=_replicas(outcome),
        slo=_slo(decision.slo),
        learned=_learned(outcome),
        decision=_decision(decision),
        unavailableUntil=timestamp(until_s) if (until_s := outcome.learnt.unavailable_until_s) is not None else None,
        conditions=fold(before, conditions(outcome), generation=decision.generation, now_s=now_s),
    )


def current_replicas(outcome: Outcome) -> int | None:
    """Return what runs: as seen after acting, else as seen before; one number for status and gauges."""
    return outcome.decision.alloc.replicas if outcome.current is None else outcome.current


def _cost_per_h(outcome: Outcome) -> float | None:
    """Return what all replicas cost per hour, those without a place as well: WVA's product of two fields."""
    current, each = current_replicas(outcome), outcome.decision.alloc.cost_per_replica_per_h
    return None if current is None or each is None else current * each


def _current(outcome: Outcome) -> dict[str, Any]:
    alloc = outcome.decision.alloc
    return _known(
        accelerator=alloc.accelerator,
        numReplicas=current_replicas(outcome),
        maxBatch=alloc.max_batch,
        variantCost=_decimal(_cost_per_h(outcome)),
        itlAverage=_decimal(alloc.itl_s, _MS),
        ttftAverage=_decimal(alloc.ttft_s, _MS),
        load=_known(
            arrivalRate=_decimal(alloc.arrival_per_s, _PER_MINUTE),
            avgInputTokens=_decimal(alloc.input_tokens),
            avgOutputTokens=_decimal(alloc.output_tokens),
        ),
    )


def _desired(decision: Decision) -> dict[str, Any]:
    if decision.desired is None:
        return {}
    return _known(
        numReplicas=decision.desired,
        accelerator=decision.alloc.accelerator,
        lastRunTime=timestamp(decision.decided_at_s),
    )


def _replicas(outcome: Outcome) -> dict[str, int]:
    """Return the counts; without the first of them the others are not known either."""
    if outcome.current is None:
        return {}
    return {
        "current": outcome.current,
        "ready": outcome.ready,
        "starting": outcome.starting,
        "stuck": outcome.stuck,
        "draining": outcome.draining,
    }


def _slo(slo: Slo) -> dict[str, str]:
    return {
        "ttft": format_duration(slo.ttft_s),
        "tpot": format_duration(slo.tpot_s),
        "attainment": format_percent(slo.attainment_ratio),
        "source": slo.source.value,
    }


def _learned(outcome: Outcome) -> dict[str, Any]:
    """Return what was measured; nothing before a start was seen, or a rate was learnt."""
    learnt, decision = outcome.learnt, outcome.decision
    error = decision.capacity_error_ratio
    if not learnt.starts and error is None:
        return {}
    return _known(
        requestsPerSecond=_decimal(decision.capacity_per_s),
        error=None if error is None else format_percent(round(error, 2)),
        startupTime=None if learnt.startup_s is None else f"{round(learnt.startup_s)}s",
        starts=learnt.starts,
    )


def _decision(decision: Decision) -> dict[str, Any]:
    if not decision.record_id:
        return {}
    return _known(
        id=decision.record_id,
        time=timestamp(decision.changed_at_s),
        reason=decision.reason.value,
        summary=decision.summary or None,
    )


def _decimal(value: float | None, factor: float = 1.0) -> str | None:
    return None if value is None else f"{value * factor:.2f}"


def _known(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - values of a JSON body
    return {name: value for name, value in fields.items() if value is not None and value != {}}
