"""The gate: drives the pure scheduler from one event loop and hands its answers to the sessions that wait for them.

There is no task per request: a request is a ticket and a callback. One timer serves every deadline.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Final

from penstock.domain.policies import PolicyDocument
from penstock.domain.requests import Endpoint, EndpointLoad
from penstock.flow.actions import Action, Admitted, Counted, Dispatch, Reject
from penstock.flow.scheduler import Scheduler
from penstock.flow.supported import check
from penstock.router import heads
from penstock.router.counters import Counters
from penstock.router.journal import Journal
from penstock.router.loglines import Extracted
from penstock.router.ports import Answer, Picked, Refusal, Reply, RequestHead

KEPT_DECISIONS: Final = 4096
_log: Final = logging.getLogger("penstock.router.gate")


class FlowGate:
    """One scheduler and its tickets; fits the `Gate` Protocol of the wire. Use from the event loop's thread alone.

    `clock` is the event loop's, `wall` tells Unix seconds. `on_starved` is called when a request begins to wait while
    there is no endpoint at all. With `conformance` the suite's header chooses endpoints, and picks have no fallbacks.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        journal: Journal,
        clock: Callable[[], float],
        wall: Callable[[], float],
        *,
        conformance: bool = False,
    ) -> None:
        self.scheduler, self.counters = scheduler, Counters()
        self.gauges: dict[str, EndpointLoad] = {}
        self.decisions: deque[tuple[float, Dispatch | Reject]] = deque(maxlen=KEPT_DECISIONS)
        self.on_starved: Callable[[], None] = lambda: None
        self._journal, self._clock, self._wall = journal, clock, wall
        self._addresses: frozenset[str] = frozenset()
        self._conformance = conformance
        self._replies: dict[int, Reply] = {}
        self._in_flight: set[int] = set()
        self._last_ticket = 0
        self._began = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._tenant_header = scheduler.document.policy.tenant_header.lower().encode()

    @property
    def open_requests(self) -> int:
        """Requests that wait or are on their way."""
        return len(self._replies) + len(self._in_flight)

    @property
    def addresses(self) -> frozenset[str]:
        """The endpoints of this moment."""
        return self._addresses

    @property
    def in_flight(self) -> int:
        """Requests that were sent and have not ended."""
        return len(self._in_flight)

    def submit(self, head: RequestHead, reply: Reply) -> int:
        """Take a request in; the answer may come from within this call."""
        self._began = perf_counter()
        self._last_ticket = ticket = self._last_ticket + 1
        request, causes = heads.read(heads.chosen(head) if self._conformance else head, ticket, self._tenant_header)
        for cause in causes:
            self.counters.header_invalid[cause] += 1
        self._journal.add(Extracted(request=request, generation=self.scheduler.document.generation))
        self._replies[ticket] = reply
        self._settle(self.scheduler.submit(request, self._clock()))
        return ticket

    def first_byte(self, ticket: int, served: str = "") -> None:
        """Note that a response began."""
        self._began = perf_counter()
        self._settle(self.scheduler.first_byte(ticket, self._clock(), served))

    def done(self, ticket: int) -> None:
        """Note that a response ended."""
        self._began = perf_counter()
        self._in_flight.discard(ticket)
        self._settle(self.scheduler.done(ticket, self._clock()))

    def cancel(self, ticket: int) -> None:
        """Forget a request whose client left."""
        self._began = perf_counter()
        if self._replies.pop(ticket, None) is not None:
            self.counters.cancel()
        self._in_flight.discard(ticket)
        self._settle(self.scheduler.cancel(ticket, self._clock()))

    def endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """Take the ready endpoints, all of them."""
        self._began = perf_counter()
        self._addresses = frozenset(one.address for one in endpoints)
        self.gauges = {address: load for address, load in self.gauges.items() if address in self._addresses}
        self._settle(self.scheduler.endpoints(endpoints, self._clock()))

    def loads(self, loads: Mapping[str, EndpointLoad]) -> None:
        """Take what some endpoints said of themselves."""
        self._began = perf_counter()
        self.gauges |= {address: load for address, load in loads.items() if address in self._addresses}
        self._settle(self.scheduler.loads(loads, self._clock()))

    def policy(self, document: PolicyDocument) -> None:
        """Run another policy from the next dispatch on.

        Raises:
            InvalidField: this router cannot run it; nothing has changed.
        """
        check(document)
        self._began = perf_counter()
        self._tenant_header = document.policy.tenant_header.lower().encode()
        self._settle(self.scheduler.policy(document, self._clock()))

    def drain(self) -> None:
        """Refuse all that waits and all that will come."""
        self._settle(self.scheduler.drain(self._clock()))

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _settle(self, actions: Iterable[Action]) -> None:
        """Carry actions out in their order, then see to the next deadline."""
        for action in actions:
            self._carry_out(action)
        self._arm()

    def _carry_out(self, action: Action) -> None:
        match action:
            case Dispatch():
                self._dispatched(action)
            case Reject():
                self._rejected(action)
            case Counted():
                if self._journal.detailed:
                    self._journal.add(action)
            case Admitted():
                self._journal.add(action)
                if not self._addresses:
                    self.on_starved()

    def _dispatched(self, action: Dispatch) -> None:
        self.counters.dispatch(action)
        self._remember(action)
        self._in_flight.add(action.ticket)
        self._answer(action.ticket, Picked(addresses=action.addresses[:1] if self._conformance else action.addresses))
        self.counters.decision.observe(perf_counter() - self._began)

    def _rejected(self, action: Reject) -> None:
        self.counters.reject(action)
        self._remember(action)
        refusal = Refusal(
            status=action.status,
            reason=action.reason,
            message=action.message,
            retry_after_s=action.retry_after_s,
        )
        self._answer(action.ticket, refusal)

    def _remember(self, action: Dispatch | Reject) -> None:
        self._journal.add(action)
        self.decisions.append((self._wall(), action))

    def _answer(self, ticket: int, answer: Answer) -> None:
        """Call the session; what goes wrong there must not cost the others their answers."""
        reply = self._replies.pop(ticket, None)
        if reply is None:
            return
        try:
            reply(answer)
        except Exception:
            _log.exception("an answer could not be given", extra={"ticket": ticket})
            asyncio.get_running_loop().call_soon(self.done, ticket)

    def _arm(self) -> None:
        """Set the timer to the next deadline; one that is due earlier may stay, its tick finds nothing to do."""
        wake_s = self.scheduler.next_wake_s
        if wake_s is None or (self._timer is not None and self._timer.when() <= wake_s):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(wake_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._began = perf_counter()
        self._settle(self.scheduler.tick(self._clock()))
