"""Why a number changed, for people: what was expected, what was weighed, and when it would be another."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.domain.decisions import Candidate, Reasoning, Verdict
from penstock.domain.reasons import DecisionReason, LimitReason
from penstock.scaling.cases import Case
from penstock.scaling.forecast import Forecast
from penstock.scaling.members import Member
from penstock.scaling.mix import Offer, capacity_of, cheapest
from penstock.scaling.model import Model
from penstock.scaling.plan import Plan

_MOST_CANDIDATES: Final = 3
_A_LITTLE: Final = 1e-6


class Number(NamedTuple):
    """What was asked of a variant before, what is now, why that is another, and what bounds it."""

    case: Case
    previous: int | None
    desired: int | None
    reason: DecisionReason
    limited: Verdict[LimitReason]


class Explanation(NamedTuple):
    """Measured error and own deviation of a variant's capacity, and where its number changes, why; None is unknown."""

    error_ratio: float | None = None
    deviation_ratio: float | None = None
    reasoning: Reasoning | None = None


_NOTHING: Final = Explanation()


def explanation(number: Number, model: Model | None, found: Plan | None) -> Explanation:
    """Return what is to be told of the variant's capacity and number."""
    if model is None or found is None:
        return _NOTHING
    member = _member(number.case, model)
    if member is None:
        return _NOTHING
    capacity, error_ratio = member.capacity, member.experience.capacity_error_ratio
    if number.desired == number.previous or model.ahead is None:
        return Explanation(error_ratio, capacity.error_ratio)
    reasoning = _reasoning(number, model, model.ahead, found, capacity.samples)
    return Explanation(error_ratio, capacity.error_ratio, reasoning)


def _member(case: Case, model: Model) -> Member | None:
    for member in model.members:
        if member.case is case:
            return member
    return None


def _reasoning(number: Number, model: Model, ahead: Forecast, found: Plan, samples: int) -> Reasoning:
    index = next(i for i, offer in enumerate(found.offers) if offer.key == number.case.key)
    goal = tuple(found.goal[offer.key] for offer in found.offers)
    below, fewer = _fewer(found.offers, goal, index)
    above, more = _more(found.offers, goal, index)
    return Reasoning(
        arriving_per_s=ahead.level_per_s,
        trend_per_s=ahead.trend_per_s,
        burst_per_s=ahead.burst_per_s,
        backlog_per_s=ahead.backlog_per_s,
        held_per_s=model.held_per_s,
        horizon_s=ahead.lead_s,
        window_s=model.window_s,
        samples=samples,
        candidates=_candidates(found, goal),
        gap_ratio=found.gap_ratio,
        binds=_binds(number, found, ahead.need_per_s),
        below_per_s=below,
        fewer=fewer,
        above_per_s=above,
        more=more,
    )


def _candidates(found: Plan, goal: tuple[int, ...]) -> tuple[Candidate, ...]:
    """Return what was chosen, and the cheapest others that serve the need: of all variants anew, and of one alone."""
    weighed = [cheapest(found.target_per_s, found.offers)]
    for alone in found.offers:
        only = tuple(offer if offer is alone else offer._replace(ceiling=offer.floor) for offer in found.offers)
        weighed.append(cheapest(found.target_per_s, only))
    served = {mix.replicas for mix in weighed if mix.unserved_per_s <= 0} - {goal}
    others = sorted((_candidate(found.offers, each) for each in served), key=lambda one: (one.cost_per_h, one.replicas))
    return (_candidate(found.offers, goal), *others[: _MOST_CANDIDATES - 1])


def _candidate(offers: Sequence[Offer], replicas: Sequence[int]) -> Candidate:
    pairs = tuple((offer.key.name, number) for offer, number in zip(offers, replicas, strict=True))
    cost = sum(offer.price * number for offer, number in zip(offers, replicas, strict=True))
    return Candidate(replicas=pairs, cost_per_h=cost)


def _fewer(offers: Sequence[Offer], goal: Sequence[int], index: int) -> tuple[float | None, int | None]:
    """Return below which need one replica of this variant could go, and the number then."""
    if goal[index] <= offers[index].floor:
        return None, None
    left = [number - (place == index) for place, number in enumerate(goal)]
    return capacity_of(offers, left), left[index]


def _more(offers: Sequence[Offer], goal: Sequence[int], index: int) -> tuple[float | None, int | None]:
    """Return above which need this variant would grow, and the number then."""
    above = capacity_of(offers, goal)
    rising = tuple(offer._replace(floor=number, base=number) for offer, number in zip(offers, goal, strict=True))
    after = cheapest(above + _A_LITTLE * max(above, 1.0) + _A_LITTLE, rising).replicas[index]
    return (above, after) if after > goal[index] else (None, None)


def _binds(number: Number, found: Plan, need_per_s: float) -> str:
    if number.limited.reason is not LimitReason.WITHIN:
        return number.limited.reason.value
    if number.reason is DecisionReason.BOUND:
        rose = (number.desired or 0) > (number.case.base or 0)
        return (LimitReason.MIN_REPLICAS if rose else LimitReason.MAX_REPLICAS).value
    return "window" if found.target_per_s > need_per_s else "attainment"
