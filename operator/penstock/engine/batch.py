"""Continuous batching as in vLLM V1: mixed steps, chunked prefill, preemption by recomputation.

Each step gives every decoding sequence one token and spends the rest of the token budget on prompts: those begun
first, then waiting ones while slots last and KV blocks hold the whole of them (vLLM's scheduler_reserve_full_isl, on
by default: by the first chunk alone, prompts would push each other out). Where blocks run out, the sequence that came
last (by priority, then arrival) gives up its own and waits again at its old place; nothing new starts in such a step.
"""

from dataclasses import dataclass

from penstock.engine.calls import Call, Event, Finished, FirstToken, Gaps, Preempted, Started, Token
from penstock.engine.decodes import Decodes
from penstock.engine.kv import BlockPool, Holding
from penstock.engine.steptime import StepCost
from penstock.engine.waiting import Adapters, WaitingQueue


@dataclass(slots=True)
class _Sequence:
    call: Call
    key: tuple[int, int]
    holding: Holding
    cached_tokens: int
    generated: int
    last_s: float

    @property
    def left_to_compute(self) -> int:
        return self.call.prompt_tokens + self.generated - self.cached_tokens


@dataclass(slots=True)
class _Step:
    ends_s: float
    took_s: float
    chunks: list[tuple[_Sequence, int]]


class StepBatch:
    """The batch of one engine; a step begins as soon as there is work and the one before has ended."""

    def __init__(
        self, slots: int, token_budget: int, cost: StepCost, waiting: WaitingQueue, adapters: Adapters, pool: BlockPool
    ) -> None:
        self.preemptions = self.hit_tokens = self.query_tokens = 0
        self._slots, self._budget, self._cost, self._pool = slots, token_budget, cost, pool
        self._waiting, self._adapters = waiting, adapters
        self._running: dict[int, _Sequence] = {}
        self._prefilling: dict[int, _Sequence] = {}
        self._decodes = Decodes(pool.block_tokens)
        self._streamed: dict[int, None] = {}
        self._interrupted: dict[int, tuple[int, float]] = {}
        self._step: _Step | None = None
        self._wake_s: float | None = None

    @property
    def running(self) -> int:
        """Sequences in the batch, prompts begun included."""
        return len(self._running)

    def wake(self, now_s: float) -> None:
        """Note that there may be work; between steps only, since a step under way is not changed."""
        if self._step is None and self._wake_s is None:
            self._wake_s = now_s

    def next_event_s(self) -> float | None:
        """Return when the step under way ends, or when one can begin."""
        return self._wake_s if self._step is None else self._step.ends_s

    def advance(self, now_s: float) -> list[Event]:
        """End and begin every step that is due up to `now_s`."""
        events: list[Event] = []
        while (due_s := self.next_event_s()) is not None and due_s <= now_s:
            self._wake_s = None
            if self._step is not None:
                self._end(self._step, events)
            self._step = self._begin(due_s, events)
        return events

    def cancel(self, call_id: int, now_s: float) -> bool:
        """Take a sequence out of the batch; False if it is not in it."""
        self._interrupted.pop(call_id, None)
        sequence = self._running.get(call_id)
        if sequence is not None:
            self._leave(sequence)
            self.wake(now_s)
        return sequence is not None

    # --- the end of a step

    def _end(self, step: _Step, events: list[Event]) -> None:
        if self._decodes:
            events.append(Gaps(step.took_s, len(self._decodes)))
            events.extend(Token(call_id, step.ends_s) for call_id in self._streamed if call_id in self._decodes)
        for call_id in self._decodes.end():
            self._finish(self._running[call_id], step.ends_s, events)
        for sequence, chunk in step.chunks:
            if self._running.get(sequence.call.id) is sequence:
                self._computed(sequence, chunk, step.ends_s, events)

    def _computed(self, sequence: _Sequence, chunk: int, at_s: float, events: list[Event]) -> None:
        sequence.cached_tokens += chunk
        self._pool.publish(sequence.holding, sequence.cached_tokens // self._pool.block_tokens)
        if sequence.left_to_compute:
            return
        call = sequence.call
        del self._prefilling[call.id]
        if sequence.generated:
            events.append(Gaps(at_s - sequence.last_s, 1))
            if call.streamed:
                events.append(Token(call.id, at_s))
        else:
            events.append(FirstToken(call.id, at_s))
        sequence.generated += 1
        if sequence.generated >= call.output_tokens:
            self._finish(sequence, at_s, events)
        else:
            self._decodes.join(call.id, sequence.cached_tokens, call.output_tokens - sequence.generated)

    def _finish(self, sequence: _Sequence, at_s: float, events: list[Event]) -> None:
        self._leave(sequence)
        events.append(Finished(sequence.call.id, at_s, sequence.call.finish))

    def _leave(self, sequence: _Sequence) -> None:
        call, holding = sequence.call, sequence.holding
        if call.id in self._decodes:
            left = self._decodes.leave(call.id)
            sequence.cached_tokens = left.cached_tokens
            sequence.generated += left.generated
            # the group took its blocks in one sum; they are booked on the sequence when it leaves
            holding.private = left.blocks - holding.shared
            self._pool.publish(holding, sequence.cached_tokens // self._pool.block_tokens)
        self._pool.close(holding)
        self._prefilling.pop(call.id, None)
        self._streamed.pop(call.id, None)
        del self._running[call.id]
        self._adapters.leave(call.adapter)

    # --- the beginning of a step

    def _begin(self, now_s: float, events: list[Event]) -> _Step | None:
        before = self.preemptions
        self._grow_decodes(now_s, events)
        chunks = self._continue(self._budget - len(self._decodes), now_s, events)
        left = self._budget - len(self._decodes) - sum(chunk for _, chunk in chunks)
        if self.preemptions == before:
            self._admit(left, chunks, now_s, events)
        if not chunks and not self._decodes:
            return None
        took_s = self._took_s(chunks)
        return _Step(now_s + took_s, took_s, chunks)

    def _took_s(self, chunks: list[tuple[_Sequence, int]]) -> float:
        tokens = sum(chunk for _, chunk in chunks)
        work = sum(chunk * (chunk + 2 * sequence.cached_tokens) for sequence, chunk in chunks)
        return self._cost.step_s(tokens, work, len(self._decodes), self._decodes.context_tokens)

    def _grow_decodes(self, now_s: float, events: list[Event]) -> None:
        while not self._pool.grow(self._decodes.blocks_begun()):
            self._preempt(self._victim(), now_s, events)
        self._decodes.begin()

    def _continue(self, budget: int, now_s: float, events: list[Event]) -> list[tuple[_Sequence, int]]:
        chunks: list[tuple[_Sequence, int]] = []
        for sequence in list(self._prefilling.values()):
            chunk = min(budget, sequence.left_to_compute)
            if chunk > 0 and self._grow(sequence, chunk, now_s, events):
                chunks.append((sequence, chunk))
                budget -= chunk
        # by priority, the victim of a later one may be an earlier one
        return [(sequence, chunk) for sequence, chunk in chunks if sequence.call.id in self._running]

    def _grow(self, sequence: _Sequence, chunk: int, now_s: float, events: list[Event]) -> bool:
        """Take the blocks of a prompt's next chunk; False if the sequence itself had to give way."""
        blocks = self._pool.blocks_for(sequence.cached_tokens + chunk) - self._pool.blocks_for(sequence.cached_tokens)
        while sequence.call.id in self._running:
            if self._pool.grow(blocks):
                sequence.holding.private += blocks
                return True
            self._preempt(self._victim(), now_s, events)
        return False

    def _victim(self) -> _Sequence:
        return max(self._running.values(), key=lambda sequence: sequence.key)

    def _preempt(self, sequence: _Sequence, now_s: float, events: list[Event]) -> None:
        self._leave(sequence)
        self.preemptions += 1
        self._interrupted[sequence.call.id] = (sequence.generated, now_s)
        self._waiting.put_back(sequence.call, sequence.key)
        events.append(Preempted(sequence.call.id, now_s))

    def _admit(self, budget: int, chunks: list[tuple[_Sequence, int]], now_s: float, events: list[Event]) -> None:
        while budget > 0 and len(self._running) < self._slots:
            call = self._waiting.head(self._adapters)
            begun = self._start(call, budget, now_s, events) if call is not None else None
            if begun is None:
                return
            chunks.append(begun)
            budget -= begun[1]

    def _start(self, call: Call, budget: int, now_s: float, events: list[Event]) -> tuple[_Sequence, int] | None:
        generated, last_s = self._interrupted.get(call.id, (0, 0.0))
        tokens = call.prompt_tokens + generated
        matched = self._pool.match(call.block_hashes, tokens)
        cached = matched * self._pool.block_tokens
        chunk = min(budget, tokens - cached)
        begun = self._pool.blocks_for(cached + chunk)
        later = self._pool.blocks_for(tokens) - begun
        holding = self._pool.open(call.block_hashes, matched, begun - matched, later=later)
        if holding is None:
            return None
        key = self._waiting.remove(call.id) or (call.priority, call.id)
        sequence = _Sequence(call, key, holding, cached, generated, last_s)
        self._enter(sequence)
        if self._interrupted.pop(call.id, None) is None:
            self.query_tokens += call.prompt_tokens
            self.hit_tokens += cached
            events.append(Started(call.id, now_s, cached))
        return sequence, chunk

    def _enter(self, sequence: _Sequence) -> None:
        call = sequence.call
        self._running[call.id] = self._prefilling[call.id] = sequence
        if call.streamed:
            self._streamed[call.id] = None
        self._adapters.enter(call.adapter)
