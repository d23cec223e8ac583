"""The fast engine against the step batch: the same first tokens, ends, preemptions and gauges at any moment."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engine.stepped import Arrival, Stepped, compare, drawn, same, until

from penstock.domain.errors import InvalidField
from penstock.engine.calls import Gaps
from penstock.engine.fastforward import DONE, FIRST, Emitted, FastEngine
from penstock.engine.steptime import GPUS, StepCost

COST = StepCost(p0_ms=0.7, p1_ms=0.11, p2_ms=1.3e-5, d0_ms=7.3, d1_ms=0.13, d2_ms=1.7e-3, prefill_floor_ms=9.1,
                kv_tokens=800)  # fmt: skip


@st.composite
def workloads(draw: st.DrawFn) -> list[Arrival]:
    # chance decides the instants: an arrival on a boundary to the last bit may fall on either side of it
    chance = random.Random(draw(st.integers(0, 2**32)))
    mean_s = draw(st.sampled_from([0.001, 0.02, 0.3]))
    longest = draw(st.sampled_from([12, 60, 300]))
    at_s, arrivals = 0.0, []
    for _ in range(draw(st.integers(1, 30))):
        at_s += chance.choice([0.0, chance.expovariate(1 / mean_s)])
        arrivals.append((at_s, chance.randint(1, longest), chance.randint(1, longest)))
    return arrivals


@settings(max_examples=80)
@given(
    workloads(),
    st.sampled_from([1, 3, 8, 64]),
    st.sampled_from([64, 200]),
    st.sampled_from([640, 1000, 100_000]),
    st.integers(-20, 20),
)
def test_any_small_workload_runs_as_in_the_step_batch(
    arrivals: list[Arrival], slots: int, budget: int, kv_tokens: int, cancel_at: int
) -> None:
    compare(replace(COST, kv_tokens=kv_tokens), arrivals, slots, budget, cancel_at)


@pytest.mark.parametrize(
    ("gpu", "slots", "budget", "per_s", "preempts"),
    [
        pytest.param("H100", 256, 2048, 20, False, id="H100 at work"),
        pytest.param("H100", 1024, 8192, 40, False, id="H100 overrun"),
        pytest.param("L40S", 256, 2048, 2, False, id="L40S at ease"),
        pytest.param("L4", 256, 2048, 6, True, id="L4 overrun: blocks run out"),
    ],
)
def test_a_true_engine_runs_as_in_the_step_batch(
    gpu: str, slots: int, budget: int, per_s: float, *, preempts: bool
) -> None:
    fast = compare(GPUS[gpu], drawn(90, per_s, 7), slots, budget)

    assert (fast.preemptions > 0) == preempts


def test_one_call_is_a_prompt_and_steps_that_grow() -> None:
    engine = FastEngine(COST, max_num_seqs=4, token_budget=64)

    engine.submit(5, 40, 4, 2.0)
    seen = until(engine, 10.0)

    first_s = 2.0 + COST.step_s(40, 1600, 0, 0)
    last_s = first_s + sum(COST.step_s(0, 0, 1, context) for context in (40, 41, 42))
    same(seen, [Emitted(5, FIRST, first_s, 2.0), Emitted(5, DONE, last_s, 2.0)])


def test_the_next_event_moves_when_a_call_comes_and_names_its_first_token() -> None:
    engine = FastEngine(COST, max_num_seqs=4, token_budget=64)
    engine.submit(1, 10, 100, 0.0)
    engine.advance(0.05)
    alone_s = engine.next_event_s()

    engine.submit(2, 10, 100, 0.05)
    due_s = engine.next_event_s()

    assert alone_s is not None
    assert due_s is not None
    assert due_s < alone_s
    assert [(seen.call_id, seen.kind, seen.at_s) for seen in engine.advance(due_s)] == [(2, FIRST, due_s)]


def test_a_call_that_finds_no_blocks_does_not_hide_the_end_of_the_one_that_holds_them() -> None:
    engine = FastEngine(COST, max_num_seqs=4, token_budget=700)
    engine.submit(1, 640, 100, 0.0)
    first = until(engine, 0.2)
    done_s = engine.next_event_s()
    assert done_s is not None

    # one step of about 10 ms ends in between
    engine.submit(2, 160, 1, done_s - 0.015)

    seen = first + until(engine, 10.0)
    assert [(event.call_id, event.kind) for event in seen] == [(1, FIRST), (1, DONE), (2, FIRST), (2, DONE)]
    assert seen[2].started_s == seen[1].at_s == pytest.approx(done_s)


def test_a_call_that_comes_about_when_a_step_begins_never_starts_in_the_past() -> None:
    cost = replace(COST, d2_ms=0.0, kv_tokens=10_000)
    step_s = cost.step_s(0, 0, 1, 10)
    for steps in range(1, 1000):
        engine = FastEngine(cost, max_num_seqs=4, token_budget=64)
        engine.submit(1, 10, 1200, 0.7)
        [first] = until(engine, 0.72)
        now_s = first.at_s + steps * step_s

        engine.submit(2, 10, 1, now_s)

        assert now_s < until(engine, now_s + 1.0)[0].started_s <= now_s + step_s * 1.000001


def test_a_call_that_comes_as_a_step_with_prompts_ends_misses_the_next() -> None:
    engine = FastEngine(COST, max_num_seqs=4, token_budget=64)
    engine.submit(1, 10, 200, 0.0)
    now_s = engine.next_event_s()
    assert now_s is not None

    engine.submit(2, 10, 1, now_s)

    assert [event.call_id for event in engine.advance(now_s)] == [1]
    assert until(engine, 1.0)[0].started_s > now_s


def test_after_everything_is_cancelled_the_step_under_way_ends_before_another_begins() -> None:
    engine = FastEngine(COST, max_num_seqs=1, token_budget=64)
    engine.submit(1, 10, 50, 0.0)
    engine.submit(2, 10, 50, 0.0)
    engine.advance(0.03)

    assert engine.cancel_all() == [1, 2]

    assert (engine.running, engine.waiting, engine.kv_tokens) == (0, 0, 0)
    engine.submit(3, 10, 1, 0.03)
    first, done = until(engine, 1.0)
    assert first.started_s > 0.03
    assert (first.call_id, done.kind) == (3, DONE)


@pytest.mark.parametrize(
    ("prompt", "output"), [pytest.param(0, 5, id="no prompt"), pytest.param(700, 101, id="more than the cache holds")]
)
def test_a_call_that_can_never_run_is_refused(prompt: int, output: int) -> None:
    engine = FastEngine(COST, max_num_seqs=4, token_budget=64)

    with pytest.raises(InvalidField):
        engine.submit(1, prompt, output, 0.0)

    assert (engine.waiting, engine.next_event_s()) == (0, None)


@pytest.mark.parametrize(("slots", "budget"), [pytest.param(0, 64, id="no slot"), pytest.param(65, 64, id="budget")])
def test_an_engine_that_cannot_be_is_refused(slots: int, budget: int) -> None:
    with pytest.raises(InvalidField):
        FastEngine(COST, max_num_seqs=slots, token_budget=budget)


def test_gaps_between_tokens_add_up_as_those_of_the_step_batch_at_any_time() -> None:
    chance = random.Random(3)
    cost = GPUS["L40S"]
    fast = FastEngine(cost, max_num_seqs=16, token_budget=512)
    stepped = Stepped(cost, max_num_seqs=16, token_budget=512)
    tokens, seconds = 0, 0.0

    for call_id in range(200):
        now_s = call_id * 0.21
        gaps = [event for event in stepped.model.advance(now_s) if isinstance(event, Gaps)]
        fast.advance(now_s)
        tokens += sum(gap.tokens for gap in gaps)
        seconds += sum(gap.gap_s * gap.tokens for gap in gaps)
        assert fast.gaps[0] == tokens
        assert fast.gaps[1] == pytest.approx(seconds)
        lengths = chance.randint(1, 900), chance.randint(1, 200)
        fast.submit(call_id, *lengths, now_s)
        stepped.submit(call_id, *lengths, now_s)

    assert tokens > 10_000
