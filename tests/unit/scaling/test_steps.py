"""Steps by saturation: who rises, who falls, and what no longer freezes a model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import NOW, by_name, decide_one, known, observe, remembering, row, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, PodMetrics
from penstock.domain.readings import ABSENT
from penstock.domain.reasons import DecisionReason, LimitReason, OptimizationReason
from penstock.domain.variants import Variant
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

CHEAP = variant("cheap", profiles=(), cost_per_replica_per_h=10.0)
DEAR = variant("dear", profiles=(), cost_per_replica_per_h=40.0)


def busy(of: Variant, count: int = 1) -> list[PodMetrics]:
    return [row(of, number, kv_usage_ratio=known(0.95), waiting=known(9)) for number in range(count)]


def quiet(of: Variant, count: int = 1) -> list[PodMetrics]:
    return [row(of, number, kv_usage_ratio=known(0.1)) for number in range(count)]


def middling(of: Variant, count: int = 1) -> list[PodMetrics]:
    return [row(of, number, kv_usage_ratio=known(0.6)) for number in range(count)]


def test_the_cheapest_rises_and_the_dearest_falls() -> None:
    at = {CHEAP.key: target(CHEAP, 2), DEAR.key: target(DEAR, 2)}
    past = remembering((CHEAP, 2), (DEAR, 2))

    up = by_name(observe(CHEAP, DEAR, targets=at, seen=busy(CHEAP, 2) + busy(DEAR, 2)), past)
    down = by_name(observe(CHEAP, DEAR, targets=at, seen=quiet(CHEAP, 2) + quiet(DEAR, 2)), past)

    assert (up["cheap"].desired, up["dear"].desired) == (3, 2)
    assert (down["cheap"].desired, down["dear"].desired) == (2, 1)
    assert down["dear"].reason is DecisionReason.DEMAND_DOWN


def test_equal_prices_rise_by_name_and_fall_from_the_end() -> None:
    a, b = replace(CHEAP, key=CHEAP.key._replace(name="a")), replace(DEAR, cost_per_replica_per_h=10.0)
    a = replace(a, target=replace(a.target, name="a"))
    at = {a.key: target(a, 2), b.key: target(b, 2)}
    past = remembering((a, 2), (b, 2))

    up = by_name(observe(a, b, targets=at, seen=busy(a, 2) + busy(b, 2)), past)
    down = by_name(observe(a, b, targets=at, seen=quiet(a, 2) + quiet(b, 2)), past)

    assert (up["a"].desired, up["dear"].desired) == (3, 2)
    assert (down["a"].desired, down["dear"].desired) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "riser"),
    [
        pytest.param({}, "cheap", id="the cheapest"),
        pytest.param({"starting": 1}, "dear", id="not one that has a replica on its way"),
        pytest.param({"stuck": 1}, "dear", id="not one that finds no place"),
    ],
)
def test_a_replica_under_way_keeps_only_its_own_variant_from_rising(changes: dict[str, Any], riser: str) -> None:
    at = {CHEAP.key: target(CHEAP, 2, **changes), DEAR.key: target(DEAR, 2)}
    past = remembering((CHEAP, 2), (DEAR, 2))

    found = by_name(observe(CHEAP, DEAR, targets=at, seen=busy(CHEAP, 2) + busy(DEAR, 2)), past)

    assert [name for name, one in found.items() if one.desired == 3] == [riser]


def test_at_its_maximum_the_next_one_rises_and_alone_it_says_so() -> None:
    capped = replace(CHEAP, max_replicas=2)
    at = {capped.key: target(capped, 2), DEAR.key: target(DEAR, 2)}

    both = by_name(
        observe(capped, DEAR, targets=at, seen=busy(capped, 2) + busy(DEAR, 2)), remembering((capped, 2), (DEAR, 2))
    )
    alone = decide_one(observe(capped, targets=at, seen=busy(capped, 2)), remembering((capped, 2)))

    assert (both["cheap"].desired, both["dear"].desired) == (2, 3)
    assert (alone.desired, alone.limited.reason) == (2, LimitReason.MAX_REPLICAS)


def test_a_variant_at_zero_may_take_what_the_others_cannot() -> None:
    asleep, full = replace(DEAR, min_replicas=0), replace(CHEAP, max_replicas=2)
    at = {asleep.key: target(asleep, 0), full.key: target(full, 2)}

    found = by_name(observe(asleep, full, targets=at, seen=busy(full, 2)), remembering((full, 2)))

    assert (found["dear"].desired, found["dear"].reason) == (1, DecisionReason.FROM_ZERO)


def test_a_number_that_nobody_follows_is_forgotten() -> None:
    """An HPA keeps 2 of the 3 that were asked for: for a while they count as on their way, then the model goes on."""
    _, memory = decide(
        observe(CHEAP, targets={CHEAP.key: target(CHEAP, 2)}, seen=busy(CHEAP, 2)), remembering((CHEAP, 2)), Config()
    )
    desired = []
    for age_s in (15, 170, 185, 301):
        at = {CHEAP.key: target(CHEAP, 2)}
        rows = [row(CHEAP, n, kv_usage_ratio=known(0.95), waiting=known(9), at_s=NOW + age_s) for n in range(2)]
        observation = observe(CHEAP, targets=at, seen=rows, now_s=NOW + age_s)
        desired.append(decide_one(observation, memory).desired)

    assert desired == [3, 3, 3, 3]  # never 4: from what runs, not from what was asked for

    calm = [row(CHEAP, n, kv_usage_ratio=known(0.6), at_s=NOW + 301) for n in range(2)]
    later = decide_one(observe(CHEAP, targets={CHEAP.key: target(CHEAP, 2)}, seen=calm, now_s=NOW + 301), memory)
    assert later.desired == 2


def test_nothing_moves_while_the_engines_are_neither_full_nor_idle() -> None:
    at = {CHEAP.key: target(CHEAP, 3)}

    decision = decide_one(observe(CHEAP, targets=at, seen=middling(CHEAP, 3)), remembering((CHEAP, 3)))

    assert (decision.desired, decision.this_pass) == (3, DecisionReason.STEADY)


def test_the_blind_spot_is_guarded() -> None:
    at = {CHEAP.key: target(CHEAP, 10)}
    seen = [row(CHEAP, n, kv_usage_ratio=known(0.9), waiting=known(9)) for n in range(7)]
    seen += [row(CHEAP, n, kv_usage_ratio=known(0)) for n in range(7, 10)]

    decision = decide_one(observe(CHEAP, targets=at, seen=seen), remembering((CHEAP, 10)))

    assert (decision.desired, decision.optimization.reason) == (10, OptimizationReason.SATURATION_OVERRIDE)


def test_an_engine_that_does_not_tell_its_cache_keeps_the_model_from_falling() -> None:
    at = {CHEAP.key: target(CHEAP, 3)}
    seen = [*quiet(CHEAP, 2), replace(quiet(CHEAP, 3)[2], kv_usage_ratio=ABSENT)]

    decision = decide_one(observe(CHEAP, targets=at, seen=seen), remembering((CHEAP, 3)))

    assert (decision.desired, decision.this_pass) == (3, DecisionReason.HOLD)


def test_one_replica_never_falls() -> None:
    decision = decide_one(observe(CHEAP, seen=quiet(CHEAP)), remembering((CHEAP, 1)))

    assert decision.desired == 1


def test_what_a_person_added_stays_until_it_is_not_needed() -> None:
    at = {CHEAP.key: target(CHEAP, 6)}

    decision = decide_one(observe(CHEAP, targets=at, seen=middling(CHEAP, 6)), remembering((CHEAP, 2)))

    assert decision.desired == 6


def test_the_first_decision_keeps_what_runs() -> None:
    at = {CHEAP.key: target(CHEAP, 4)}

    assert decide_one(observe(CHEAP, targets=at, seen=quiet(CHEAP, 4)), Memory()).desired == 4


@pytest.mark.parametrize(
    ("halted", "seen", "expected"),
    [
        pytest.param(CHEAP, busy, (2, 3), id="full, and the cheapest is paused"),
        pytest.param(DEAR, quiet, (1, 2), id="idle, and the dearest is paused"),
    ],
)
def test_a_paused_variant_does_not_stand_in_for_those_that_may_move(
    halted: Variant, seen: Callable[[Variant, int], list[PodMetrics]], expected: tuple[int, int]
) -> None:
    ours = [replace(one, paused=one is halted) for one in (CHEAP, DEAR)]
    at = {one.key: target(one, 2) for one in ours}

    found = by_name(observe(*ours, targets=at, seen=seen(CHEAP, 2) + seen(DEAR, 2)), remembering((CHEAP, 2), (DEAR, 2)))

    assert (found["cheap"].desired, found["dear"].desired) == expected


def test_what_waits_before_the_engines_counts_as_their_lines() -> None:
    calm = observe(CHEAP, targets={CHEAP.key: target(CHEAP, 2)}, seen=quiet(CHEAP, 2))
    waiting = replace(calm, inflows={ModelScope("llm", CHEAP.model): Inflow(waiting=known(9))})

    assert decide_one(calm, remembering((CHEAP, 2))).desired == 1
    assert decide_one(waiting, remembering((CHEAP, 2))).desired == 3
