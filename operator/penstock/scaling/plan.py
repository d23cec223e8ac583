"""How many replicas of each variant of one model: the cheapest that serve its need, reached without a gap."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Quota
from penstock.scaling.members import Member
from penstock.scaling.mix import Mix, Offer, capacity_of, cheapest
from penstock.scaling.model import Model
from penstock.scaling.rates import within_pace

RESIDES_S: Final = 1800.0
"""Seconds for which a replica is counted on to stay: what starting or giving one up costs is spread over them."""
SETTLES_S: Final = 600.0
"""Seconds from one exchange to the next."""
DRAINS_S: Final = 30.0
"""Seconds that a replica is still paid for after it was given up."""
CLEARLY: Final = 0.1
"""An exchange must save this share of the price of what it starts, so that a wrong capacity does not stir a fleet."""
AT_ONCE: Final = 1.0
"""One that follows another before this has settled must save as much as what it starts costs: where requests of
another mix of lengths come, the first exchange rests on half of it, and a second one may save half of the money."""
SPARED: Final = 0.03
"""Capacities are not known any better: where the need could be this share larger a replica is given up, where it is
this share larger one is started, and an exchange must win even over what would do were it this share smaller."""
WORSE: Final = 2.0
"""Times as many requests that even an idle replica answers too late: no price makes up for that, but need does."""
_SOMETHING: Final = 1e-6  # requests per second: a model that runs keeps the cheapest replica that serves anything


class Plan(NamedTuple):
    """Replicas to ask for. `goal` is what remains once all of them serve; `plain` what it were if all had a place.

    `target_per_s` is the need that the goal is for, `unserved_per_s` what nobody could take; `given_up` are variants
    whose replicas without a place are not asked for any longer; `exchanged` says that running ones make way;
    `bound` are the quotas that keep variants from more.
    """

    replicas: Mapping[ObjectKey, int]
    goal: Mapping[ObjectKey, int]
    plain: Mapping[ObjectKey, int]
    offers: tuple[Offer, ...]
    target_per_s: float
    unserved_per_s: float
    gap_ratio: float
    given_up: frozenset[ObjectKey]
    exchanged: bool
    bound: Mapping[ObjectKey, Quota] = MappingProxyType({})


def plan(model: Model, room: Mapping[ObjectKey, int] | None = None) -> Plan:
    """Return the plan for a model of which the demand is known; `room` are ceilings that quotas set."""
    members, rooms = model.members, room or {}
    offers = tuple([_offer(member, model, rooms.get(member.key) if rooms else None) for member in members])
    there = [_within(offer) for offer in offers]
    target = _target(model, capacity_of(offers, there))
    mix, exchanged = _choose(model, offers, there, target)
    if mix.unserved_per_s > 0 and any(_is_hopeless(member, model) for member in members):  # late is better than never
        anybody = [_offer(member, model, rooms.get(member.key), barring=False) for member in members]
        mix = cheapest(target, tuple([o._replace(floor=n) for o, n in zip(anybody, mix.replicas, strict=True)]))
    plain, others_suffice = mix, mix.unserved_per_s <= 0
    stuck = any(member.pending.stuck for member in members)
    if stuck or any(member.away for member in members):
        healthy = tuple(_offer(member, model, rooms.get(member.key), healthy=True) for member in members)
        plain = cheapest(target, healthy)
        if not others_suffice:  # nobody else has room, so that somebody without a place must be asked
            mix = cheapest(target, tuple(o._replace(floor=n) for o, n in zip(healthy, mix.replicas, strict=True)))
    given_up = frozenset(m.key for m in members if m.pending.late and others_suffice)
    asked = _without_gap(members, mix.replicas, target)
    keys = [offer.key for offer in offers]
    if stuck:
        asked = [
            max(number, _still_asked(member, want, given_up=member.key in given_up))
            for member, number, want in zip(members, asked, plain.replicas, strict=True)
        ]
    return Plan(
        replicas=dict(zip(keys, asked, strict=True)),
        goal=dict(zip(keys, mix.replicas, strict=True)),
        plain=dict(zip(keys, plain.replicas, strict=True)),
        offers=offers,
        target_per_s=target,
        unserved_per_s=mix.unserved_per_s,
        gap_ratio=mix.gap_ratio,
        given_up=given_up,
        exchanged=exchanged,
    )


def _offer(member: Member, model: Model, room: int | None, *, healthy: bool = False, barring: bool = True) -> Offer:
    bounds, price, counted = member.case.terms.bounds, member.case.weight, member.counted
    floor, ceiling = bounds.min_replicas, 0 if bounds.asleep else bounds.max_replicas
    start_cost, keep_gain = price * member.startup_s / RESIDES_S, price * DRAINS_S / RESIDES_S
    if room is not None:
        ceiling = room if ceiling is None else min(ceiling, room)
    if barring and _is_hopeless(member, model):
        ceiling = floor
    elif not healthy and (member.pending.stuck or member.away):
        ceiling = counted
    if member.fixed:
        floor = ceiling = counted
    floor = floor if ceiling is None else min(floor, ceiling)
    return Offer(member.key, member.capacity.per_s, price, floor, ceiling, counted, start_cost, keep_gain)


def _is_hopeless(member: Member, model: Model) -> bool:
    """Whether even idle it misses the targets far more often than another variant, which may miss them, too."""
    missed_ratio = member.capacity.missed_ratio
    return missed_ratio > 0 and any(missed_ratio > WORSE * other.capacity.missed_ratio for other in model.members)


def _target(model: Model, planned: float) -> float:
    """Return the need to plan for: what is expected if that is more than is there, what was of late if that is less.

    In between what there is suffices, and nothing moves. Nor does anything start on a guess, which a window of
    measuring makes good, while what runs keeps up.
    """
    up = max(model.ahead.need_per_s if model.ahead else 0.0, _least(model))
    if up * (1 - SPARED) <= planned < up or model.is_guessed:
        up = min(up, planned)
    if planned < up or not model.may_shed:
        return max(up, planned) if not model.may_shed else up
    return min(planned, max(up, model.held_per_s * (1 + SPARED)))


def _least(model: Model) -> float:
    """Return a need above nothing where any replica was asked for: only idleness leads to zero."""
    return _SOMETHING if any(member.base for member in model.members) and not model.may_sleep else 0.0


def _within(offer: Offer) -> int:
    """Return what is there, within what may be."""
    capped = offer.base if offer.ceiling is None else min(offer.base, offer.ceiling)
    return max(capped, offer.floor)


def _choose(model: Model, offers: tuple[Offer, ...], there: Sequence[int], target: float) -> tuple[Mix, bool]:
    """Return the mix, and whether running replicas are exchanged for cheaper ones.

    Without an exchange there is only more of some when more is needed, and only fewer when less is.
    """
    if capacity_of(offers, there) < target:
        bound = tuple([offer.within(number, offer.ceiling) for offer, number in zip(offers, there, strict=True)])
        calm = cheapest(target, bound)
    else:
        bound = tuple([offer.within(offer.floor, number) for offer, number in zip(offers, there, strict=True)])
        calm = _fewer(model.members, bound, there, target)
    if not _may_exchange(model):
        return calm, False
    free = cheapest(target, tuple([_at_once(offer, number) for offer, number in zip(offers, there, strict=True)]))
    if not any(number < before for number, before in zip(free.replicas, there, strict=True)):
        return calm, False
    started = sum(
        max(number - before, 0) * offer.price
        for offer, number, before in zip(offers, free.replicas, there, strict=True)
    )
    if not started or free.unserved_per_s > calm.unserved_per_s:
        return calm, False
    perhaps = cheapest(target * (1 - SPARED), bound)
    better = perhaps.cost - free.cost > (CLEARLY if _is_settled(model) else AT_ONCE) * started
    return (free, True) if better else (calm, False)


def _fewer(members: Sequence[Member], bound: tuple[Offer, ...], there: Sequence[int], target: float) -> Mix:
    """Return what may go: where those that remain would serve less each, enough stays for that, or it were called back.

    Such a pair of numbers would follow each other with every start.
    """
    found = cheapest(target, bound)
    less = tuple(
        [
            offer.serving(member.capacity.fewer_per_s) if number < before else offer
            for member, offer, number, before in zip(members, bound, found.replicas, there, strict=True)
        ]
    )
    if less == bound:
        return found
    kept = cheapest(target, less)
    numbers = tuple(there) if kept.unserved_per_s > 0 else kept.replicas
    cost = sum([offer.cost(number) for offer, number in zip(bound, numbers, strict=True)])
    return Mix(numbers, cost, gap_ratio=kept.gap_ratio)


def _at_once(offer: Offer, there: int) -> Offer:
    """Return the offer with no more than may be started at once: half an exchange would be taken back."""
    most = within_pace(there)
    ceiling = most if offer.ceiling is None else max(min(offer.ceiling, most), offer.floor)
    return offer if ceiling == offer.ceiling else offer.within(offer.floor, ceiling)


def _may_exchange(model: Model) -> bool:
    """Whether an exchange may begin: not on the way to zero, which ends it soon."""
    if model.past.idle_since_s is not None and not any(m.case.terms.bounds.min_replicas for m in model.members):
        return False
    return model.may_shed


def _is_settled(model: Model) -> bool:
    last_s = model.past.remixed_at_s
    return last_s is None or model.members[0].case.now_s - last_s >= SETTLES_S


def _without_gap(members: Sequence[Member], goal: Sequence[int], target: float) -> list[int]:
    """Return the goal, and of what serves already as much as the need takes until what replaces it serves too."""
    numbers = list(goal)
    ready = [min(member.case.target.ready, max(member.base, 0)) for member in members]
    serving = [min(number, there) for number, there in zip(numbers, ready, strict=True)]
    if serving == ready:  # nothing that serves is to go, as nearly always
        return numbers
    rates = [member.capacity.per_s for member in members]
    short = min(target, sum(map(float.__mul__, rates, map(float, ready)))) - sum(
        map(float.__mul__, rates, map(float, serving))
    )
    for index in sorted(range(len(members)), key=lambda i: members[i].case.weight / rates[i]):
        while short > _SOMETHING and serving[index] < ready[index]:
            serving[index] += 1
            short -= rates[index]
        numbers[index] = max(numbers[index], serving[index])
    return numbers


def _still_asked(member: Member, wanted: int, *, given_up: bool) -> int:
    """Return how many of those asked for stay so although they have no place: a node may be on its way."""
    if not member.pending.stuck or member.fixed:
        return 0
    kept = member.base - (member.pending.late if given_up else 0)
    return min(wanted, kept)
