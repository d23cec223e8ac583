"""The scheduler of one router: which request goes, when and where to. It holds all state and does no I/O.

Every method takes the router's monotonic clock in seconds, which never goes back, and returns what the shell has to
do or may log, in this order. After any call the shell asks `next_wake_s` and calls `tick` then. Each submitted request
ends exactly once: by `cancel`, by a `Reject`, or by a `Dispatch` followed by `done`. Calls for unknown tickets do
nothing, so an end may be told twice.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from penstock.domain.policies import PolicyDocument
from penstock.domain.reasons import RejectReason
from penstock.domain.requests import Endpoint, EndpointLoad, Request
from penstock.flow.actions import Action, Admitted, Counted, Dispatch
from penstock.flow.effective import Effective
from penstock.flow.entry import Entry, Gate
from penstock.flow.fleet import Fleet
from penstock.flow.refusals import Outflow, reject
from penstock.flow.waiting import Waiting
from penstock.programs.registry import Registry

MAX_WORKLOADS: Final = 1000


class Scheduler:
    """Queue, credit and order behind one door; drive it from one thread. It starts without endpoints."""

    def __init__(self, document: PolicyDocument, now_s: float, *, max_workloads: int = MAX_WORKLOADS) -> None:
        self._effective = Effective(document)
        self._waiting = Waiting(document.policy, now_s)
        self._fleet = Fleet(document.policy.queue.saturation)
        self._registry = Registry(max_workloads)
        self._outflow = Outflow(now_s)
        self._in_flight: dict[int, Entry] = {}
        self._arrivals = 0
        self._lane_due = 0.0
        self._draining = False

    @property
    def document(self) -> PolicyDocument:
        """The policy in force."""
        return self._effective.document

    @property
    def next_wake_s(self) -> float | None:
        """When `tick` has to be called if nothing happens before; None: not at all."""
        review_s = self._fleet.review_s if self._waiting else math.inf
        wake_s = min(self._waiting.deadlines.next_s, review_s, self._registry.next_forget_s)
        return None if math.isinf(wake_s) else wake_s

    def submit(self, request: Request, now_s: float) -> list[Action]:
        """Take a request in. It may go, wait, or be refused, and may displace another."""
        actions = self._advance(now_s)
        workload = self._registry.arrive(request.tenant, request.context.workload_id, now_s)
        self._waiting.queue.standings_changed()
        self._arrivals += 1
        entry = Entry(request, self._arrivals, now_s, workload, self._effective)
        actions.append(self._counted(entry, joined=True))
        if self._draining:
            return actions + self._refuse(entry, RejectReason.SHUTTING_DOWN, now_s)
        if not self._fleet.can_serve(request.subset):
            return actions + self._refuse(entry, RejectReason.NO_ENDPOINTS, now_s)
        return actions + self._admit(entry, now_s)

    def cancel(self, ticket: int, now_s: float) -> list[Action]:
        """Forget a request whose client has left, wherever it is."""
        actions = self._advance(now_s)
        entry = self._waiting.find(ticket)
        if entry is None:
            return actions + self._finish(ticket, now_s)
        self._waiting.remove(entry)
        return [*actions, self._left(entry, now_s)]

    def first_byte(self, ticket: int, now_s: float, served: str = "") -> list[Action]:
        """Note that a response began; `served` is the endpoint that sends it, where the proxy tells."""
        actions = self._advance(now_s)
        entry = self._in_flight.get(ticket)
        if entry is not None and entry.server is not None and not entry.answered:
            entry.server = self._fleet.answered(entry.server, served, now_s)
            entry.answered = True
        return actions + self._pump(now_s)

    def done(self, ticket: int, now_s: float) -> list[Action]:
        """Note that a dispatched request has ended, well or badly."""
        return self._advance(now_s) + self._finish(ticket, now_s)

    def endpoints(self, endpoints: Sequence[Endpoint], now_s: float) -> list[Action]:
        """Take the ready endpoints, all of them. Who waits for one that is gone for good is refused."""
        actions = self._advance(now_s)
        self._fleet.replace(endpoints, now_s)
        self._waiting.deadlines.turn(now_s, ready=len(self._fleet) > 0)
        for entry in self._waiting.entries():
            if not self._fleet.can_serve(entry.request.subset):
                self._waiting.remove(entry)
                actions += self._refuse(entry, RejectReason.NO_ENDPOINTS, now_s)
        return actions + self._pump(now_s)

    def loads(self, loads: Mapping[str, EndpointLoad], now_s: float) -> list[Action]:
        """Take gauges of some endpoints, by address."""
        actions = self._advance(now_s)
        self._fleet.observe(loads, now_s)
        return actions + self._pump(now_s)

    def policy(self, document: PolicyDocument, now_s: float) -> list[Action]:
        """Run another policy from the next dispatch on. All that waits is ordered anew and nothing is lost.

        Whether this router can run the document is asked before (`supported.check`).
        """
        self._effective = Effective(document)
        self._waiting.rebuild(self._effective)
        for entry in self._in_flight.values():
            entry.bind(self._effective)
            entry.rule.in_flight += 1
        self._fleet.detect(document.policy.queue.saturation, now_s)
        return self._advance(now_s) + self._pump(now_s)

    def tick(self, now_s: float) -> list[Action]:
        """Do what time alone demands: refuse who waited too long, renew limits, forget idle workloads."""
        actions = self._advance(now_s)
        self._registry.forget(now_s)
        return actions + self._pump(now_s)

    def drain(self, now_s: float) -> list[Action]:
        """Refuse all that waits and all that will come; what is in flight goes on."""
        self._draining = True
        return self._refuse_all(self._waiting.entries(), RejectReason.SHUTTING_DOWN, now_s)

    def _advance(self, now_s: float) -> list[Action]:
        """Bring limits and deadlines up to now, before anything else happens."""
        self._fleet.review(now_s)
        actions: list[Action] = []
        while (entry := self._waiting.deadlines.due(now_s)) is not None:
            is_own = entry.request.ttl_s is not None and entry.arrived_s + entry.request.ttl_s <= now_s
            waited_for_pool = not len(self._fleet) and not is_own
            reason = RejectReason.NO_ENDPOINTS if waited_for_pool else RejectReason.TTL_EXPIRED
            actions += self._refuse_all([entry], reason, now_s)
        return actions

    def _admit(self, entry: Entry, now_s: float) -> list[Action]:
        """Let a newcomer go or wait; where there is no room for it, the worst has to leave."""
        limits = self._effective.policy.queue
        # a policy may have lowered the limits below what waits: that stays, and a newcomer takes only its own place
        max_requests = max(limits.max_requests, len(self._waiting))
        max_bytes = max(limits.max_bytes, self._waiting.size_bytes)
        self._waiting.add(entry)
        dispatches = self._pump(now_s, newcomer=entry)
        waits = entry.server is None
        score = self._waiting.queue.score(entry, entry.key, now_s) if waits else None
        admitted = Admitted(
            request=entry.request, context=entry.context, score=score, generation=self.document.generation
        )
        actions = [admitted, *dispatches]
        if waits and entry.rule.is_over_queued:
            return actions + self._refuse_all([entry], RejectReason.QUOTA, now_s)
        for loser in self._waiting.displaced(entry, max_requests, max_bytes, now_s) if waits else ():
            reason = RejectReason.SATURATED if loser is entry else RejectReason.QUEUE_PRESSURE
            actions += self._refuse_all([loser], reason, now_s)
        return actions

    def _pump(self, now_s: float, newcomer: Entry | None = None) -> list[Action]:
        """Dispatch while a request and an endpoint find each other."""
        actions: list[Action] = []
        while self._waiting and self._fleet.has_room(None):
            lane = self._lane_due >= 1.0
            entry = self._waiting.queue.oldest(self._may_go) if lane else self._best(now_s)
            if entry is None:
                break
            self._lane_due += self._effective.policy.lane_share_ratio - lane
            actions.append(self._dispatch(entry, now_s, lane=lane, waited=entry is not newcomer))
        return actions

    def _best(self, now_s: float) -> Entry | None:
        head = self._waiting.queue.peek(now_s)
        if head is not None and self._may_go(head.gate):
            return head
        return self._waiting.queue.first(now_s, self._may_go)

    def _may_go(self, gate: Gate) -> bool:
        return gate.rule.may_send and self._fleet.has_room(gate.subset)

    def _dispatch(self, entry: Entry, now_s: float, *, lane: bool, waited: bool) -> Dispatch:
        queued = len(self._waiting) if waited else len(self._waiting) - 1
        score = self._waiting.queue.score(entry, entry.key, now_s)
        self._waiting.remove(entry)
        entry.workload.dispatched(now_s - entry.arrived_s)
        entry.server, fallbacks = self._fleet.send(entry.request.subset, now_s)
        entry.rule.in_flight += 1
        self._in_flight[entry.request.ticket] = entry
        self._outflow.dispatched(now_s)
        return Dispatch(
            request=entry.request,
            context=entry.context,
            endpoint=entry.server.address,
            fallbacks=fallbacks,
            score=score,
            queue_size_before=queued,
            waited_s=now_s - entry.arrived_s,
            lane=lane,
            generation=self.document.generation,
        )

    def _finish(self, ticket: int, now_s: float) -> list[Action]:
        entry = self._in_flight.pop(ticket, None)
        if entry is None or entry.server is None:
            return []
        self._fleet.end(entry.server, now_s, answered=entry.answered)
        entry.rule.in_flight -= 1
        return [self._left(entry, now_s), *self._pump(now_s)]

    def _refuse_all(self, entries: Iterable[Entry], reason: RejectReason, now_s: float) -> list[Action]:
        actions: list[Action] = []
        for entry in entries:
            self._waiting.remove(entry)
            actions += self._refuse(entry, reason, now_s)
        return actions

    def _refuse(self, entry: Entry, reason: RejectReason, now_s: float) -> list[Action]:
        retry_after_s = self._outflow.retry_after_s(reason, len(self._waiting), now_s)
        answer = reject(
            entry,
            reason,
            now_s,
            retry_after_s=retry_after_s,
            ready=len(self._fleet) > 0,
            generation=self.document.generation,
        )
        return [answer, self._left(entry, now_s)]

    def _left(self, entry: Entry, now_s: float) -> Counted:
        self._registry.leave(entry.workload, now_s)
        return self._counted(entry, joined=False)

    def _counted(self, entry: Entry, *, joined: bool) -> Counted:
        workload = entry.workload
        return Counted(
            request=entry.request,
            workload_id=workload.workload_id,
            joined=joined,
            active=workload.active,
            total=workload.total,
            rate_per_s=workload.rate_per_s,
            generation=self.document.generation,
        )
