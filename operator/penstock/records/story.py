"""A recorded decision as a short text for people: need, capacity, choice, and what would have made it another."""

from collections.abc import Sequence
from datetime import UTC, datetime

from penstock.domain.decisions import Candidate, Decision, Reasoning
from penstock.domain.reasons import LimitReason
from penstock.domain.units import format_duration, format_percent
from penstock.records.record import Record
from penstock.scaling.phrases import rate
from penstock.status.messages import message

_WIDTH = 10
_BINDS = {
    "attainment": "attainment; no bound, quota or window",
    "window": "the window: less must have sufficed for a while before anything goes",
}


def story(record: Record, decision: Decision, now: Sequence[tuple[str, str]] = ()) -> str:
    """Return what one pass decided about a variant and why, line by line; `now` are lines of what became of it."""
    when, reason = _clock(record.observation.now_s), decision.this_pass
    head = f"{decision.key.name}  {_moved(decision)} at {when} ({reason}{_id(decision)})"
    lines = [*_lines(decision, record.observation.now_s), *now]
    return "\n".join([head, *(f"  {name:{_WIDTH}}{text}" for name, text in lines)]) + "\n"


def _moved(decision: Decision) -> str:
    before, after = decision.previous, decision.desired
    if after is None:
        return "no number yet"
    return f"{after}" if before in {None, after} else f"{before} -> {after}"


def _id(decision: Decision) -> str:
    return f", record {decision.record_id}" if decision.record_id else ""


def _clock(now_s: float) -> str:
    return datetime.fromtimestamp(now_s, UTC).strftime("%H:%M:%S")


def _lines(decision: Decision, now_s: float) -> list[tuple[str, str]]:
    why = decision.reasoning
    lines = [("need", _need(why))] if why else []
    lines += [("capacity", _capacity(decision))] if decision.capacity_per_s else []
    lines += [("chosen", _chosen(why))] if why and why.candidates else []
    lines += [("binds", _binds(decision, why))] if why else []
    if not lines or not why:
        lines += [("because", because(decision, now_s))]
    return lines


def _need(why: Reasoning) -> str:
    need = why.arriving_per_s + why.trend_per_s + why.burst_per_s + why.backlog_per_s
    named = {
        "by the trend": why.trend_per_s,
        "backlog": why.backlog_per_s,
        "room for more": why.burst_per_s,
    }
    parts = [
        f"{why.arriving_per_s:.1f} arriving",
        *(f"{value:.1f} {name}" for name, value in named.items() if round(value, 1)),
    ]
    held = f"; {why.held_per_s:.1f} within the window" if why.held_per_s > need else ""
    return f"{rate(need)} in {why.horizon_s:.0f} s: {', '.join(parts)}{held}"


def _capacity(decision: Decision) -> str:
    slo, per_s = decision.slo, decision.capacity_per_s or 0.0
    within = f"ttft {format_duration(slo.ttft_s)}, tpot {format_duration(slo.tpot_s)}"
    return f"{per_s:.2f} req/s a replica within {within} at {format_percent(slo.attainment_ratio)}{_doubt(decision)}"


def _doubt(decision: Decision) -> str:
    deviation, error, why = decision.capacity_deviation_ratio, decision.capacity_error_ratio, decision.reasoning
    parts = [] if deviation is None else [f"± {deviation:.0%}"]
    parts += [f"{why.samples} samples"] if why and why.samples else []
    parts += [] if error is None else [f"{error:.0%} off of late"]
    return f" ({', '.join(parts)})" if parts else ""


def _chosen(why: Reasoning) -> str:
    first, *others = [f"{_fleet(one)}, {one.cost_per_h:.2f}/h" for one in why.candidates]
    if round(why.gap_ratio, 2):
        first += f" (at most {why.gap_ratio:.0%} could be saved)"
    return f"{first}; next best {others[0]}" if others else f"{first}; nothing else serves it"


def _fleet(one: Candidate) -> str:
    return " + ".join(f"{count} x {name}" for name, count in one.replicas if count) or "nothing"


def _binds(decision: Decision, why: Reasoning) -> str:
    text = f"{_BINDS.get(why.binds) or _limit(decision, why.binds)}."
    if why.below_per_s is not None and why.fewer is not None:
        text += f" Below {rate(why.below_per_s)}: {why.fewer}, after {format_duration(round(why.window_s))};"
    if why.above_per_s is not None and why.more is not None:
        text += f" above {rate(why.above_per_s)}: {why.more}"
    return text.rstrip(";")


def _limit(decision: Decision, reason: str) -> str:
    """Return a limit in words; a bound that only this pass met is told although the verdict is within limits."""
    if decision.limited.reason == reason:
        return message(decision.limited, {}).rstrip(".")
    if reason == LimitReason.MIN_REPLICAS:
        return f"minReplicas {decision.min_replicas}"
    return f"maxReplicas {decision.max_replicas}"


def because(decision: Decision, now_s: float) -> str:
    """Return the cause of the number in the pass at `now_s`: a summary is that of the last change, however old."""
    if decision.summary and decision.changed_at_s == now_s:
        return decision.summary
    if decision.computed and decision.need_per_s is not None and decision.capacity_per_s:
        return f"{rate(decision.need_per_s)} needed, {decision.capacity_per_s:.2f} req/s a replica"
    if decision.computed:
        return "what runs is what is needed"
    return f"the last decision holds: {decision.optimization.reason}, {decision.metrics.reason}"
