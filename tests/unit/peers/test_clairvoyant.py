"""The bounds against every plan there is on small fleets, and by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.peers.looks import counts, look, scene, spec

from penstock.peers.clairvoyant import Bounds, Clairvoyant, Plan, bounds, bounds_of
from penstock.peers.fleets import Grid, State, changed_usd
from penstock.peers.reached import reached
from penstock.peers.slots import POOLS, Slot, served, slots
from penstock.sim.scene import Scene, StartupLaw, VariantSpec
from penstock.sim.traces import Arrival

SLOT_S = 60.0


def variant(
    name: str, usd: float, *, most: int = 2, initial: int = 1, start_slots: int = 1, least: int = 0
) -> VariantSpec:
    plain = spec(name, usd=usd, most=most, initial=initial, least=least)
    return replace(plain, startup=StartupLaw(median_s=start_slots * SLOT_S, sigma=0.1))


def needs(rates: Sequence[float], each: Sequence[float]) -> list[Slot]:
    return [Slot(rate, tuple((per_s,) * len(POOLS) for per_s in each)) for rate in rates]


# --- every plan there is


def trajectories(fleet: Scene, slot_needs: Sequence[Slot]) -> Iterator[tuple[float, bool, tuple[State, ...]]]:
    """Yield the cost of every plan that serves all that can be served, and whether its replicas stay long enough."""
    states = list(product(*(range(one.min_replicas, one.max_replicas + 1) for one in fleet.variants)))
    ready = [round(one.startup.median_s / SLOT_S) for one in fleet.variants]
    initial = tuple(one.initial for one in fleet.variants)
    wanted = [cut(fleet, slot, number, ready) for number, slot in enumerate(slot_needs)]
    able = [
        [state for state in states if capacity(state, slot) >= need - 1e-9]
        for slot, need in zip(slot_needs, wanted, strict=True)
    ]
    for plan in product(*able):
        usd, stays = cost(fleet, (initial, *plan), ready)
        if usd < inf:
            yield usd, stays, plan


def capacity(state: State, slot: Slot) -> float:
    return sum(count * each[0] for count, each in zip(state, slot.each_per_s, strict=True))


def cut(fleet: Scene, slot: Slot, number: int, ready: Sequence[int]) -> float:
    most = tuple(
        one.max_replicas if number >= after else one.initial for one, after in zip(fleet.variants, ready, strict=True)
    )
    return min(max(slot.need_per_s, 1e-6), capacity(most, slot))


def cost(fleet: Scene, plan: Sequence[State], ready: Sequence[int]) -> tuple[float, bool]:
    """Follow every single replica: what it costs from its start on, first come, first gone."""
    usd, stays = 0.0, True
    for axis, one in enumerate(fleet.variants):
        born: list[float] = [-inf] * plan[0][axis]
        for number, fleet_now in enumerate(plan[1:]):
            more = fleet_now[axis] - len(born)
            if more > 0 and number < ready[axis]:
                return inf, False
            stays = stays and all(number - at >= ready[axis] for at in born[: max(-more, 0)])
            born = born[max(-more, 0) :] + [number] * max(more, 0)
            usd += one.usd_per_h / 3600 * (SLOT_S * len(born) + one.startup.median_s * max(more, 0))
    return usd, stays


@settings(max_examples=30, deadline=None)
@given(
    rates=st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0]), min_size=2, max_size=4),
    prices=st.tuples(st.sampled_from([1.0, 2.0]), st.sampled_from([1.5, 3.0, 5.0])),
    initial=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    starts=st.tuples(st.integers(0, 2), st.integers(0, 3)),
)
def test_no_plan_is_cheaper_than_the_bound(
    rates: list[float], prices: tuple[float, float], initial: tuple[int, int], starts: tuple[int, int]
) -> None:
    fleet = scene(
        variant("small", prices[0], initial=initial[0], start_slots=starts[0]),
        variant("large", prices[1], initial=initial[1], start_slots=starts[1]),
    )
    slot_needs = needs(rates, (1.0, 2.5))
    hours = len(rates) * SLOT_S / 3600

    found = bounds_of(fleet, slot_needs, SLOT_S)

    every = list(trajectories(fleet, slot_needs))
    cheapest = min(usd for usd, _, _ in every) / hours
    staying = min(usd for usd, stays, _ in every if stays) / hours
    assert found.paid_usd_per_h == pytest.approx(cheapest)  # the relaxed problem is solved exactly
    assert found.paid_usd_per_h <= staying + 1e-9  # so that no plan with residence is below it
    assert found.plan.usd_per_h >= staying - 1e-9
    assert found.free_usd_per_h <= found.paid_usd_per_h + 1e-9
    ((usd, stays),) = [(usd, stays) for usd, stays, plan in every if plan == found.plan.fleets]
    assert stays
    assert usd == pytest.approx(found.plan.usd_per_h * hours)


def solved(rates: Sequence[float], *variants: VariantSpec, each: Sequence[float]) -> Bounds:
    return bounds_of(scene(*variants), needs(rates, each), SLOT_S)


# --- by hand


def test_a_replica_is_kept_through_a_pause_shorter_than_its_start() -> None:
    kept = solved([2, 1, 1, 2], variant("a", 60.0, initial=2, start_slots=3), each=(1.0,))
    dropped = solved([2, 1, 1, 1, 2], variant("a", 60.0, initial=2, start_slots=2), each=(1.0,))

    assert kept.plan.fleets == ((2,), (2,), (2,), (2,))
    assert dropped.plan.fleets == ((2,), (1,), (1,), (1,), (2,))
    assert dropped.paid_usd_per_h == pytest.approx((2 + 1 + 1 + 1 + 2 + 2) * 60 / 5)  # two slots of start-up
    assert dropped.free_usd_per_h == pytest.approx(7 * 60 / 5)


def test_a_peak_is_served_by_what_is_cheapest_for_its_length() -> None:
    pair = (variant("small", 6.0, most=3, initial=1), variant("large", 15.0, most=2, initial=0))

    short = solved([1, 3, 1, 1], *pair, each=(1.0, 3.0))
    steady = solved([1, 3, 3, 3], *pair, each=(1.0, 3.0))

    assert short.plan.fleets[1] in {(3, 0), (0, 1), (1, 1)}
    assert steady.plan.fleets[1:] == ((0, 1),) * 3


def test_what_cannot_be_served_is_cut() -> None:
    found = solved([5, 5], variant("a", 60.0, most=2, initial=1, start_slots=1), each=(1.0,))

    assert found.plan.fleets == ((1,), (2,))


def test_minimum_residence_keeps_what_was_started() -> None:
    found = solved([1, 2, 1, 1, 1], variant("a", 60.0, initial=1, start_slots=1), each=(1.0,))
    longer = solved([1, 1, 3, 1, 1], variant("a", 60.0, most=3, initial=1, start_slots=2), each=(1.0,))

    assert (found.gap_ratio, found.plan.fleets[2]) == (0.0, (1,))
    assert longer.plan.fleets == ((1,), (1,), (3,), (2,), (1,))
    assert longer.gap_ratio == pytest.approx(1 / 11)  # 7 replica slots and 4 of starts; one more to stay


def test_zero_only_where_it_is_allowed() -> None:
    one = variant("a", 60.0, initial=1)

    assert solved([0, 0], one, each=(1.0,)).plan.fleets == ((1,), (1,))
    idle = bounds_of(replace(scene(one), idle_before_zero_s=600.0), needs([0, 0], (1.0,)), SLOT_S)
    assert idle.plan.fleets == ((0,), (0,))


def test_quotas_and_minima_hold() -> None:
    cheap = variant("cheap", 1.0, most=3, initial=0, start_slots=0)
    dear = variant("dear", 9.0, most=3, start_slots=0, least=1)
    narrow = replace(scene(cheap, dear), quotas={"L40S": 3})

    found = bounds_of(narrow, needs([1.0, 5.0], (1.0, 1.0)), SLOT_S)

    assert found.plan.fleets == ((0, 1), (2, 1))


def test_a_variant_that_misses_the_targets_serves_nothing() -> None:
    slow = scene(spec("l4", "L4"), spec("h100", "H100"), length_s=60.0)
    strict = replace(slow, slo=replace(slow.slo, ttft_s=0.2, tpot_s=0.03))
    arrivals = [Arrival(at_s=float(at_s), input_tokens=1000, output_tokens=200) for at_s in range(60)]

    (slot, *_) = slots(strict, arrivals, slot_s=15.0, rate_s=60.0)

    assert slot.need_per_s == 1.0
    assert slot.each_per_s[0][0] == 0.0 < slot.each_per_s[1][0]


def test_replicas_that_share_serve_more_than_as_many_alone() -> None:
    one = [float(per_s) for per_s in range(10, 10 + len(POOLS))]

    assert served((1,), (one,)) == 10
    assert served((3,), (one,)) == 3 * one[POOLS.index(3)]
    assert served((0,), (one,)) == 0
    assert served((5,), (one,)) == 5 * one[POOLS.index(6)]  # rounded up: what bounds from below may not be cautious
    assert served((1, 1), ([0.0] * len(POOLS), one)) == 10
    assert served((1, 1), ([1.0] * len(POOLS), one)) == 1 + one[POOLS.index(2)]  # a small one makes it a pool


def test_rates_are_means_over_the_minute_around_a_slot() -> None:
    arrivals = [Arrival(at_s=100 + at_s / 10, input_tokens=1000, output_tokens=200) for at_s in range(600)]

    found = slots(scene(length_s=240.0), arrivals, slot_s=30.0, rate_s=60.0)

    assert [slot.need_per_s for slot in found] == pytest.approx([0, 0, 5 / 6, 35 / 6, 55 / 6, 25 / 6, 0, 0])
    assert all(slot.each_per_s == found[-1].each_per_s for slot in found)


def test_bounds_of_traffic_are_in_order() -> None:
    fleet = scene(spec(), spec("h100", "H100", initial=0), length_s=600.0)
    arrivals = [Arrival(at_s=at_s / 10, input_tokens=1000, output_tokens=200) for at_s in range(6000)]

    found = bounds(fleet, arrivals)

    assert 0 < found.free_usd_per_h <= found.paid_usd_per_h <= found.plan.usd_per_h
    assert len(found.plan.fleets) == 40


# --- grid and plan


@settings(max_examples=30)
@given(st.lists(st.floats(0, 9), min_size=12, max_size=12), st.tuples(st.floats(0, 3), st.floats(0, 3)))
def test_the_cheapest_change_from_any_fleet_to_any_other(values: list[float], rise: tuple[float, float]) -> None:
    grid = Grid((0, 1), (2, 4))

    found = grid.before(values, rise)

    for state in grid.states:
        ways = [changed_usd(state, other, rise) + values[grid.index(other)] for other in grid.states]
        assert found[grid.index(state)] == pytest.approx(min(ways))


def test_a_plan_asks_early_and_gives_back_late() -> None:
    fleet = scene(replace(spec(), startup=StartupLaw(median_s=30.0, sigma=0.0)))
    plan = Plan(slot_s=15.0, names=("l40s",), fleets=((1,), (1,), (1,), (1,), (3,), (3,), (1,)), usd_per_h=1.0)
    law = Clairvoyant(fleet, plan)

    asked = [law.decide(look(at_s, {"l40s": counts(1)}))["l40s"] for at_s in range(0, 150, 15)]

    assert asked == [1, 3, 3, 3, 3, 3, 1, 1, 1, 1]


def test_what_attains_the_target_costs_more_than_the_bound() -> None:
    fleet = scene(spec(initial=3), length_s=120.0)
    arrivals = [Arrival(at_s=at_s / 10, input_tokens=1000, output_tokens=100) for at_s in range(1200)]

    found = reached(fleet, arrivals, 1)

    assert found is not None
    assert found.attainment_ratio >= 0.995
    assert found.usd_per_h >= bounds(fleet, arrivals).paid_usd_per_h - 1e-9
    assert reached(fleet, arrivals, 1, goal_ratio=1.1, margins=(1.0,)) is None
