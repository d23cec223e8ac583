"""The fast engine against the step batch: the same first tokens, ends, preemptions and gauges at any moment."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.calls import Call, Event, Finished, FirstToken
from penstock.engine.fastforward import DONE, FIRST, Emitted, FastEngine
from penstock.engine.model import EngineConfig, EngineModel
from penstock.engine.steptime import StepCost

COST = StepCost(p0_ms=0.7, p1_ms=0.11, p2_ms=1.3e-5, d0_ms=7.3, d1_ms=0.13, d2_ms=1.7e-3, kv_tokens=800)
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

    def submit(self, call_id: int, prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        self.ids.append(call_id)
        refusal = self.model.submit(Call(id=call_id, prompt_tokens=prompt_tokens, output_tokens=output_tokens), now_s)
        assert refusal is None

    def advance(self, now_s: float) -> list[Emitted]:
        return [seen for event in self.model.advance(now_s) if (seen := emitted(event)) is not None]

    def next_event_s(self) -> float | None:
        return self.model.next_event_s()

    def cancel_all(self, now_s: float) -> list[int]:
        return [call_id for call_id in self.ids if self.model.cancel(call_id, now_s)]

    def gauges(self) -> tuple[int, int, int, int]:
        gauges = self.model.gauges()
        return gauges.running, gauges.waiting, round(gauges.kv_usage_ratio * self.blocks) * 16, gauges.preemptions


def emitted(event: Event) -> Emitted | None:
    if isinstance(event, FirstToken):
        return Emitted(event.call_id, FIRST, event.at_s, 0.0)
    return Emitted(event.call_id, DONE, event.at_s, 0.0) if isinstance(event, Finished) else None


def until(engine: Stepped | FastEngine, now_s: float) -> list[Emitted]:
    out: list[Emitted] = []
    while (due_s := engine.next_event_s()) is not None and due_s <= now_s:
        out += engine.advance(due_s)
    return out


def compare(
    cost: StepCost, arrivals: Sequence[Arrival], slots: int, budget: int, cancel_at: int = -1
) -> tuple[list[Emitted], FastEngine]:
    slow = Stepped(cost, max_num_seqs=slots, token_budget=budget)
    fast = FastEngine(cost, max_num_seqs=slots, token_budget=budget)
    expected: list[Emitted] = []
    got: list[Emitted] = []
    for call_id, (at_s, prompt, output) in enumerate(arrivals):
        expected += until(slow, at_s) + slow.advance(at_s)
        got += until(fast, at_s) + fast.advance(at_s)
        if call_id == cancel_at:
            assert sorted(fast.cancel_all()) == sorted(slow.cancel_all(at_s))
        slow.submit(call_id, prompt, output, at_s)
        fast.submit(call_id, prompt, output, at_s)
        expected += slow.advance(at_s)
        got += fast.advance(at_s)
        assert (fast.running, fast.waiting, fast.kv_tokens, fast.preemptions) == slow.gauges()
    expected += until(slow, 1e9)
    got += until(fast, 1e9)
    assert [(seen.call_id, seen.kind) for seen in got] == [(seen.call_id, seen.kind) for seen in expected]
    assert [seen.at_s for seen in got] == pytest.approx([seen.at_s for seen in expected], rel=1e-9)
    assert (fast.running, fast.waiting, fast.kv_tokens) == (0, 0, 0)
    return got, fast


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


@settings(max_examples=60)
@given(
    workloads(),
    st.sampled_from([1, 3, 8, 64]),
    st.sampled_from([64, 200]),
    st.sampled_from([640, 1000, 100_000]),
    st.integers(-1, 20),
)
def test_any_small_workload_runs_as_in_the_step_batch(
    arrivals: list[Arrival], slots: int, budget: int, kv_tokens: int, cancel_at: int
) -> None:
    cost = StepCost(
        p0_ms=0.7, p1_ms=0.11, p2_ms=1.3e-5, d0_ms=7.3, d1_ms=0.13, d2_ms=1.7e-3, prefill_floor_ms=9.1,
        kv_tokens=kv_tokens,
    )  # fmt: skip

    compare(cost, arrivals, slots, budget, cancel_at)
