"""llm-d-inference-sim's engine: each call has a slot and a timeline of its own; calls meet only in the load factor."""

from dataclasses import dataclass
from heapq import heappop, heappush

from penstock.engine.calls import Call, Chance, Event, Finished, FirstToken, Gaps, Started, Token
from penstock.engine.kv import BlockPool, Holding
from penstock.engine.latency import Latencies
from penstock.engine.waiting import Adapters, WaitingQueue


@dataclass(slots=True)
class _Run:
    call: Call
    holding: Holding | None
    generated: int = 0
    last_s: float = 0.0


class SlotBatch:
    """Calls in slots. `pool` is None where no KV cache is modelled; otherwise a call holds its prompt's blocks."""

    preemptions = 0

    def __init__(
        self, slots: int, latencies: Latencies, chance: Chance, waiting: WaitingQueue, adapters: Adapters,
        pool: BlockPool | None,
    ) -> None:  # fmt: skip
        self.latencies = latencies
        self.hit_tokens = self.query_tokens = 0
        self._slots, self._chance, self._pool = slots, chance, pool
        self._waiting, self._adapters = waiting, adapters
        self._runs: dict[int, _Run] = {}
        self._due: list[tuple[float, int]] = []
        self._wake_s: float | None = None

    @property
    def running(self) -> int:
        """Taken slots."""
        return len(self._runs)

    def wake(self, now_s: float) -> None:
        """Note that a call waits which may be able to start now."""
        if self._wake_s is None:
            self._wake_s = now_s

    def next_event_s(self) -> float | None:
        """Return when something happens by itself."""
        while self._due and self._due[0][1] not in self._runs:
            heappop(self._due)
        if self._wake_s is not None:
            return min(self._wake_s, self._due[0][0]) if self._due else self._wake_s
        return self._due[0][0] if self._due else None

    def advance(self, now_s: float) -> list[Event]:
        """Do everything that is due up to `now_s`, in order."""
        events: list[Event] = []
        while (due_s := self.next_event_s()) is not None and due_s <= now_s:
            if due_s == self._wake_s:
                self._wake_s = None
            else:
                self._token(due_s, heappop(self._due)[1], events)
            self._admit(due_s, events)
        return events

    def cancel(self, call_id: int, now_s: float) -> bool:
        """Free the slot of a call; False if it has none."""
        run = self._runs.get(call_id)
        if run is not None:
            self._release(run)
            self.wake(now_s)
        return run is not None

    def _admit(self, now_s: float, events: list[Event]) -> None:
        while len(self._runs) < self._slots:
            call = self._waiting.head(self._adapters)
            if call is None or not self._start(call, now_s, events):
                return

    def _start(self, call: Call, now_s: float, events: list[Event]) -> bool:
        cached, holding = self._reserve(call)
        if self._pool is not None and holding is None:
            return False
        self._waiting.remove(call.id)
        self._adapters.enter(call.adapter)
        self._runs[call.id] = _Run(call, holding)
        events.append(Started(call.id, now_s, cached))
        wait_s = self.latencies.first_token_s(self._chance, call.prompt_tokens - cached, self._factor())
        heappush(self._due, (now_s + wait_s, call.id))
        return True

    def _reserve(self, call: Call) -> tuple[int, Holding | None]:
        pool = self._pool
        if pool is None:
            return 0, None
        matched = pool.match(call.block_hashes, call.prompt_tokens)
        holding = pool.open(call.block_hashes, matched, pool.blocks_for(call.prompt_tokens) - matched)
        cached = matched * pool.block_tokens
        if holding is not None:
            pool.publish(holding, call.prompt_tokens // pool.block_tokens)
            self.query_tokens += call.prompt_tokens
            self.hit_tokens += cached
        return cached, holding

    def _token(self, at_s: float, call_id: int, events: list[Event]) -> None:
        run = self._runs[call_id]
        run.generated += 1
        if run.generated == 1:
            events.append(FirstToken(call_id, at_s))
        else:
            events.append(Gaps(at_s - run.last_s, 1))
            if run.call.streamed:
                events.append(Token(call_id, at_s))
        run.last_s = at_s
        if run.generated >= run.call.output_tokens:
            self._release(run)
            events.append(Finished(call_id, at_s, run.call.finish))
        else:
            heappush(self._due, (at_s + self.latencies.next_token_s(self._chance, self._factor()), call_id))

    def _release(self, run: _Run) -> None:
        del self._runs[run.call.id]
        self._adapters.leave(run.call.adapter)
        if self._pool is not None and run.holding is not None:
            self._pool.close(run.holding)

    def _factor(self) -> float:
        return self.latencies.load_factor(len(self._runs), self._slots)
