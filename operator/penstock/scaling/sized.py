"""What a plan asks of each variant of a model, in words and verdicts that its owner understands."""

from typing import NamedTuple

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import DecisionReason, LimitReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.bounds import WITHIN
from penstock.scaling.cases import Case, Proposal
from penstock.scaling.forecast import Forecast
from penstock.scaling.members import Member
from penstock.scaling.model import Model
from penstock.scaling.phrases import asked, by_outage, by_slo, standing_in
from penstock.scaling.plan import Plan
from penstock.scaling.quotas import in_words, limit
from penstock.scaling.saturation import is_any_full


class _Asked(NamedTuple):
    """A model, its plan, and what it is asked for, also in words: the same for all of its variants."""

    model: Model
    found: Plan
    need_per_s: float
    words: str
    spare_per_s: float
    could_sleep: bool


def propose(model: Model, found: Plan, ahead: Forecast) -> dict[ObjectKey, Proposal]:
    """Return a proposal for each member of a model whose demand is known."""
    of = _Asked(model, found, ahead.need_per_s, asked(ahead), _spare(found, ahead.need_per_s), _could_sleep(model))
    return {member.key: _proposal(member, of) for member in model.members}


def _proposal(member: Member, of: _Asked) -> Proposal:
    key, need_per_s, found, is_complete = member.key, of.need_per_s, of.found, of.model.is_complete
    reason = _reason(member, found)
    return Proposal(
        replicas=found.replicas[key],
        why=_why(member, of, reason) + (_by_quota(member, found) if found.bound else ""),
        optimization=member.capacity.verdict,
        limited=_limited(member, of),
        may_lower=is_complete,
        guarded=_is_guarded(member.case),
        steady=True,
        kept=not is_complete and found.target_per_s > need_per_s,
        reason=reason,
        lowered=DecisionReason.SPILL if key in found.given_up else DecisionReason.DEMAND_DOWN,
        need_per_s=need_per_s,
        capacity_per_s=member.capacity.per_s,
    )


def _reason(member: Member, found: Plan) -> DecisionReason | None:
    """Return why a number rises, where it is not demand."""
    key = member.key
    goal = found.goal[key]
    if goal > found.plain[key] and goal > member.counted:
        return DecisionReason.SPILL
    outage = member.experience.outage
    if outage is not None and not member.away:
        return DecisionReason.RETURN
    return DecisionReason.DEMAND_UP


def _why(member: Member, of: _Asked, reason: DecisionReason | None) -> str:
    model, found = of.model, of.found
    each = member.capacity
    plain = by_slo(of.words, each.per_s, each.missed, by_some=each.missed_by_some)
    if member.key in found.given_up:
        return by_outage(member.pending.stuck, member.case.terms.accelerator, member.pending.late)
    if reason is DecisionReason.SPILL:
        return standing_in([o.key.name for o in model.members if found.plain[o.key] > found.goal[o.key]], plain)
    if model.held_per_s > of.need_per_s and found.replicas[member.key] >= member.base:
        return f"{plain}; the most asked for within the window"
    return plain


def _by_quota(member: Member, found: Plan) -> str:
    quota = found.bound.get(member.key)
    if quota is None:
        return ""
    rest = f"leaves {found.unserved_per_s:.3g} req/s unserved" if found.unserved_per_s > 0 else "sends some elsewhere"
    return f"; quota of {in_words(quota)} {rest}"


def _limited(member: Member, of: _Asked) -> Verdict[LimitReason]:
    model, found = of.model, of.found
    bounds, goal = member.case.terms.bounds, found.goal[member.key]
    if member.away:
        return Verdict(LimitReason.STUCK_PENDING)
    if found.unserved_per_s > 0 and member.key in found.bound:
        return limit(found.bound[member.key])
    if of.could_sleep and not model.is_seen and goal:
        return Verdict(LimitReason.NO_WAKE_SOURCE)
    if goal == bounds.max_replicas and (found.unserved_per_s > 0 or _dearer_ones_serve(member, model, found)):
        return bounds.most()
    if goal and goal == bounds.min_replicas and of.spare_per_s >= member.capacity.per_s:
        return bounds.least()
    return WITHIN


def _spare(found: Plan, need_per_s: float) -> float:
    """Return what the goal serves beyond the need, whatever a window still holds of it."""
    return sum([offer.capacity_per_s * found.goal[offer.key] for offer in found.offers]) - need_per_s


def _could_sleep(model: Model) -> bool:
    """Whether nothing is asked of the model, and nobody wants a replica of it to stay."""
    idle = model.ahead is not None and not model.ahead.need_per_s and not model.held_per_s
    return idle and not any(member.case.terms.bounds.min_replicas for member in model.members)


def _dearer_ones_serve(member: Member, model: Model, found: Plan) -> bool:
    each = member.case.weight / member.capacity.per_s
    return any(
        found.goal[other.key] > other.case.terms.bounds.min_replicas and other.case.weight / other.capacity.per_s > each
        for other in model.members
    )


def _is_guarded(case: Case) -> bool:
    """Whether an engine of this variant is full, whatever is thought of its capacity."""
    return is_any_full(case.load, case.terms.thresholds)
