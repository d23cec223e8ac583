"""What holds in every state, whatever the numbers and whichever analyser (the safety rules of scaling)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.scaling.scene import MODEL, NOW, PROFILE, by_name, known, observe, row, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, Observation, PodMetrics
from penstock.domain.readings import ABSENT, Absent, Known, Reading, Stale
from penstock.domain.reasons import DecisionReason
from penstock.domain.variants import Variant
from penstock.scaling.config import Analyzer, Config, Quota
from penstock.scaling.decide import decide
from penstock.scaling.memory import Change, Memory, Remembered, recall
from penstock.scaling.stabilise import Recommendations

NUMBERS = st.floats(0, 50)
READINGS = st.one_of(
    NUMBERS.map(known),
    st.just(ABSENT),
    NUMBERS.map(lambda value: Stale(value, NOW - 500)),
    st.just(Absent("value is nan", impossible=True)),
)
LAWS = st.sampled_from(list(Analyzer))
EVERY_LAW = pytest.mark.parametrize("law", list(Analyzer))
HERE = ModelScope("llm", MODEL)


@st.composite
def variants(draw: st.DrawFn, name: str) -> Variant:
    least = draw(st.one_of(st.none(), st.integers(0, 4)))
    most = draw(st.one_of(st.none(), st.integers(max(least or 1, 1), 9)))
    return variant(
        name,
        profiles=draw(st.sampled_from([(PROFILE,), ()])),
        min_replicas=least,
        max_replicas=most,
        cost_per_replica_per_h=draw(st.sampled_from([10.0, 40.0, None])),
        paused=draw(st.sampled_from([False, False, True])),
    )


def past(one: Variant, desired: int, age_s: float) -> Remembered:
    change = Change(at_s=NOW - age_s, reason=DecisionReason.STEADY, summary="", record_id="0" * 8)
    asked = Recommendations().adding(NOW - age_s, desired)
    return Remembered(uid=one.uid, desired=desired, decided_at_s=NOW - 15, change=change, recommendations=asked)


@st.composite
def scenes(draw: st.DrawFn, readings: st.SearchStrategy[Reading] = READINGS) -> tuple[Observation, Memory]:
    """Return one model with up to three variants in any state, and what was decided before."""
    ours = [draw(variants(name)) for name in draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")]))]
    seen: list[PodMetrics] = []
    targets, memory = {}, {}
    for one in ours:
        current = draw(st.integers(0, 6))
        ready = draw(st.integers(0, current))
        targets[one.key] = target(one, current, ready=ready, stuck=draw(st.integers(0, current - ready)))
        cache = draw(st.sampled_from([known(16_000), known(300_000), ABSENT]))
        for number in range(draw(st.integers(0, ready))):
            fields: dict[str, Any] = {
                "rate": draw(readings),
                "waiting": draw(readings),
                "kv_usage_ratio": draw(st.one_of(st.floats(0, 1).map(known), st.just(ABSENT))),
                "kv_capacity_tokens": cache,
                "backlog_growth_per_s": draw(readings),
            }
            seen.append(row(one, number, **fields))
        if draw(st.booleans()):
            memory[one.key] = past(one, draw(st.integers(0, 9)), draw(st.sampled_from([10.0, 400.0, 4000.0])))
    held_back = draw(st.sampled_from([None, known(0), known(70), ABSENT]))
    inflows = {} if held_back is None else {HERE: Inflow(waiting=held_back)}
    return replace(observe(*ours, targets=targets, seen=seen), inflows=inflows), Memory(memory)


@settings(max_examples=40)
@given(scenes(), LAWS)
def test_never_outside_bounds_and_never_a_whole_model_at_zero(scene: tuple[Observation, Memory], law: Analyzer) -> None:
    observation, memory = scene

    found = by_name(observation, memory, Config(analyzer=law))

    for name, decision in found.items():
        current = observation.targets[decision.key].current
        if decision.desired is not None and decision.computed and decision.this_pass is not DecisionReason.HOLD:
            assert decision.min_replicas <= decision.desired, name
            assert decision.max_replicas is None or decision.desired <= decision.max_replicas, name
            serving = any(one.desired for one in found.values())
            assert decision.desired > 0 or current == 0 or serving, name


@settings(max_examples=40)
@given(scenes(), LAWS, st.integers(0, 12))
def test_never_above_a_quota_but_for_what_runs(scene: tuple[Observation, Memory], law: Analyzer, most: int) -> None:
    observation, memory = scene
    quota = Quota(accelerator="A100", max_accelerators=most)

    found = by_name(observation, memory, Config(analyzer=law, quotas=(quota,)))

    free = [one for one in found.values() if one.computed and one.active is None]
    runs = {one.key: observation.targets[one.key].current or 0 for one in found.values()}
    runs |= {one.key: one.desired or 0 for one in free}
    risen = any(runs[one.key] > (observation.targets[one.key].current or 0) for one in free)
    assert not risen or sum(runs.values()) <= most


@settings(max_examples=40)
@given(scenes(), LAWS, st.sampled_from([ABSENT, Absent("value is nan", impossible=True), Stale(0.0, NOW - 900)]))
def test_data_that_go_bad_never_lower(scene: tuple[Observation, Memory], law: Analyzer, bad: Reading) -> None:
    observation, memory = scene
    blind = tuple(
        replace(one, running=bad, waiting=bad, kv_usage_ratio=bad, completed_per_s=bad, backlog_growth_per_s=bad)
        for one in observation.scrape.rows
    )
    unseen = replace(observation, scrape=replace(observation.scrape, rows=blind))

    assert_not_lowered(unseen, memory, by_name(unseen, memory, Config(analyzer=law)))


@settings(max_examples=40)
@given(scenes(NUMBERS.map(known)), LAWS, st.integers(0, 5))
def test_a_row_that_vanishes_never_lowers(scene: tuple[Observation, Memory], law: Analyzer, index: int) -> None:
    observation, memory = scene
    rows = observation.scrape.rows
    gone = rows[:index] + rows[index + 1 :]
    if len(gone) == len(rows):
        return
    without = replace(observation, scrape=replace(observation.scrape, rows=gone))

    assert_not_lowered(without, memory, by_name(without, memory, Config(analyzer=law)))


def assert_not_lowered(observation: Observation, memory: Memory, decisions: dict[str, Any]) -> None:
    """Only a bound that a person wrote, or a zero that a person chose, may lower what was decided."""
    for one in observation.variants:
        before, decision = memory.last(one.key, one.uid), decisions[one.key.name]
        if before is None or observation.targets[one.key].current == 0:
            continue
        most = decision.max_replicas
        floor = before.desired if most is None else min(before.desired, most)
        assert decision.desired >= floor


@settings(max_examples=40)
@given(scenes(NUMBERS.map(known)), st.floats(1.0, 5.0))
def test_more_load_never_means_less_capacity(scene: tuple[Observation, Memory], factor: float) -> None:
    observation, memory = scene
    sized = [replace(one, profiles=(PROFILE,)) for one in observation.variants]
    observation = replace(observation, variants=tuple(sized))
    more = tuple(
        replace(one, completed_per_s=times(one.completed_per_s, factor), waiting=times(one.waiting, factor))
        for one in observation.scrape.rows
    )

    less = by_name(observation, memory)
    greater = by_name(replace(observation, scrape=replace(observation.scrape, rows=more)), memory)

    assert total(greater) >= total(less)


@settings(max_examples=40)
@given(scenes(NUMBERS.map(known)), st.floats(1.0, 5.0))
def test_more_tokens_never_mean_less_capacity(scene: tuple[Observation, Memory], factor: float) -> None:
    """Below full lines, that is: those teach what a replica may hold, by WVA's law, and that may be more."""
    observation, memory = scene
    calm = tuple(
        replace(one, waiting=known(min(one.waiting.value, 1.0)) if isinstance(one.waiting, Known) else one.waiting)
        for one in observation.scrape.rows
    )
    more = tuple(
        replace(one, kv_usage_ratio=known(min(times(one.kv_usage_ratio, factor).value, 1.0)))
        if isinstance(one.kv_usage_ratio, Known)
        else one
        for one in calm
    )
    law = Config(analyzer=Analyzer.SATURATION_V2)

    less = by_name(replace(observation, scrape=replace(observation.scrape, rows=calm)), memory, law)
    greater = by_name(replace(observation, scrape=replace(observation.scrape, rows=more)), memory, law)

    if any(isinstance(one.kv_capacity_tokens, Known) for one in calm):
        assert total(greater) >= total(less)


def total(decisions: dict[str, Any]) -> int:
    """Return the replicas of all variants, which are equally fast here."""
    return sum(decision.desired or 0 for decision in decisions.values())


def times(number: Reading, factor: float) -> Any:
    return Known(number.value * factor, number.at_s) if isinstance(number, Known) else number


@settings(max_examples=40)
@given(scenes(), LAWS)
def test_equal_inputs_have_equal_outputs(scene: tuple[Observation, Memory], law: Analyzer) -> None:
    observation, memory = scene
    config = Config(analyzer=law)

    assert decide(observation, memory, config) == decide(observation, memory, config)


@settings(max_examples=20)
@given(LAWS, st.integers(1, 9), st.integers(1, 9), st.floats(0, 0.9))
def test_after_a_restart_nothing_falls_before_a_window(law: Analyzer, desired: int, ready: int, load: float) -> None:
    one = variant()
    status = {"desiredOptimizedAlloc": {"numReplicas": desired, "accelerator": "A100"}}
    found = recall(status, NOW)
    assert found is not None
    memory = Memory().adding({one.key: found})

    numbers = [desired]
    for step in range(12):
        observation = world(one, numbers[-1], min(ready, numbers[-1]), load, NOW + 15 * step)
        (decision,), memory = decide(observation, memory, Config(analyzer=law))
        numbers.append(decision.desired or 0)

    assert all(later >= earlier for earlier, later in pairwise(numbers))


@EVERY_LAW
@settings(max_examples=5, deadline=None)
@given(data=st.data())
@pytest.mark.unmeasured
def test_once_a_disturbance_is_over_the_number_moves_both_ways(law: Analyzer, data: st.DataObject) -> None:
    """Whatever was seen, lost, stuck or not heeded before: no state blocks either direction (WVA's froze models)."""
    one = variant(max_replicas=9)
    base, memory = 3, Memory()
    for step in range(8):
        wanted = data.draw(st.integers(1, 9))
        ready = data.draw(st.integers(0, wanted))
        state = {"ready": ready, "stuck": data.draw(st.integers(0, wanted - ready))}
        seen = [
            row(
                one, number, rate=data.draw(READINGS), at_s=NOW + 60 * step, waiting=data.draw(READINGS),
                kv_capacity_tokens=data.draw(st.sampled_from([known(16_000), ABSENT])),
            )
            for number in range(data.draw(st.integers(0, ready)))
        ]  # fmt: skip
        observation = observe(one, targets={one.key: target(one, wanted, **state)}, seen=seen, now_s=NOW + 60 * step)
        (decision,), memory = decide(observation, memory, Config(analyzer=law))
        base = max(decision.desired or wanted, 1)

    flooded, silent = (list(calm(one, base, memory, load, law)) for load in (20.0, 0.0))

    assert max(flooded) > base or base == 9
    assert min(silent) < base or base == 1


def calm(one: Variant, base: int, memory: Memory, load: float, law: Analyzer) -> Iterator[int]:
    """Yield what is desired in forty minutes of a world that heeds it."""
    number = base
    for step in range(8, 48):
        (decision,), memory = decide(
            world(one, number, number, load / number, NOW + 60 * step), memory, Config(analyzer=law)
        )
        number = decision.desired or 1
        yield number


def world(one: Variant, current: int, ready: int, load: float, now_s: float) -> Observation:
    """Return healthy replicas at a load: 1 is about what one serves."""
    fields = {
        "kv_usage_ratio": known(min(0.8 * load, 1.0), now_s),
        "kv_capacity_tokens": known(16_000, now_s),
        "waiting": known(max(load - 1, 0) * 10, now_s),
    }
    seen = [row(one, number, rate=min(load, 1.0) * 0.8, at_s=now_s, **fields) for number in range(ready)]
    there = target(one, current, ready=ready, starting=current - ready)
    return observe(one, targets={one.key: there}, seen=seen, now_s=now_s)


@settings(max_examples=30)
@given(
    law=LAWS,
    profiles=st.sampled_from([(PROFILE,), ()]),
    current=st.integers(1, 8),
    desired=st.one_of(st.none(), st.integers(1, 8)),
    age_s=st.sampled_from([0.0, 100.0, 250.0, 1000.0]),
    unready=st.integers(0, 3),
    stuck=st.booleans(),
)
@pytest.mark.unmeasured
def test_no_state_blocks_both_directions(
    law: Analyzer,
    profiles: tuple[Any, ...],
    current: int,
    desired: int | None,
    age_s: float,
    unready: int,
    stuck: bool,
) -> None:
    """Whatever runs and was asked for, within ten minutes a flood raises the number or silence lowers it."""
    one = variant(profiles=profiles, max_replicas=8)
    ready = max(current - unready, 1)
    missing = current - ready
    state = {"ready": ready, "stuck": missing if stuck else 0, "starting": 0 if stuck else missing}
    memory = Memory({one.key: past(one, desired, age_s)} if desired is not None else {})

    flooded = run(one, current, state, memory, law, rate=40.0, kv=0.95, waiting=40.0)
    silent = run(one, current, state, memory, law, rate=0.0, kv=0.0, waiting=0.0)

    base = current if desired is None else desired
    raised, lowered = max(flooded) > min(base, 7), min(silent) < max(base, 2)
    assert raised or lowered or base == ready == 1


def run(
    one: Variant,
    current: int,
    state: dict[str, Any],
    memory: Memory,
    law: Analyzer,
    *,
    rate: float,
    kv: float,
    waiting: float,
) -> Sequence[int]:
    """Return what is desired over ten minutes in which the cluster follows none of it."""
    numbers = []
    for step in range(0, 601, 60):
        now_s = NOW + step
        seen = [
            row(
                one,
                number,
                rate=min(rate, 0.8),
                at_s=now_s,
                backlog_growth_per_s=known(max(rate - 0.8, 0), now_s),
                kv_usage_ratio=known(kv, now_s),
                kv_capacity_tokens=known(16_000, now_s),
                waiting=known(waiting, now_s),
            )
            for number in range(state["ready"])
        ]
        observation = observe(one, targets={one.key: target(one, current, **state)}, seen=seen, now_s=now_s)
        (decision,), memory = decide(observation, memory, Config(analyzer=law))
        numbers.append(decision.desired or 0)
    return numbers
