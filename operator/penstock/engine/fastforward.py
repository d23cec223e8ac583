"""The step batch again, for simulations of whole fleets: steps in which nothing is decided pass in closed form.

The law is `engine.batch.StepBatch` without prefix cache, first come first served: same steps, same blocks, same
preemptions, so first tokens and ends fall on the same instants. While nothing starts and nothing ends, B sequences
decode together and each step costs one and the same bit more than the one before; k steps from the first, which
takes a, take k·a + b·k·(k-1)/2 (b = what B more cached tokens cost). Work arises only at arrivals, steps with
prompts in them, ends, and where blocks run out.
"""

from math import inf, sqrt

from penstock.domain.errors import InvalidField
from penstock.engine.sequences import DONE, FIRST, Emitted, Kind, Sequence
from penstock.engine.stretches import BLOCK_TOKENS, MASK, SHIFT, Stretches

__all__ = ["DONE", "FIRST", "Emitted", "FastEngine", "Kind"]


class FastEngine(Stretches):
    """One engine. Time never goes back; `submit` and `advance` first let everything due by then happen.

    Gauges stand as at the last of these calls. A call that comes at the very instant at which a step begins waits
    for the next one, except where it finds the engine idle.
    """

    __slots__ = ()

    @property
    def running(self) -> int:
        """Sequences in the batch, prompts begun included."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Calls that have no slot, preempted ones included."""
        return len(self._waiting)

    @property
    def kv_tokens(self) -> int:
        """Tokens that the blocks in use would hold, at the last instant that the engine was told."""
        begun = self._begun(self._now_s) if self._steps else 0
        return self.kv_capacity_tokens - (self._free - self._blocks(begun)) * BLOCK_TOKENS

    @property
    def gaps(self) -> tuple[int, float]:
        """How many tokens came after another of the same call so far, and the seconds between them, all added up.

        As vLLM's histogram of inter-token latency counts them; the pause of a preempted call is left out.
        """
        ended = self._begun(self._now_s) - 1 if self._steps else 0
        seconds = self._after(ended) - self._at_s if ended > 0 else 0.0
        return self._gaps + ended * self._decoding, self._gap_s + seconds * self._decoding

    def next_event_s(self) -> float | None:
        """Return an instant up to which nothing can be noticed from outside; None while nothing is to come."""
        return self._next_s if self._next_s < inf else None

    def submit(self, call_id: int, prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        """Queue a call.

        Raises:
            InvalidField: no prompt, or more tokens than the KV cache holds.
        """
        if not 0 < prompt_tokens <= self.kv_capacity_tokens - output_tokens:
            raise InvalidField("prompt_tokens", prompt_tokens, f"send 1 to {self.kv_capacity_tokens} with the answer")
        if self._end_s <= now_s:
            self._catch_up(now_s)
        self._now_s = now_s
        waiting = self._waiting
        waiting.append(Sequence(call_id, prompt_tokens, output_tokens or 1))
        if self._end_s == inf:
            self._at_s = self._end_s = now_s
            self._steps = 0
            self._next_s = self._foreseen_s(0)
        elif len(waiting) == 1 and self._steps > 1 and len(self._running) < self._slots:
            self._cut(now_s)

    def advance(self, now_s: float) -> list[Emitted]:
        """Let time pass; return what happened since the last call, in order."""
        while self._end_s <= now_s:
            self._pass()
        self._now_s = now_s
        out = self._out
        if not out:
            return []
        self._out = []
        return out

    def cancel_all(self) -> list[int]:
        """Forget every call and return their ids; the step under way still runs to its end."""
        ids = [*self._running, *(sequence.call_id for sequence in self._waiting)]
        if self._steps:
            self._end_s = self._next_s = self._after(self._begun(self._now_s))
            self._steps = 1
        self._running.clear()
        self._waiting.clear()
        self._by_done.clear()
        self._chunks, self._partial = [], None
        self._phases = [0] * (2 * BLOCK_TOKENS)
        self._decoding = self._context = 0
        self._free = self.kv_capacity_tokens // BLOCK_TOKENS
        return ids

    # --- time within a stretch

    def _begun(self, now_s: float) -> int:
        """Return how many steps of the stretch have begun by `now_s`, which lies in it."""
        passed_s, slope = now_s - self._at_s, self._first_s - self._more_s * 0.5
        steps = int(2 * passed_s / (slope + sqrt(slope * slope + 2 * self._more_s * passed_s))) + 1
        if self._after(steps) <= now_s:
            steps += 1
        return min(steps, self._steps)

    def _cut(self, now_s: float) -> None:
        """End a stretch of decodes with the step under way, since a call can start after it."""
        steps = self._begun(now_s)
        if steps < self._steps:
            self._steps = steps
            self._end_s = self._after(steps)
            self._next_s = self._foreseen_s(steps)

    def _foreseen_s(self, steps: int) -> float:
        """Return when the step after this stretch ends at the earliest: it computes the first prompt that waits."""
        decoding, first = self._decoding, self._waiting[0]
        prompt = first.total - first.left
        if self._free - ((steps >> SHIFT) + 2) * decoding < prompt + MASK >> SHIFT:
            return self._end_s
        chunk = min(self._budget - decoding, prompt)
        return self._end_s + self._mixed_s(chunk, chunk * chunk, decoding, self._context + steps * decoding)

    def _catch_up(self, now_s: float) -> None:
        # a call that woke the engine at this very instant has not begun: others may still join it
        while self._end_s < now_s or (self._end_s == now_s and self._steps):
            self._pass()
