"""llm-d-inference-sim's law, call by call, under virtual time."""

import random

import pytest
from tests.unit.engine.driven import drained

from penstock.engine.calls import Call, Event, Finish, Finished, FirstToken, Gaps, Refusal, Started, Token
from penstock.engine.latency import Latencies
from penstock.engine.model import EngineConfig, EngineModel

LATENCIES = Latencies(time_to_first_token_s=0.1, inter_token_latency_s=0.02)


def model(**fields: object) -> EngineModel:
    given = {"max_num_seqs": 2, "latencies": LATENCIES} | fields
    return EngineModel(EngineConfig(**given), random.Random(1))  # type: ignore[arg-type] # rows name fields


def ends(events: list[Event]) -> dict[int, float]:
    return {event.call_id: round(event.at_s, 6) for event in events if isinstance(event, Finished)}


def test_one_call_has_the_timeline_of_its_latencies() -> None:
    engine = model()

    engine.submit(Call(id=7, prompt_tokens=9, output_tokens=3, streamed=True, finish=Finish.STOP), 1.0)
    events = drained(engine)

    assert [(type(event), pytest.approx(event.at_s)) for event in events if not isinstance(event, Gaps)] == [
        (Started, 1.0), (FirstToken, 1.1), (Token, 1.12), (Token, 1.14), (Finished, 1.14),
    ]  # fmt: skip
    assert [pytest.approx(event.gap_s) for event in events if isinstance(event, Gaps)] == [0.02, 0.02]
    assert events[-1].reason is Finish.STOP


def test_a_third_call_waits_for_a_slot_and_starts_the_moment_one_is_free() -> None:
    engine = model()
    for call_id, tokens in ((1, 3), (2, 6), (3, 1)):
        engine.submit(Call(id=call_id, prompt_tokens=1, output_tokens=tokens), 0.0)

    first = engine.advance(0.0)
    gauges = engine.gauges()
    events = drained(engine)

    assert [type(event) for event in first] == [Started, Started]
    assert (gauges.running, gauges.waiting, gauges.kv_usage_ratio) == (2, 1, 0.0)
    assert ends(events) == {1: 0.14, 2: 0.2, 3: 0.24}


def test_load_stretches_what_is_drawn_from_then_on() -> None:
    latencies = Latencies(time_to_first_token_s=0.1, inter_token_latency_s=0.02, time_factor_under_load=3.0)
    engine = model(latencies=latencies)

    engine.submit(Call(id=1, prompt_tokens=1, output_tokens=2), 0.0)
    engine.advance(0.05)
    engine.submit(Call(id=2, prompt_tokens=1, output_tokens=1), 0.05)
    events = drained(engine)

    # 1 starts alone (0.1), its second token is drawn beside 2 (0.02 x 3); 2 starts beside 1 (0.1 x 3)
    assert ends(events) == {1: 0.16, 2: 0.35}


def test_changed_latencies_hold_from_the_next_draw() -> None:
    engine = model()
    engine.submit(Call(id=1, prompt_tokens=1, output_tokens=2), 0.0)
    engine.advance(0.0)

    engine.use(Latencies(inter_token_latency_s=0.5))

    assert ends(drained(engine)) == {1: 0.6}


def test_cached_prompt_tokens_cost_nothing() -> None:
    latencies = Latencies(prefill_overhead_s=0.01, prefill_time_per_token_s=0.001)
    engine = model(latencies=latencies, kv_blocks=8, block_tokens=4)
    call = Call(id=1, prompt_tokens=10, output_tokens=1, block_hashes=(11, 12))

    engine.submit(call, 0.0)
    alone = drained(engine)
    engine.submit(Call(id=2, prompt_tokens=10, output_tokens=1, block_hashes=(11, 12)), 1.0)
    again = drained(engine)

    assert ends(alone) == {1: 0.02}
    assert ends(again) == {2: 1.012}
    assert again[0] == Started(2, 1.0, 8)
    assert (engine.gauges().prefix_query_tokens, engine.gauges().prefix_hit_tokens) == (20, 8)


def test_a_prompt_without_room_waits_for_blocks_and_one_that_never_fits_is_refused() -> None:
    engine = model(kv_blocks=4, block_tokens=4)

    taken = [
        engine.submit(Call(id=call_id, prompt_tokens=tokens, output_tokens=3), 0.0)
        for call_id, tokens in ((1, 12), (2, 8), (3, 17))
    ]
    engine.advance(0.0)
    used = engine.gauges()

    assert taken == [None, None, Refusal.TOO_LONG]
    assert (used.running, used.waiting, used.kv_usage_ratio) == (1, 1, 0.75)
    assert ends(drained(engine)) == {1: 0.14, 2: 0.28}


def test_the_queue_refuses_what_is_above_its_length() -> None:
    engine = model(max_num_seqs=1, max_waiting=2)

    answers = [engine.submit(Call(id=call_id, prompt_tokens=1, output_tokens=1), 0.0) for call_id in range(5)]

    assert answers == [None, None, None, Refusal.QUEUE_FULL, Refusal.QUEUE_FULL]
    assert len(ends(drained(engine))) == 3


@pytest.mark.parametrize(
    ("by_priority", "order"),
    [
        pytest.param(True, [1, 4, 3, 2], id="priority: lower first, then arrival"),
        pytest.param(False, [1, 2, 3, 4], id="fcfs ignores it"),
    ],
)
def test_order_of_the_waiting(by_priority: bool, order: list[int]) -> None:
    engine = model(max_num_seqs=1, by_priority=by_priority)
    for call_id, priority in ((1, 9), (2, 5), (3, 0), (4, -1)):
        engine.submit(Call(id=call_id, prompt_tokens=1, output_tokens=1, priority=priority), 0.0)
        engine.advance(0.0)

    events = drained(engine)

    assert list(ends(events)) == order


def test_a_third_adapter_waits_while_two_run_and_the_base_model_passes_it() -> None:
    engine = model(max_num_seqs=4, max_adapters=2)
    for call_id, adapter, tokens in ((1, "a", 2), (2, "b", 9), (3, "c", 1), (4, "", 1), (5, "a", 1)):
        engine.submit(Call(id=call_id, prompt_tokens=1, output_tokens=tokens, adapter=adapter), 0.0)
    engine.advance(0.0)
    before = engine.gauges()

    events = drained(engine)

    assert (before.running_adapters, before.waiting_adapters, before.running) == (("a", "b"), ("c",), 4)
    assert ends(events) == {4: 0.1, 5: 0.1, 1: 0.12, 3: 0.22, 2: 0.26}


def test_cancelling_frees_the_slot_at_once_and_leaves_no_trace() -> None:
    engine = model(max_num_seqs=1)
    for call_id in (1, 2, 3):
        engine.submit(Call(id=call_id, prompt_tokens=1, output_tokens=50), 0.0)
    engine.advance(0.3)

    told = [engine.cancel(1, 0.3), engine.cancel(2, 0.3), engine.cancel(1, 0.3), engine.cancel(99, 0.3)]
    events = engine.advance(0.3)

    assert told == [True, True, False, False]
    assert events == [Started(3, 0.3, 0)]
    assert list(ends(drained(engine))) == [3]
    assert engine.gauges().running == engine.gauges().waiting == 0
