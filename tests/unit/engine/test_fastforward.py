"""The fast engine against the step batch: the same first tokens, ends, preemptions and gauges at any moment."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.errors import InvalidField
from penstock.engine.calls import Call, Event, Finished, FirstToken, Started
from penstock.engine.fastforward import DONE, FIRST, Emitted, FastEngine
from penstock.engine.model import EngineConfig, EngineModel
from penstock.engine.steptime import GPUS, StepCost

COST = StepCost(p0_ms=0.7, p1_ms=0.11, p2_ms=1.3e-5, d0_ms=7.3, d1_ms=0.13, d2_ms=1.7e-3, prefill_floor_ms=9.1,
                kv_tokens=800)  # fmt: skip
Arrival = tuple[float, int, int]  # at_s, prompt_tokens, output_tokens


class Stepped:
    """The step batch behind the fast engine's door."""

    def __init__(self, cost: StepCost, *, max_num_seqs: int, token_budget: int) -> None:
        self.blocks = cost.kv_tokens // 16
        self.model = EngineModel(
            EngineConfig(
                max_num_seqs=max_num_seqs,
                max_waiting=10**9,
                step_cost=cost,
                max_num_batched_tokens=token_budget,
                kv_blocks=self.blocks,
            ),
            random.Random(1),
        )
        self.ids: list[int] = []
        self.started_s: dict[int, float] = {}

    def submit(self, call_id: int, prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        self.ids.append(call_id)
        refusal = self.model.submit(Call(id=call_id, prompt_tokens=prompt_tokens, output_tokens=output_tokens), now_s)
        assert refusal is None

    def advance(self, now_s: float) -> list[Emitted]:
        return [seen for event in self.model.advance(now_s) if (seen := self.emitted(event)) is not None]

    def emitted(self, event: Event) -> Emitted | None:
        if isinstance(event, Started):
            self.started_s[event.call_id] = event.at_s
        if isinstance(event, FirstToken):
            return Emitted(event.call_id, FIRST, event.at_s, self.started_s[event.call_id])
        if isinstance(event, Finished):
            return Emitted(event.call_id, DONE, event.at_s, self.started_s[event.call_id])
        return None

    def next_event_s(self) -> float | None:
        return self.model.next_event_s()

    def cancel_all(self, now_s: float) -> list[int]:
        return [call_id for call_id in self.ids if self.model.cancel(call_id, now_s)]

    def gauges(self) -> tuple[int, int, int, int]:
        gauges = self.model.gauges()
        return gauges.running, gauges.waiting, round(gauges.kv_usage_ratio * self.blocks) * 16, gauges.preemptions


def until(engine: Stepped | FastEngine, now_s: float) -> list[Emitted]:
    """Advance from event to event, and find nothing between them."""
    out: list[Emitted] = []
    while (due_s := engine.next_event_s()) is not None and due_s <= now_s:
        out += engine.advance(due_s)
    assert engine.advance(now_s) == []
    return out


def same(got: list[Emitted], expected: list[Emitted]) -> None:
    assert [(seen.call_id, seen.kind) for seen in got] == [(seen.call_id, seen.kind) for seen in expected]
    assert [seen.at_s for seen in got] == pytest.approx([seen.at_s for seen in expected], rel=1e-9)
    assert [seen.started_s for seen in got] == pytest.approx([seen.started_s for seen in expected], rel=1e-9)


def compare(cost: StepCost, arrivals: Sequence[Arrival], slots: int, budget: int, cancel_at: int = -1) -> FastEngine:
    """Run both, alike at every arrival and in everything that comes out; return the fast one, empty.

    A third, which is looked at only at the end, shows that it does not matter how often one looks.
    """
    slow = Stepped(cost, max_num_seqs=slots, token_budget=budget)
    fast = FastEngine(cost, max_num_seqs=slots, token_budget=budget)
    lazy = FastEngine(cost, max_num_seqs=slots, token_budget=budget)
    expected, got, seen = [], [], []
    for call_id, (at_s, prompt, output) in enumerate(arrivals):
        expected += until(slow, at_s)
        got += until(fast, at_s)
        if call_id == cancel_at or at_s == arrivals[call_id - 1][0]:
            seen += lazy.advance(at_s)  # otherwise it joins the call that woke the engine at this instant
        if call_id == cancel_at:
            assert sorted(fast.cancel_all()) == sorted(lazy.cancel_all()) == sorted(slow.cancel_all(at_s))
        slow.submit(call_id, prompt, output, at_s)
        fast.submit(call_id, prompt, output, at_s)
        lazy.submit(call_id, prompt, output, at_s)
        expected += slow.advance(at_s)
        got += fast.advance(at_s)
        assert (fast.running, fast.waiting, fast.kv_tokens, fast.preemptions) == slow.gauges()
    got += until(fast, 1e9)
    same(got, expected + until(slow, 1e9))
    same(seen + lazy.advance(1e9), got)
    assert (fast.running, fast.waiting, fast.kv_tokens, fast.next_event_s()) == (0, 0, 0, None)
    return fast


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


def drawn(count: int, per_s: float, seed: int) -> list[Arrival]:
    """Lengths about as in a public trace of conversations: means of 1155 and 211 tokens."""
    chance = random.Random(seed)
    at_s, arrivals = 0.0, []
    for _ in range(count):
        at_s += chance.expovariate(per_s)
        prompt, output = chance.lognormvariate(6.65, 0.9), chance.lognormvariate(5.03, 0.8)
        arrivals.append((at_s, 1 + min(14_000, int(prompt)), 1 + min(1500, int(output))))
    return arrivals


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
