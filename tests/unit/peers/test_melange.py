"""Mélange's programme against its dual, and AIBrix's optimiser on traffic of known sizes."""

import itertools
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.peers.looks import counts, look, scene, spec

from penstock.engine.capacity import Lengths, capacity
from penstock.peers.all import rival
from penstock.peers.packing import cheapest
from penstock.sim.policies import Served

MIX = scene(spec("l40s", "L40S", most=12), spec("h100", "H100", most=6))


def carries(loads: list[list[float]], fleet: tuple[int, ...]) -> bool:
    """Whether two kinds carry divisible loads, by linear programming's duality: every price of room says so."""
    prices = [0.0, 1.0, *(second / (first + second) for first, second in loads)]
    return all(
        sum(min(price * first, (1 - price) * second) for first, second in loads)
        <= price * fleet[0] + (1 - price) * fleet[1] + 1e-7
        for price in prices
    )


@given(st.lists(st.lists(st.floats(0.05, 3), min_size=2, max_size=2), min_size=1, max_size=6), st.floats(0.2, 9))
def test_two_kinds_are_solved_exactly(loads: list[list[float]], usd: float) -> None:
    most = [6, 4]
    fleets = [fleet for fleet in itertools.product(range(7), range(5)) if carries(loads, fleet)]

    found = cheapest(loads, [1.0, usd], most)

    if fleets:
        best = min(first + usd * second for first, second in fleets)
        assert carries(loads, (found[0], found[1]))
        assert found[0] + usd * found[1] == pytest.approx(best)
    else:
        assert found == most


def test_one_kind_is_the_sum_rounded_up() -> None:
    assert cheapest([[0.5], [1.2]], [2.0], [10]) == [2]


def test_a_third_kind_is_used_where_it_is_cheapest() -> None:
    assert cheapest([[3.0, 1.5, 1.0]], [1.0, 1.0, 0.1], [5, 5, 5]) == [0, 0, 1]


def served(now_s: float, count: int, tokens: tuple[int, int] = (1024, 128)) -> list[Served]:
    return [Served(now_s - 9 + 8 * index / count, "l40s", *tokens, 0.1, 0.04) for index in range(count)]


def ask(per_s: float, **knobs: float) -> dict[str, int]:
    policy = rival("B11").policy(MIX, knobs)
    wanted: dict[str, int] = {}
    there = {"l40s": counts(1), "h100": counts(1)}
    history: list[Served] = []
    for tick in range(1, 30):
        history += served(tick * 10.0, round(per_s * 10))
        wanted = dict(policy.decide(look(tick * 10.0, there, served=history, arrived=round(per_s * tick * 10))))
    return wanted


@pytest.mark.parametrize("per_s", [1, 5, 17, 40])
def test_the_optimiser_buys_the_cheapest_mix_for_the_rate(per_s: float) -> None:
    lengths = Lengths(input_tokens=1024, output_tokens=128, input_cv=0, output_cv=0)
    each = [capacity(one.shape, lengths, MIX.slo).per_s for one in MIX.variants]
    affordable = [
        (l40s * 1.86 + h100 * 7.52, {"l40s": l40s, "h100": h100})
        for l40s, h100 in itertools.product(range(13), range(7))
        if l40s * each[0] + h100 * each[1] >= per_s
    ]

    assert ask(per_s) == min(affordable, key=lambda one: one[0])[1]


def test_more_room_costs_more() -> None:
    usd = [sum(count * one.usd_per_h for count, one in zip(ask(30, load=load).values(), MIX.variants, strict=True))
           for load in (1.0, 0.6)]  # fmt: skip

    assert usd[1] > usd[0] * 1.3


@pytest.mark.parametrize(("delay_s", "shrinks"), [(0, True), (300, False)])
def test_a_delay_keeps_what_was_wanted(delay_s: float, *, shrinks: bool) -> None:
    policy = rival("B11").policy(MIX, {"delay_s": delay_s})
    there = {"l40s": counts(1), "h100": counts(1)}
    busy = policy.decide(look(10, there, served=served(10, 300), arrived=300))
    policy.decide(look(190, there, arrived=300))

    calm = policy.decide(look(200, there, arrived=310))

    assert (calm != busy) is shrinks


def test_it_keeps_what_there_is_until_it_knows_and_one_when_idle() -> None:
    policy = rival("B11").policy(MIX)
    there = {"l40s": counts(3), "h100": counts(1)}

    assert policy.decide(look(10, there)) == {}
    assert policy.decide(look(300, there)) == {"l40s": 1, "h100": 0}


def test_sizes_that_no_type_serves_in_time_are_bought_for_all_the_same() -> None:
    tight = replace(MIX, slo=replace(MIX.slo, ttft_s=1e-4))
    policy = rival("B11").policy(tight)

    wanted = policy.decide(look(10, {"l40s": counts(1), "h100": counts(1)}, served=served(10, 20), arrived=20))

    assert math.isclose(sum(wanted.values()), 1, abs_tol=1)
