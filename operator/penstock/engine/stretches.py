"""The stretches of a fast-forwarded batch: what a step with prompts, or many steps without, begin and leave behind.

Counters stand as at the boundary `_at_s` where the stretch began. It has `_steps` steps, the first of which takes
`_first_s` and each further one `_more_s` longer; a step with prompts is a stretch of its own. 0 steps: the engine
has just been woken and begins at `_end_s`.
"""

from collections import deque
from heapq import heappop, heappush
from math import inf
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.engine.sequences import DONE, FIRST, Emitted, Sequence
from penstock.engine.steptime import OVERHEAD_FACTOR, OVERHEAD_MS, StepCost

BLOCK_TOKENS: Final = 16
SHIFT: Final = 4
MASK: Final = BLOCK_TOKENS - 1


class Stretches:
    """The batch between two boundaries; knows nothing of what comes from outside in the meantime."""

    __slots__ = (
        "_at_s", "_budget", "_by_done", "_chunks", "_context", "_d0_s", "_d1_s", "_d2_s", "_decoding", "_end_s",
        "_first_s", "_floor_s", "_free", "_gap_s", "_gaps", "_more_s", "_next_s", "_now_s", "_out", "_p0_s", "_p1_s",
        "_p2_s", "_partial", "_phases", "_running", "_slots", "_step", "_steps", "_waiting", "kv_capacity_tokens",
        "preemptions",
    )  # fmt: skip

    def __init__(self, cost: StepCost, *, max_num_seqs: int, token_budget: int) -> None:
        if max_num_seqs < 1:
            raise InvalidField("max-num-seqs", max_num_seqs, "write 1 or more")
        if token_budget < max_num_seqs:
            raise InvalidField("max-num-batched-tokens", token_budget, "write at least --max-num-seqs")
        self._slots, self._budget = max_num_seqs, token_budget
        self._free = cost.kv_tokens >> SHIFT
        self.kv_capacity_tokens = self._free << SHIFT
        self.preemptions = 0
        self._price(cost)
        self._running: dict[int, Sequence] = {}
        self._waiting: deque[Sequence] = deque()
        self._partial: Sequence | None = None
        self._chunks: list[Sequence] = []
        self._out: list[Emitted] = []
        self._by_done: list[tuple[int, int, Sequence]] = []
        # how many begin a block in step s: _phases[s mod 16]; twice over, so that a slice never wraps
        self._phases = [0] * (2 * BLOCK_TOKENS)
        self._step = self._steps = self._decoding = self._context = self._gaps = 0
        self._gap_s = 0.0
        self._now_s = self._at_s = self._first_s = self._more_s = 0.0
        self._end_s = self._next_s = inf

    def _price(self, cost: StepCost) -> None:
        scale, host_s = OVERHEAD_FACTOR / 1000, OVERHEAD_MS / 1000
        self._d0_s, self._d1_s, self._d2_s = cost.d0_ms * scale + host_s, cost.d1_ms * scale, cost.d2_ms * scale
        self._p0_s, self._p1_s, self._p2_s = cost.p0_ms * scale + host_s, cost.p1_ms * scale, cost.p2_ms * scale
        self._floor_s = cost.prefill_floor_ms * scale + host_s

    def _after(self, steps: int) -> float:
        return self._at_s + steps * (self._first_s + self._more_s * (steps - 1) * 0.5)

    def _blocks(self, steps: int) -> int:
        """Return how many blocks the decodes begin in so many steps of the stretch."""
        first = self._step & MASK
        return (steps >> SHIFT) * self._decoding + sum(self._phases[first : first + (steps & MASK)])

    # --- the end of a stretch

    def _pass(self) -> None:
        began_s, at_s = self._at_s, self._end_s
        self._at_s = at_s
        steps = self._steps
        if steps:
            self._gaps += steps * self._decoding
            self._gap_s += (at_s - began_s) * self._decoding
            self._free -= self._blocks(steps)
            self._step += steps
            self._context += steps * self._decoding
            by_done = self._by_done
            while by_done and by_done[0][0] <= self._step:
                done, _, sequence = heappop(by_done)
                if sequence.done == done:  # else preempted since
                    self._done(sequence, at_s)
            if self._chunks:
                self._computed(at_s)
        self._begin(at_s)

    def _done(self, sequence: Sequence, at_s: float) -> None:
        phase, total = sequence.phase, sequence.total
        self._phases[phase] -= 1
        self._phases[phase + BLOCK_TOKENS] -= 1
        self._decoding -= 1
        self._context -= total - 1
        self._free += total - 1 + MASK >> SHIFT
        del self._running[sequence.call_id]
        self._out.append(Emitted(sequence.call_id, DONE, at_s, sequence.started_s))

    def _computed(self, at_s: float) -> None:
        for sequence in self._chunks:
            if sequence.fresh:
                sequence.fresh = False
                self._out.append(Emitted(sequence.call_id, FIRST, at_s, sequence.started_s))
            self._join(sequence)
            if sequence.left == 1:
                self._done(sequence, at_s)
            else:
                heappush(self._by_done, (sequence.done, sequence.call_id, sequence))
        self._chunks = []

    def _join(self, sequence: Sequence) -> None:
        total, left = sequence.total, sequence.left
        done = sequence.done = self._step + left - 1
        phase = sequence.phase = done + 1 - total & MASK
        self._phases[phase] += 1
        self._phases[phase + BLOCK_TOKENS] += 1
        self._decoding += 1
        self._context += total - left

    # --- the beginning of a stretch

    def _begin(self, at_s: float) -> None:
        before = self.preemptions
        while self._phases[self._step & MASK] > self._free:
            self._preempt()
        if self.preemptions == before and (
            self._partial is not None or (self._waiting and len(self._running) < self._slots)
        ):
            self._mix(at_s)
        if not self._chunks and self._partial is None:
            self._decode(preempted=self.preemptions != before)

    def _preempt(self) -> None:
        """Take the blocks of the last comer, who waits again ahead of all others."""
        _, sequence = self._running.popitem()
        if sequence is self._partial:
            held, self._partial = sequence.cached, None
        else:
            sequence.left = sequence.done - self._step
            held = sequence.total - sequence.left - 1
            self._phases[sequence.phase] -= 1
            self._phases[sequence.phase + BLOCK_TOKENS] -= 1
            self._decoding -= 1
            self._context -= held
        self._free += held + MASK >> SHIFT
        sequence.cached = sequence.done = 0
        self._waiting.appendleft(sequence)
        self.preemptions += 1

    def _mix(self, at_s: float) -> None:
        """Begin a step with prompts, unless no block is left for any."""
        decoding = self._decoding
        budget = self._budget - decoding
        free = room = self._free - self._phases[self._step & MASK]
        work = 0
        if self._partial is not None:
            chunk, work, taken = self._continue(self._partial, budget, free)
            if not chunk:
                self._preempt()
                return
            budget -= chunk
            free -= taken
        waiting, running, slots = self._waiting, self._running, self._slots
        while budget and waiting and len(running) < slots:
            sequence = waiting[0]
            prompt = sequence.total - sequence.left
            if prompt + MASK >> SHIFT > free:  # all of it has to fit, though the first chunk alone is taken
                break
            chunk = prompt if prompt < budget else budget
            free -= chunk + MASK >> SHIFT
            budget -= chunk
            work += chunk * chunk
            self._start(waiting.popleft(), chunk, at_s)
        tokens = self._budget - budget - decoding
        if tokens:
            self._free -= room - free
            self._steps, self._more_s = 1, 0.0
            self._first_s = self._mixed_s(tokens, work, decoding, self._context)
            self._end_s = self._next_s = at_s + self._first_s

    def _continue(self, partial: Sequence, budget: int, free: int) -> tuple[int, int, int]:
        """Give the next chunk to the prompt begun: its tokens, its work and its blocks, or zeros if they do not fit."""
        cached, prompt = partial.cached, partial.total - partial.left
        chunk = min(budget, prompt - cached)
        taken = (cached + chunk + MASK >> SHIFT) - (cached + MASK >> SHIFT)
        if taken > free:
            return 0, 0, 0
        partial.cached += chunk
        if partial.cached == prompt:
            self._chunks.append(partial)
            self._partial = None
        return chunk, chunk * (chunk + 2 * cached), taken

    def _start(self, sequence: Sequence, chunk: int, at_s: float) -> None:
        self._running[sequence.call_id] = sequence
        if sequence.started_s == -inf:
            sequence.started_s = at_s
        if chunk == sequence.total - sequence.left:
            self._chunks.append(sequence)
        else:
            sequence.cached = chunk
            self._partial = sequence

    def _mixed_s(self, tokens: int, work: int, decoding: int, context: int) -> float:
        longest = self._d0_s + self._d1_s * decoding
        compute = self._p0_s + self._p1_s * (tokens + decoding)
        longest = max(longest, compute, self._floor_s)
        return longest + self._d2_s * context + self._p2_s * work

    def _decode(self, *, preempted: bool) -> None:
        """Begin steps without prompts, up to the next end, or until blocks run out; after a preemption one alone."""
        decoding = self._decoding
        if not decoding:
            self._steps, self._end_s, self._next_s = 0, inf, inf
            return
        steps = 1 if preempted else self._by_done[0][0] - self._step
        if ((steps >> SHIFT) + 1) * decoding > self._free:
            steps = self._affordable(steps)
        self._steps = steps
        self._more_s = self._d2_s * decoding
        self._first_s = self._d0_s + self._d1_s * decoding + self._d2_s * self._context
        self._end_s = self._next_s = self._after(steps)

    def _affordable(self, steps: int) -> int:
        """Return how many of the steps find their blocks; at least one does."""
        turns, left = divmod(self._free, self._decoding)
        most = turns << SHIFT
        while most < steps and (begun := self._phases[self._step + most & MASK]) <= left:
            left -= begun
            most += 1
        return min(most, steps)
