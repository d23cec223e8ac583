"""Mixed steps of a continuous batch: timelines by hand, blocks, preemption, cache, priority."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engine.driven import drained

from penstock.domain.errors import InvalidField
from penstock.engine.calls import Call, Event, Finished, FirstToken, Gaps, Preempted, Refusal, Started, Token
from penstock.engine.model import EngineConfig, EngineModel
from penstock.engine.steptime import StepCost

# times that one can add up: a step is (max(10 + B, N + B) + KV/1000 + Σ n(n+2c)/1e6) ms before the host's share
COST = StepCost(p0_ms=0.0, p1_ms=1.0, p2_ms=1e-6, d0_ms=10.0, d1_ms=1.0, d2_ms=1e-3, kv_tokens=1000)


def model(**fields: object) -> EngineModel:
    given_fields = {"max_num_seqs": 8, "step_cost": COST, "kv_blocks": 64, "block_tokens": 4} | fields
    return EngineModel(EngineConfig(**given_fields), random.Random(1))  # type: ignore[arg-type] # rows name fields


def step_s(prompt: int, work: int, decodes: int, context: int) -> float:
    kernel = max(10 + decodes, prompt + decodes if prompt else 0) + context / 1000 + work / 1e6
    return (kernel * 1.1 + 1) / 1000


def ends(events: list[Event]) -> dict[int, float]:
    return {event.call_id: event.at_s for event in events if isinstance(event, Finished)}


def test_one_call_is_a_prefill_and_decodes_whose_context_grows() -> None:
    engine = model()
    prefill = step_s(40, 40 * 40, 0, 0)

    engine.submit(Call(id=1, prompt_tokens=40, output_tokens=3, streamed=True), 2.0)
    events = drained(engine)

    second = 2 + prefill + step_s(0, 0, 1, 40)
    third = second + step_s(0, 0, 1, 41)
    assert [(type(event), pytest.approx(event.at_s)) for event in events if not isinstance(event, Gaps)] == [
        (Started, 2.0), (FirstToken, 2 + prefill), (Token, second), (Token, third), (Finished, third),
    ]  # fmt: skip
    assert engine.gauges().kv_usage_ratio == 0


def test_a_prompt_above_the_budget_is_computed_in_chunks_beside_decodes() -> None:
    engine = model(max_num_batched_tokens=32)
    engine.submit(Call(id=1, prompt_tokens=8, output_tokens=9), 0.0)
    engine.advance(0.0)
    engine.submit(Call(id=2, prompt_tokens=50, output_tokens=1), 0.001)

    events = drained(engine)

    first = step_s(8, 64, 0, 0)
    second = first + step_s(31, 31 * 31, 1, 8)
    third = second + step_s(19, 19 * (19 + 2 * 31), 1, 9)
    assert ends(events)[2] == pytest.approx(third)
    assert [event.gap_s for event in events if isinstance(event, Gaps)][:2] == pytest.approx(
        [second - first, third - second]
    )


def test_calls_that_come_together_share_one_step() -> None:
    engine = model()
    for call_id in (1, 2):
        engine.submit(Call(id=call_id, prompt_tokens=10, output_tokens=1), 0.0)

    events = drained(engine)

    assert ends(events) == {1: pytest.approx(step_s(20, 200, 0, 0)), 2: pytest.approx(step_s(20, 200, 0, 0))}


def test_slots_limit_the_batch() -> None:
    engine = model(max_num_seqs=1)
    for call_id in (1, 2):
        engine.submit(Call(id=call_id, prompt_tokens=4, output_tokens=2), 0.0)
    engine.advance(0.0)

    gauges = engine.gauges()
    events = drained(engine)

    assert (gauges.running, gauges.waiting) == (1, 1)
    assert ends(events)[1] < next(e.at_s for e in events if isinstance(e, FirstToken) and e.call_id == 2)


def test_where_blocks_run_out_the_last_comer_is_preempted_and_still_gets_all_its_tokens() -> None:
    engine = model(kv_blocks=6)
    for call_id in (1, 2):
        engine.submit(Call(id=call_id, prompt_tokens=8, output_tokens=9, streamed=True), 0.0)

    events = drained(engine)

    lost = [event for event in events if isinstance(event, Preempted)]
    assert [event.call_id for event in lost] == [2]
    assert engine.gauges().preemptions == 1
    assert sum(isinstance(event, Started) for event in events) == 2
    for call_id in (1, 2):
        out = [e for e in events if isinstance(e, FirstToken | Token) and e.call_id == call_id]
        assert len(out) == 9
    # 2 comes back when 1 is done, and its pause is one long gap
    assert ends(events)[1] < ends(events)[2]
    assert max(e.gap_s for e in events if isinstance(e, Gaps)) > 3 * step_s(0, 0, 2, 30)


def test_a_prompt_waits_until_all_of_it_fits_although_its_first_chunk_would() -> None:
    engine = model(kv_blocks=16, max_num_batched_tokens=16)
    engine.submit(Call(id=1, prompt_tokens=30, output_tokens=10, streamed=False), 0.0)
    engine.submit(Call(id=2, prompt_tokens=40, output_tokens=2, streamed=False), 0.0)

    events = drained(engine)

    began = {event.call_id: event.at_s for event in events if isinstance(event, Started)}
    assert began[2] == ends(events)[1]
    assert engine.gauges().preemptions == 0


def test_by_priority_the_least_important_gives_way_even_if_it_came_first() -> None:
    engine = model(kv_blocks=6, by_priority=True)
    engine.submit(Call(id=1, prompt_tokens=8, output_tokens=9, priority=5), 0.0)
    engine.submit(Call(id=2, prompt_tokens=8, output_tokens=9, priority=1), 0.0)

    events = drained(engine)

    assert [event.call_id for event in events if isinstance(event, Preempted)] == [1]
    assert ends(events)[2] < ends(events)[1]


def test_a_preempted_call_finds_its_own_blocks_in_the_cache() -> None:
    with_cache = model(kv_blocks=6)
    without = model(kv_blocks=6)
    for call_id in (1, 2):
        hashes = tuple(range(call_id * 10, call_id * 10 + 4))
        call = {"id": call_id, "prompt_tokens": 8, "output_tokens": 9}
        with_cache.submit(Call(**call, block_hashes=hashes), 0.0)  # type: ignore[arg-type] # ints by construction
        without.submit(Call(**call), 0.0)  # type: ignore[arg-type] # same

    kept, lost = drained(with_cache), drained(without)

    assert ends(kept)[2] <= ends(lost)[2]
    assert with_cache.gauges().prefix_hit_tokens == 0  # a resumed call is no query


def test_a_common_beginning_is_computed_once() -> None:
    engine = model()
    engine.submit(Call(id=1, prompt_tokens=40, output_tokens=1, block_hashes=tuple(range(10))), 0.0)
    drained(engine)

    engine.submit(Call(id=2, prompt_tokens=40, output_tokens=1, block_hashes=tuple(range(10))), 1.0)
    events = drained(engine)

    # the last token of a prompt is always computed, so nine of ten blocks count
    assert events[0] == Started(2, 1.0, 36)
    assert ends(events)[2] - 1.0 == pytest.approx(step_s(4, 4 * (4 + 2 * 36), 0, 0))
    assert (engine.gauges().prefix_query_tokens, engine.gauges().prefix_hit_tokens) == (80, 36)


def test_an_answer_is_found_by_the_next_turn_of_its_chat() -> None:
    engine = model()
    engine.submit(Call(id=1, prompt_tokens=8, output_tokens=9, block_hashes=(1, 2, 3, 4)), 0.0)
    drained(engine)

    engine.submit(Call(id=2, prompt_tokens=24, output_tokens=1, block_hashes=(1, 2, 3, 4, 5, 6)), 1.0)
    events = drained(engine)

    # 8 + 9 tokens, of which the last was never computed: four full blocks
    assert events[0] == Started(2, 1.0, 16)


def test_what_can_never_fit_is_refused() -> None:
    engine = model(kv_blocks=4)

    assert engine.submit(Call(id=1, prompt_tokens=12, output_tokens=5), 0.0) is Refusal.TOO_LONG
    assert engine.submit(Call(id=2, prompt_tokens=12, output_tokens=4), 0.0) is None
    assert list(ends(drained(engine))) == [2]


def test_a_cancelled_call_gives_its_blocks_back_in_the_middle_of_a_step() -> None:
    engine = model(kv_blocks=16)
    engine.submit(Call(id=1, prompt_tokens=8, output_tokens=30), 0.0)
    engine.submit(Call(id=2, prompt_tokens=8, output_tokens=30), 0.0)
    engine.advance(0.1)
    middle = engine.next_event_s() or 0.0

    told = (engine.cancel(1, middle - 0.001), engine.cancel(2, middle - 0.001))

    assert told == (True, True)
    assert (engine.gauges().running, engine.gauges().kv_usage_ratio) == (0, 0.0)
    assert [event for event in drained(engine) if not isinstance(event, Gaps)] == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"max_num_seqs": 0}, "max-num-seqs=0: write 1 or more", id="slots"),
        pytest.param({"kv_blocks": 0}, "kv-cache-size=0: write 1 or more", id="blocks"),
        pytest.param({"max_num_batched_tokens": 7}, "max-num-batched-tokens=7: write at least", id="budget"),
    ],
)
def test_impossible_engines_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        model(**fields)


CALLS = st.lists(
    st.tuples(
        st.integers(1, 30),  # prompt
        st.integers(1, 20),  # answer
        st.integers(0, 20),  # ms since the one before
        st.integers(-1, 2),  # priority
        st.integers(0, 2),  # family of prompts that begin alike
        st.booleans(),  # its client goes away
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(calls=CALLS, blocks=st.integers(13, 30), by_priority=st.booleans(), slots=st.integers(1, 6))
def test_blocks_never_exceed_what_there_is_and_every_call_ends_exactly_once(
    calls: list[tuple[int, int, int, int, int, bool]], blocks: int, by_priority: bool, slots: int
) -> None:
    engine = model(kv_blocks=blocks, by_priority=by_priority, max_num_seqs=slots, max_num_batched_tokens=16)
    pool = engine._pool
    assert pool is not None
    events: list[Event] = []
    now_s, gone = 0.0, set()
    for call_id, (prompt, answer, wait_ms, priority, family, leaves) in enumerate(calls):
        now_s += wait_ms / 1000
        events += engine.advance(now_s)
        if leaves and engine.cancel(call_id - 1, now_s):
            gone.add(call_id - 1)
        hashes = tuple(family * 100 + index for index in range((prompt + answer) // 4))
        call = Call(id=call_id, prompt_tokens=prompt, output_tokens=answer, priority=priority, block_hashes=hashes,
                    streamed=True)  # fmt: skip
        assert engine.submit(call, now_s) is None
    while (due_s := engine.next_event_s()) is not None:
        events += engine.advance(due_s)
        assert pool.held + pool.idle <= blocks
        assert engine.gauges().running <= slots

    finished = [event.call_id for event in events if isinstance(event, Finished)]
    assert sorted(finished) == [call_id for call_id in range(len(calls)) if call_id not in gone]
    for call_id in finished:
        out = [event for event in events if isinstance(event, FirstToken | Token) and event.call_id == call_id]
        assert len(out) == calls[call_id][1]
        assert all(before.at_s <= after.at_s for before, after in pairwise(out))
    assert (pool.held, engine.gauges().running, engine.gauges().waiting) == (0, 0, 0)
