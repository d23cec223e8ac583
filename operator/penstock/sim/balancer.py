"""The router of the simulated fleet: least outstanding ÷ capacity; it holds requests back while nothing is ready."""

from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import isnan
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.engine.fastforward import FIRST
from penstock.sim.agenda import NEVER, Agenda
from penstock.sim.ledger import Ledger
from penstock.sim.replicas import Replica
from penstock.sim.results import UNFINISHED

_FEWEST_UNANSWERED: Final = 1e-3  # decides between equals only, as Penstock's router does


class Balancer:
    """Sends each request to the ready replica with the lowest load, and hears of first tokens and finishes.

    Each replica's load is kept as a number at its slot, so that a choice is one pass over plain floats. Engines have
    their next event in a heap; an entry that no longer holds is recognised by its time and passed over.
    """

    def __init__(self, ledger: Ledger, agenda: Agenda) -> None:
        self.on_wait: Callable[[float], None] | None = None
        self.queue: deque[int] = deque()
        self.arrived = self.arrived_tokens = self.tokens_in_flight = 0
        self.ledger, self.agenda = ledger, agenda
        self._ready: list[Replica] = []
        self._loads: list[float] = []
        self._due: list[tuple[float, int]] = []
        self._replicas: list[Replica] = []

    # --- who takes requests

    def enlist(self, replica: Replica) -> None:
        """Give a new replica its number."""
        replica.number = len(self._replicas)
        self._replicas.append(replica)

    def open(self, replica: Replica, now_s: float) -> None:
        """Send to this replica from now on; what waits goes out at once."""
        replica.slot = len(self._ready)
        self._ready.append(replica)
        self._loads.append(0.0)
        while self.queue:
            self._send(self.queue.popleft(), now_s)

    def close(self, replica: Replica) -> None:
        """Send nothing more to this replica; the last one takes its slot."""
        if replica.slot < 0:
            return
        last, load = self._ready.pop(), self._loads.pop()
        if last is not replica:
            last.slot = replica.slot
            self._ready[last.slot], self._loads[last.slot] = last, load
        replica.slot = -1

    def drop(self, replica: Replica) -> Sequence[int]:
        """Take a replica away with all it works on; return the requests that this ends."""
        self.close(replica)
        replica.due_s = NEVER
        ended = tuple(replica.engine.cancel_all())
        tokens, ttft_s = self.ledger.input_tokens, self.ledger.ttft_s
        self.tokens_in_flight -= sum(tokens[call_id] for call_id in ended if isnan(ttft_s[call_id]))
        replica.outstanding = replica.unanswered = 0
        return ended

    # --- traffic

    def flow(self, begin: int) -> int:
        """Let traffic flow until the agenda's next call, from the arrival `begin` on; return the next one's place."""
        due, agenda, replicas = self._due, self.agenda, self._replicas
        coming = iter(self.ledger.arrival_s[begin:])
        arrival_s = next(coming, NEVER)
        while True:
            until_s = agenda.next_s  # what flows may itself cause calls
            event_s = due[0][0] if due else NEVER
            if arrival_s <= event_s:
                if arrival_s >= until_s:
                    return begin
                self._arrive(begin, arrival_s)
                begin += 1
                arrival_s = next(coming, NEVER)
            elif event_s < until_s:
                _, number = heappop(due)
                replica = replicas[number]
                if replica.due_s == event_s:
                    self.catch_up(replica, event_s)
            else:
                return begin

    def _arrive(self, call_id: int, now_s: float) -> None:
        self.arrived += 1
        self.arrived_tokens += self.ledger.input_tokens[call_id]
        self.ledger.open += 1
        if self._loads:
            self._send(call_id, now_s)
        else:
            self.queue.append(call_id)
            if self.on_wait is not None and len(self.queue) == 1:
                self.on_wait(now_s)

    def _send(self, call_id: int, now_s: float) -> None:
        ledger, loads = self.ledger, self._loads
        replica = self._ready[loads.index(min(loads))]
        tokens = ledger.input_tokens[call_id]
        try:
            replica.engine.submit(call_id, tokens, ledger.output_tokens[call_id], now_s)
        except InvalidField:  # longer than its KV cache: it refuses, and the request is never served
            ledger.end(call_id, UNFINISHED)
            return
        ledger.where[call_id] = replica.pool
        self.tokens_in_flight += tokens
        replica.outstanding += 1
        replica.unanswered += 1
        loads[replica.slot] = _load(replica)
        self._look(replica)

    def _look(self, replica: Replica) -> None:
        due_s = replica.engine.next_event_s()
        if due_s is None:
            replica.due_s = NEVER
        elif due_s != replica.due_s:
            replica.due_s = due_s
            heappush(self._due, (due_s, replica.number))

    def catch_up(self, replica: Replica, now_s: float) -> None:
        """Bring an engine to this time and note what happened."""
        ledger = self.ledger
        for call_id, kind, at_s, started_s in replica.engine.advance(now_s):
            if kind is FIRST:
                # as llm-d's EPP releases a prompt's tokens at the first chunk of its answer
                self.tokens_in_flight -= ledger.input_tokens[call_id]
                replica.first_tokens += 1
                replica.ttft_s += ledger.first(call_id, at_s)
                replica.prefill_s += at_s - started_s
                replica.unanswered -= 1
            else:
                self._finished(replica, call_id, at_s)
        if replica.slot >= 0:
            self._loads[replica.slot] = _load(replica)
        self._look(replica)

    def _finished(self, replica: Replica, call_id: int, at_s: float) -> None:
        ledger = self.ledger
        ledger.done(call_id, at_s)
        replica.outstanding -= 1
        replica.count(ledger.input_tokens[call_id], ledger.output_tokens[call_id])
        if not replica.outstanding and replica.on_idle is not None:
            replica.on_idle(at_s)


def _load(replica: Replica) -> float:
    return (replica.outstanding + _FEWEST_UNANSWERED * replica.unanswered) * replica.inverse_weight
