"""What holds in every state, whatever the numbers (the safety rules of scaling)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.scaling.scene import NOW, PROFILE, by_name, known, observe, row, target, variant

from penstock.domain.observations import Observation, PodMetrics
from penstock.domain.readings import ABSENT, Absent, Known, Reading, Stale
from penstock.domain.reasons import DecisionReason
from penstock.domain.variants import Variant
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Change, Memory, Remembered
from penstock.scaling.stabilise import Recommendations

NUMBERS = st.floats(0, 50)
READINGS = st.one_of(
    NUMBERS.map(known),
    st.just(ABSENT),
    NUMBERS.map(lambda value: Stale(value, NOW - 500)),
    st.just(Absent("value is nan", impossible=True)),
)


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
        for number in range(draw(st.integers(0, ready))):
            fields: dict[str, Any] = {
                "rate": draw(readings),
                "waiting": draw(readings),
                "kv_usage_ratio": draw(st.one_of(st.floats(0, 1).map(known), st.just(ABSENT))),
                "backlog_growth_per_s": draw(readings),
            }
            seen.append(row(one, number, **fields))
        if draw(st.booleans()):
            memory[one.key] = past(one, draw(st.integers(0, 9)), draw(st.sampled_from([10.0, 400.0, 4000.0])))
    return observe(*ours, targets=targets, seen=seen), Memory(memory)


@settings(max_examples=40)
@given(scenes())
def test_never_outside_bounds_and_never_zero_of_our_own(scene: tuple[Observation, Memory]) -> None:
    observation, memory = scene

    for name, decision in by_name(observation, memory).items():
        current = observation.targets[decision.key].current
        if decision.desired is not None and decision.computed:
            assert decision.min_replicas <= decision.desired, name
            assert decision.max_replicas is None or decision.desired <= decision.max_replicas, name
            assert decision.desired > 0 or current == 0, name


@settings(max_examples=40)
@given(scenes(), st.sampled_from([ABSENT, Absent("value is nan", impossible=True), Stale(0.0, NOW - 900)]))
def test_data_that_go_bad_never_lower(scene: tuple[Observation, Memory], bad: Reading) -> None:
    observation, memory = scene
    blind = tuple(
        replace(one, running=bad, waiting=bad, kv_usage_ratio=bad, completed_per_s=bad, backlog_growth_per_s=bad)
        for one in observation.scrape.rows
    )

    decisions = by_name(replace(observation, scrape=replace(observation.scrape, rows=blind)), memory)

    assert_not_lowered(observation, memory, decisions)


@settings(max_examples=40)
@given(scenes(NUMBERS.map(known)), st.integers(0, 5))
def test_a_row_that_vanishes_never_lowers(scene: tuple[Observation, Memory], index: int) -> None:
    observation, memory = scene
    rows = observation.scrape.rows
    gone = rows[:index] + rows[index + 1 :]
    if len(gone) == len(rows):
        return

    decisions = by_name(replace(observation, scrape=replace(observation.scrape, rows=gone)), memory)

    assert_not_lowered(observation, memory, decisions)


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
def test_more_load_never_means_fewer_replicas(scene: tuple[Observation, Memory], factor: float) -> None:
    observation, memory = scene
    sized = [replace(one, profiles=(PROFILE,)) for one in observation.variants]
    observation = replace(observation, variants=tuple(sized))
    more = tuple(
        replace(one, completed_per_s=times(one.completed_per_s, factor), waiting=times(one.waiting, factor))
        for one in observation.scrape.rows
    )

    less = by_name(observation, memory)
    greater = by_name(replace(observation, scrape=replace(observation.scrape, rows=more)), memory)

    assert all((greater[name].desired or 0) >= (decision.desired or 0) for name, decision in less.items())


def times(number: Reading, factor: float) -> Reading:
    return Known(number.value * factor, number.at_s) if isinstance(number, Known) else number


@settings(max_examples=40)
@given(scenes())
def test_equal_inputs_have_equal_outputs(scene: tuple[Observation, Memory]) -> None:
    observation, memory = scene

    assert decide(observation, memory, Config()) == decide(observation, memory, Config())


@settings(max_examples=30)
@given(
    profiles=st.sampled_from([(PROFILE,), ()]),
    current=st.integers(1, 8),
    desired=st.one_of(st.none(), st.integers(1, 8)),
    age_s=st.sampled_from([0.0, 100.0, 250.0, 1000.0]),
    unready=st.integers(0, 3),
    stuck=st.booleans(),
)
def test_no_state_blocks_both_directions(
    profiles: tuple[Any, ...], current: int, desired: int | None, age_s: float, unready: int, stuck: bool
) -> None:
    """Whatever runs and was asked for, within ten minutes a flood raises the number or silence lowers it."""
    one = variant(profiles=profiles, max_replicas=8)
    ready = max(current - unready, 1)
    missing = current - ready
    state = {"ready": ready, "stuck": missing if stuck else 0, "starting": 0 if stuck else missing}
    memory = Memory({one.key: past(one, desired, age_s)} if desired is not None else {})

    flooded = run(one, current, state, memory, rate=40.0, kv=0.95, waiting=4000.0)
    silent = run(one, current, state, memory, rate=0.0, kv=0.0, waiting=0.0)

    base = current if desired is None else desired
    raised, lowered = max(flooded) > min(base, 7), min(silent) < max(base, 2)
    assert raised or lowered or base == ready == 1


def run(
    one: Variant, current: int, state: dict[str, Any], memory: Memory, *, rate: float, kv: float, waiting: float
) -> Sequence[int]:
    """Return what is desired over ten minutes in which the cluster follows none of it."""
    numbers = []
    for step in range(0, 601, 60):
        now_s = NOW + step
        seen = [
            row(one, number, rate=rate, at_s=now_s, kv_usage_ratio=known(kv, now_s), waiting=known(waiting, now_s))
            for number in range(state["ready"])
        ]
        observation = observe(one, targets={one.key: target(one, current, **state)}, seen=seen, now_s=now_s)
        (decision,), memory = decide(observation, memory, Config())
        numbers.append(decision.desired or 0)
    return numbers
