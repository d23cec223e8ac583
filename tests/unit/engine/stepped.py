"""The step batch behind the fast engine's door, and how the two are compared."""

import random
from collections.abc import Sequence

import pytest

from penstock.engine.calls import Call, Event, Finished, FirstToken, Started
from penstock.engine.fastforward import DONE, FIRST, Emitted, FastEngine
from penstock.engine.model import EngineConfig, EngineModel
from penstock.engine.steptime import StepCost

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
        new = engine.advance(due_s)
        assert {seen.at_s for seen in new} <= {due_s}
        out += new
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


def drawn(count: int, per_s: float, seed: int) -> list[Arrival]:
    """Lengths about as in a public trace of conversations: means of 1155 and 211 tokens."""
    chance = random.Random(seed)
    at_s, arrivals = 0.0, []
    for _ in range(count):
        at_s += chance.expovariate(per_s)
        prompt, output = chance.lognormvariate(6.65, 0.9), chance.lognormvariate(5.03, 0.8)
        arrivals.append((at_s, 1 + min(14_000, int(prompt)), 1 + min(1500, int(output))))
    return arrivals
