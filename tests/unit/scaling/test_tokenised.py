"""`saturation-v2` in whole decisions: WVA's vectors through our own code, and what keeps it safe."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import MODEL, NOW, by_name, decide_one, known, observe, remembering, row, target, variant

from penstock.domain.catalogue import Catalogue, ModelScope, SaturationThresholds
from penstock.domain.observations import Inflow, Observation, PodMetrics
from penstock.domain.readings import ABSENT, Absent
from penstock.domain.reasons import DecisionReason, LimitReason, OptimizationReason
from penstock.domain.variants import Variant
from penstock.records.codec import decode, encode
from penstock.scaling.config import Analyzer, Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

V2 = Config(analyzer=Analyzer.SATURATION_V2)
CHEAP = variant("cheap", cost_per_replica_per_h=10.0)
DEAR = variant("dear", accelerator="H100", cost_per_replica_per_h=60.0)


def engines(of: Variant, *kv: float, size: float = 16000, **changes: Any) -> list[PodMetrics]:
    """Return engines with 1000 blocks of 16 tokens, short prompts, and answers long enough for no compute bound."""
    long = {"input_tokens": known(500), "output_tokens": known(500)}
    return [
        row(of, number, kv_usage_ratio=known(share), **({"kv_capacity_tokens": known(size)} | long | changes))
        for number, share in enumerate(kv)
    ]


@pytest.mark.parametrize(
    ("kv", "queue", "changes", "desired"),
    [
        pytest.param((0.9, 0.8), 0, {}, 3, id="full caches"),
        pytest.param((0.9, 0.8), 4, {}, 3, id="and lines"),
        pytest.param((0.9, 0.8), 4, {"starting": 1, "current": 3, "ready": 2}, 3, id="and one that starts"),
        pytest.param((0.3, 0.3), 0, {}, 2, id="not a whole one to spare"),
        pytest.param((0.2, 0.2), 0, {}, 1, id="one to spare"),
        pytest.param((0.99, 0.99, 0.99), 0, {}, 5, id="more than one at once"),
    ],
)
def test_the_numbers_of_wva(kv: tuple[float, ...], queue: float, changes: dict[str, Any], desired: int) -> None:
    at = target(CHEAP, **({"current": len(kv)} | changes))
    seen = engines(CHEAP, *kv, waiting=known(queue))

    decision = decide_one(observe(CHEAP, targets={CHEAP.key: at}, seen=seen), remembering((CHEAP, at.current or 0)), V2)

    assert decision.desired == desired
    assert decision.optimization.reason is OptimizationReason.SATURATION_ONLY


def test_the_entry_of_a_model_chooses_it_by_the_name_that_wva_has() -> None:
    catalogue = Catalogue(saturation={ModelScope("", MODEL): SaturationThresholds(analyzer="saturation")})
    at = {CHEAP.key: target(CHEAP, 2)}

    decision = decide_one(observe(CHEAP, targets=at, seen=engines(CHEAP, 0.9, 0.8), catalogue=catalogue))

    assert (decision.desired, "27200 tokens held or waiting" in decision.summary) == (3, True)


def both(
    cheap: Iterable[PodMetrics], dear: Iterable[PodMetrics], *, counts: tuple[int, int], **cheap_at: Any
) -> Observation:
    at = {CHEAP.key: target(CHEAP, counts[0], **cheap_at), DEAR.key: target(DEAR, counts[1])}
    return observe(CHEAP, DEAR, targets=at, seen=[*cheap, *dear])


def numbers(observation: Observation, *past: tuple[Variant, int], config: Config = V2) -> tuple[int | None, int | None]:
    found = by_name(observation, remembering(*past), config)
    return found["cheap"].desired, found["dear"].desired


def test_the_best_value_rises_and_the_dearest_falls() -> None:
    full = both(engines(CHEAP, 0.9), engines(DEAR, 0.9, size=160_000), counts=(1, 1))
    idle = both(engines(CHEAP, 0.3, 0.3), engines(DEAR, 0.3, 0.3), counts=(2, 2))

    assert numbers(full, (CHEAP, 1), (DEAR, 1)) == (1, 2)
    assert numbers(idle, (CHEAP, 2), (DEAR, 2)) == (2, 1)


def test_a_variant_without_a_floor_goes_to_nothing_beside_another() -> None:
    free = replace(DEAR, min_replicas=0)
    at = {CHEAP.key: target(CHEAP, 2), free.key: target(free, 1)}
    seen = [*engines(CHEAP, 0.4, 0.4), *engines(free, 0.0)]

    found = by_name(observe(CHEAP, free, targets=at, seen=seen), remembering((CHEAP, 2), (free, 1)), V2)

    assert (found["cheap"].desired, found["dear"].desired) == (2, 0)


def test_the_last_replica_of_a_model_is_not_for_the_law_to_take() -> None:
    free = replace(CHEAP, min_replicas=0)

    decision = decide_one(observe(free, seen=engines(free, 0.0)), remembering((free, 1)), V2)

    assert decision.desired == 1


@pytest.mark.parametrize(
    "cheap_at",
    [
        pytest.param({"current": 2, "stuck": 1, "ready": 1}, id="finds no place"),
        pytest.param({"paused": True}, id="is paused"),
        pytest.param({"max_replicas": 1}, id="is at its maximum"),
    ],
)
def test_what_the_best_value_cannot_take_the_next_one_takes(cheap_at: dict[str, Any]) -> None:
    of = {name: cheap_at.pop(name) for name in ("paused", "max_replicas") if name in cheap_at}
    cheap = replace(CHEAP, **of)
    at = {cheap.key: target(cheap, **({"current": 1} | cheap_at)), DEAR.key: target(DEAR, 1)}
    seen = [*engines(cheap, 0.95), *engines(DEAR, 0.95)]

    past = remembering((cheap, at[cheap.key].current or 0), (DEAR, 1))
    found = by_name(observe(cheap, DEAR, targets=at, seen=seen), past, V2)

    assert found["dear"].desired == 2


def test_at_its_maximum_and_alone_it_says_so() -> None:
    capped = replace(CHEAP, max_replicas=2)
    at = {capped.key: target(capped, 2)}

    decision = decide_one(observe(capped, targets=at, seen=engines(capped, 0.9, 0.9)), remembering((capped, 2)), V2)

    assert (decision.desired, decision.limited.reason) == (2, LimitReason.MAX_REPLICAS)


def test_a_variant_that_does_not_run_counts_by_the_caches_of_its_kind() -> None:
    twin = replace(variant("twin", cost_per_replica_per_h=5.0), min_replicas=0)
    at = {CHEAP.key: target(CHEAP, 1), twin.key: target(twin, 0)}

    found = by_name(observe(CHEAP, twin, targets=at, seen=engines(CHEAP, 0.95)), remembering((CHEAP, 1), (twin, 0)), V2)

    assert (found["cheap"].desired, found["twin"].desired) == (1, 1)


def test_a_cache_that_nobody_sees_is_remembered() -> None:
    (_, memory) = decide(observe(CHEAP, seen=engines(CHEAP, 0.5)), remembering((CHEAP, 1)), V2)
    silent = engines(CHEAP, 0.95, kv_capacity_tokens=ABSENT)
    later = [replace(one, sampled_at_s=NOW) for one in silent]

    assert decide_one(observe(CHEAP, seen=later), memory, V2).desired == 2


def test_where_no_cache_is_known_shares_decide_as_in_v1() -> None:
    """WVA put the token budget of a step in its place, a fiftieth of the truth, and ran away to the maximum."""
    at = {CHEAP.key: target(CHEAP, 2)}
    calm = engines(CHEAP, 0.3, 0.3, kv_capacity_tokens=ABSENT)
    full = engines(CHEAP, 0.9, 0.9, kv_capacity_tokens=ABSENT)

    assert decide_one(observe(CHEAP, targets=at, seen=calm), remembering((CHEAP, 2)), V2).desired == 1
    assert decide_one(observe(CHEAP, targets=at, seen=full), remembering((CHEAP, 2)), V2).desired == 3


def test_what_waits_before_the_routers_counts() -> None:
    at = {CHEAP.key: target(CHEAP, 2)}
    observation = observe(CHEAP, targets=at, seen=engines(CHEAP, 0.3, 0.3))
    scope = ModelScope("llm", MODEL)
    waiting = replace(observation, inflows={scope: Inflow(waiting=known(60))})

    assert decide_one(observation, remembering((CHEAP, 2)), V2).desired == 2
    assert decide_one(waiting, remembering((CHEAP, 2)), V2).desired == 7  # 9600 and 60 of 1000 tokens


def test_full_lines_teach_and_are_forgotten_after_a_day() -> None:
    stuck = engines(CHEAP, 0.25, waiting=known(9))
    (decision,), memory = decide(observe(CHEAP, seen=stuck), remembering((CHEAP, 1)), V2)

    def lines(age_s: float) -> int:
        seen = engines(CHEAP, 0.25, at_s=NOW + age_s)
        _, later = decide(observe(CHEAP, seen=seen, now_s=NOW + age_s), memory, V2)
        return len(later.models[ModelScope("llm", MODEL)].full_lines.rows)

    assert decision.desired == 3  # 4000 tokens are all that one may hold; 8500 are asked for
    assert (lines(3600), lines(86_401)) == (1, 0)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"kv_usage_ratio": ABSENT}, id="the share in use"),
        pytest.param({"waiting": ABSENT}, id="the line"),
        pytest.param({"rate": Absent("one sample only, so there is no rate yet")}, id="the rate"),
    ],
)
def test_what_is_unknown_is_not_nothing(changes: dict[str, Any]) -> None:
    at = {CHEAP.key: target(CHEAP, 2)}
    seen = [
        row(CHEAP, n, **({"kv_usage_ratio": known(0.1), "kv_capacity_tokens": known(16000)} | changes))
        for n in range(2)
    ]

    assert decide_one(observe(CHEAP, targets=at, seen=seen), remembering((CHEAP, 2)), V2).desired == 2


def test_a_line_of_unknown_lengths_is_not_empty() -> None:
    """Without finished requests the mean input is 0/0, and WVA took 60 requests in line for nothing."""
    seen = [
        row(
            CHEAP,
            rate=None,
            waiting=known(60),
            kv_usage_ratio=known(0.5),
            kv_capacity_tokens=known(16000),
            input_tokens=ABSENT,
            output_tokens=ABSENT,
        )
    ]

    assert (decide_one(observe(CHEAP, seen=seen), remembering((CHEAP, 1)), V2).desired or 0) > 1


def test_nothing_falls_while_an_engine_is_full() -> None:
    at = {CHEAP.key: target(CHEAP, 10)}
    seen = engines(CHEAP, 0.9, *[0.0] * 9)

    decision = decide_one(observe(CHEAP, targets=at, seen=seen), remembering((CHEAP, 10)), V2)

    assert (decision.desired, decision.this_pass) == (10, DecisionReason.GUARD)
    assert decision.optimization.reason is OptimizationReason.SATURATION_OVERRIDE


def test_nothing_falls_before_the_window_is_over() -> None:
    at = {CHEAP.key: target(CHEAP, 2)}
    past = remembering((CHEAP, 2), at_s=NOW - 100)

    assert decide_one(observe(CHEAP, targets=at, seen=engines(CHEAP, 0.1, 0.1)), past, V2).desired == 2


def test_a_number_that_nobody_follows_freezes_nothing() -> None:
    """An HPA's maximum kept two of five; after as long as a start may take, what runs counts."""
    at = {CHEAP.key: target(CHEAP, 2)}

    up = decide_one(observe(CHEAP, targets=at, seen=engines(CHEAP, 0.79, 0.79)), remembering((CHEAP, 5)), V2)
    down = decide_one(observe(CHEAP, targets=at, seen=engines(CHEAP, 0.1, 0.1)), remembering((CHEAP, 5)), V2)

    assert (up.desired, down.desired) == (3, 1)


def test_the_first_pass_of_an_operator_lowers_nothing() -> None:
    at = {CHEAP.key: target(CHEAP, 4)}

    assert decide_one(observe(CHEAP, targets=at, seen=engines(CHEAP, *[0.0] * 4)), Memory(), V2).desired == 4


def test_what_was_seen_of_engines_survives_a_record() -> None:
    stuck = engines(CHEAP, 0.25, waiting=known(9))
    _, memory = decide(observe(CHEAP, seen=stuck), remembering((CHEAP, 1)), V2)

    kept = decode(Memory, json.loads(json.dumps(encode(Memory, memory))))

    past = kept.models[ModelScope("llm", MODEL)]
    assert kept == memory
    assert (past.caches.of("A100x1"), past.full_lines.mean("A100x1|long")) == (16000, 4000)
