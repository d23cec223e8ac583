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
from penstock.flow.actions import Action, Counted
from penstock.flow.dispatcher import Dispatcher
from penstock.flow.effective import Effective
from penstock.flow.entry import Entry
from penstock.flow.facts import admitted, counted
from penstock.flow.fleet import Fleet
from penstock.flow.lane import Lane
from penstock.flow.refusals import reject
from penstock.flow.views import QueuedView, SchedulerView, WorkloadView
from penstock.flow.waiting import Waiting
from penstock.programs.registry import Key, Registry
from penstock.programs.window import Window
from penstock.programs.workload import Sums

MAX_WORKLOADS: Final = 1000


class Scheduler:
    """Queue, credit and order behind one door; drive it from one thread. It starts without endpoints."""

    def __init__(self, document: PolicyDocument, now_s: float, *, max_workloads: int = MAX_WORKLOADS) -> None:
        self._effective = Effective(document)
        self._waiting = Waiting(document.policy, now_s)
        self._fleet = Fleet(document.policy.queue.saturation)
        self._dispatcher = Dispatcher(self._waiting, self._fleet, Lane(document.policy.lane_share_ratio), now_s)
        self._registry = Registry(max_workloads)
        self._arrivals = 0
        self._arriving, self._began_s = Window(now_s), now_s
        self._is_draining = False

    @property
    def document(self) -> PolicyDocument:
        """The policy in force."""
        return self._effective.document

    @property
    def next_wake_s(self) -> float | None:
        """When `tick` has to be called if nothing happens before; None: not at all."""
        review_s = self._fleet.review_s if self._waiting.size else math.inf
        wake_s = min(self._waiting.deadlines.next_s, review_s, self._registry.next_forget_s)
        return None if math.isinf(wake_s) else wake_s

    def submit(self, request: Request, now_s: float) -> list[Action]:
        """Take a request in. It may go, wait, or be refused, and may displace another."""
        actions = self._advance(now_s)
        workload = self._registry.arrive(request.tenant, request.context.workload_id, now_s)
        self._arrivals += 1
        self._arriving.add(now_s)
        entry = Entry(request, self._arrivals, now_s, workload, self._effective)
        actions.append(counted(entry, joined=True))
        if self._is_draining:
            return actions + self._turn_away(entry, RejectReason.SHUTTING_DOWN, now_s)
        if not self._fleet.can_serve(request.subset):
            return actions + self._turn_away(entry, RejectReason.NO_ENDPOINTS, now_s)
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
        self._dispatcher.answered(ticket, served, now_s)
        return actions + self._pump(now_s)

    def done(self, ticket: int, now_s: float) -> list[Action]:
        """Note that a dispatched request has ended, well or badly."""
        return self._advance(now_s) + self._finish(ticket, now_s)

    def endpoints(self, endpoints: Sequence[Endpoint], now_s: float) -> list[Action]:
        """Take the ready endpoints, all of them. Who may only go to others than these is refused."""
        actions = self._advance(now_s)
        self._fleet.replace(endpoints, now_s)
        self._waiting.deadlines.turn(now_s, ready=len(self._fleet) > 0)
        stranded = [entry for entry in self._waiting.entries() if not self._fleet.can_serve(entry.request.subset)]
        return actions + self._refuse_all(stranded, RejectReason.NO_ENDPOINTS, now_s) + self._pump(now_s)

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
        for entry in self._dispatcher.in_flight.values():
            entry.bind(self._effective)
            entry.rule.in_flight += 1
        self._dispatcher.lane = Lane(document.policy.lane_share_ratio)
        self._fleet.detect(document.policy.queue.saturation, now_s)
        return self._advance(now_s) + self._pump(now_s)

    def hear(self, sums: Mapping[Key, Sums]) -> None:
        """Take what all routers saw of workloads, by tenant and id; it counts from the next second on."""
        self._registry.hear(sums)

    def tick(self, now_s: float) -> list[Action]:
        """Do what time alone demands: refuse who waited too long, renew limits, forget idle workloads."""
        actions = self._advance(now_s)
        self._registry.forget(now_s)
        return actions + self._pump(now_s)

    def drain(self, now_s: float) -> list[Action]:
        """Refuse all that waits and all that will come; what is in flight goes on."""
        self._is_draining = True
        return self._refuse_all(self._waiting.entries(), RejectReason.SHUTTING_DOWN, now_s)

    def view(self, now_s: float) -> SchedulerView:
        """Return sizes, credit and endpoints of this moment."""
        return SchedulerView(
            queue_size=self._waiting.size,
            queue_bytes=self._waiting.size_bytes,
            in_flight=len(self._dispatcher.in_flight),
            credit=self._fleet.credit,
            dispatch_per_s=self._dispatcher.dispatch_per_s(now_s),
            starvation_bound_s=self._dispatcher.starvation_bound_s(now_s),
            arrivals_per_s=self._arriving.rate_since(self._began_s, now_s),
            endpoints=self._fleet.view(),
        )

    def workloads(self, now_s: float) -> list[WorkloadView]:
        """Return what each workload has done lately."""
        return [WorkloadView.of(workload, now_s) for workload in self._registry.rows(now_s)]

    def queued(self, now_s: float) -> list[QueuedView]:
        """Return all that waits, oldest first."""
        return [QueuedView.of(entry, self._waiting.score(entry, now_s), now_s) for entry in self._waiting.entries()]

    def _advance(self, now_s: float) -> list[Action]:
        """Bring limits and deadlines up to now, before anything else happens."""
        self._fleet.review(now_s)
        actions: list[Action] = []
        while (entry := self._waiting.deadlines.due(now_s)) is not None:
            reason = RejectReason.TTL_EXPIRED if len(self._fleet) else RejectReason.NO_ENDPOINTS
            actions += self._refuse_all([entry], reason, now_s)
        return actions

    def _admit(self, entry: Entry, now_s: float) -> list[Action]:
        """Let a newcomer go or wait; where there is no place for it, the worst has to leave."""
        limits = self._effective.policy.queue
        # a policy may have lowered the limits below what waits: that stays, and a newcomer has to earn its place
        max_requests = max(limits.max_requests, self._waiting.size)
        max_bytes = max(limits.max_bytes, self._waiting.size_bytes)
        self._waiting.add(entry)
        dispatches = self._dispatcher.pump(now_s, newcomer=entry)
        waits = entry.server is None
        actions: list[Action] = [admitted(entry, self._waiting.score(entry, now_s) if waits else None), *dispatches]
        if not waits:
            return actions
        if entry.rule.is_over_queued:
            return actions + self._refuse_all([entry], RejectReason.QUOTA, now_s)
        for loser in self._waiting.displaced(entry, max_requests, max_bytes, now_s):
            reason = RejectReason.SATURATED if loser is entry else RejectReason.QUEUE_PRESSURE
            actions += self._refuse_all([loser], reason, now_s)
        return actions

    def _pump(self, now_s: float) -> list[Action]:
        return [*self._dispatcher.pump(now_s)]

    def _finish(self, ticket: int, now_s: float) -> list[Action]:
        entry = self._dispatcher.finish(ticket, now_s)
        return [] if entry is None else [self._left(entry, now_s), *self._pump(now_s)]

    def _turn_away(self, entry: Entry, reason: RejectReason, now_s: float) -> list[Action]:
        """Refuse a request that never waited; it counts as one that its workload asked."""
        self._waiting.queue.standing_changed(entry.workload)
        return self._refuse(entry, reason, now_s)

    def _refuse_all(self, waiting: Iterable[Entry], reason: RejectReason, now_s: float) -> list[Action]:
        actions: list[Action] = []
        for entry in waiting:
            self._waiting.remove(entry)
            actions += self._refuse(entry, reason, now_s)
        return actions

    def _refuse(self, entry: Entry, reason: RejectReason, now_s: float) -> list[Action]:
        rate = self._dispatcher.dispatch_per_s(now_s)
        refusal = reject(entry, reason, now_s, queued=self._waiting.size, dispatch_per_s=rate)
        return [refusal, self._left(entry, now_s)]

    def _left(self, entry: Entry, now_s: float) -> Counted:
        self._registry.leave(entry.workload, now_s)
        return counted(entry, joined=False)
