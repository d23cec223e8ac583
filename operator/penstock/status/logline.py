"""What the operator's log says of one outcome; people and WVA's own tooling look for these sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.domain.decisions import Outcome
from penstock.domain.reasons import OptimizationReason

SKIPPING: Final = "Metrics unavailable, skipping optimization for variant"
COMPLETED: Final = "Optimization completed successfully"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; `level` is INFO, WARNING or ERROR, `fields` follow in their order as key=value."""

    level: str
    message: str
    fields: Mapping[str, str | int]


def variant_line(outcome: Outcome) -> LogLine | None:
    """Return the line on one variant: why it was held, what failed, or how its number moved; None when all is quiet."""
    decision = outcome.decision
    names = {"namespace": decision.key.namespace, "variant": decision.key.name}
    match decision.optimization.reason:
        case OptimizationReason.METRICS_UNAVAILABLE:
            return LogLine("WARNING", SKIPPING, {**names, "reason": decision.metrics.reason.value})
        case OptimizationReason.FAILED:
            facts = {"record": decision.optimization.facts.get("id", ""), **_error(outcome)}
            return LogLine("ERROR", "Optimization failed for variant", {**names, **facts})
    unshared = {name: fact for name, fact in decision.optimization.facts.items() if name == "unshared"}
    if decision.desired is None or decision.desired == decision.previous:
        return LogLine("WARNING", "Quotas are held by priority alone", {**names, **unshared}) if unshared else None
    moved = {"desired": decision.desired, "reason": decision.reason.value, "record": decision.record_id}
    return LogLine("WARNING" if unshared else "INFO", f"Decided {decision.summary}", {**names, **moved, **unshared})


def pass_line(outcomes: Sequence[Outcome]) -> LogLine | None:
    """Return the line on a whole pass; None where it computed nothing or something failed."""
    computed = sum(outcome.decision.computed for outcome in outcomes)
    failed = any(outcome.decision.optimization.reason is OptimizationReason.FAILED for outcome in outcomes)
    if failed or not computed:
        return None
    return LogLine("INFO", COMPLETED, {"computed": computed, "held": len(outcomes) - computed})


def _error(outcome: Outcome) -> dict[str, str]:
    error = outcome.decision.optimization.facts.get("error")
    return {} if error is None else {"error": error}
