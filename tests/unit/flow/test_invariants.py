"""Whatever happens in whatever order: nothing is lost, nothing ends twice, no limit is broken, no room stays unused."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.flow.world import document, gated

from penstock.domain.policies import Ordering, Policy, Quota, Weights, WorkloadRule
from penstock.domain.requests import Endpoint, EndpointLoad, Request, WorkloadContext
from penstock.flow.actions import Action, Counted, Dispatch, Reject
from penstock.flow.scheduler import Scheduler

ADDRESSES = ("10.0.0.1:8000", "10.0.0.1:8001", "10.0.0.2:8000")
BATCH = WorkloadRule(id="batch", max_criticality=2, quota=Quota(queued=3, in_flight=2))
POLICIES = (
    gated(2, Policy(workloads=(BATCH,)), max_requests=6, max_bytes=60),
    gated(1, Policy(workloads=(BATCH,), weights=Weights(wait_time=1.0)), max_requests=3, max_bytes=1000),
    gated(3, Policy(workloads=(BATCH,), ordering=Ordering.FCFS), max_requests=6, max_bytes=30, ttl_s=20.0),
    gated(2, Policy(workloads=(BATCH,), lane_share_ratio=0.5), max_requests=9, max_bytes=100, no_endpoint_ttl_s=5.0),
)
SUBSETS = (None, None, frozenset({ADDRESSES[0]}), frozenset({"10.0.0.1"}), frozenset({ADDRESSES[2], "10.9.9.9:1"}))


class SchedulerMachine(RuleBasedStateMachine):
    """A model that keeps only the books: who waits, who is in flight where, how each request ended."""

    @initialize(policy=st.sampled_from(POLICIES))
    def start(self, policy) -> None:  # noqa: ANN001 - hypothesis draws them
        self.now_s = 100.0
        self.policy = policy
        self.scheduler = Scheduler(document(policy), self.now_s, max_workloads=3)
        self.pods: frozenset[str] = frozenset()
        self.requests: dict[int, Request] = {}
        self.arrived_s: dict[int, float] = {}
        self.waiting: set[int] = set()
        self.flying: dict[int, str] = {}
        self.active: Counter[int] = Counter()
        self.is_draining = False

    def hear(self, actions: list[Action]) -> None:
        for action in actions:
            ticket = action.request.ticket
            if isinstance(action, Counted):
                self.active[ticket] += 1 if action.joined else -1
            elif isinstance(action, Reject):
                self.waiting.remove(ticket)
            elif isinstance(action, Dispatch):
                self.waiting.remove(ticket)
                self.flying[ticket] = action.endpoint
                self.check_dispatch(action)

    def check_dispatch(self, action: Dispatch) -> None:
        subset = action.request.subset
        assert action.endpoint in self.pods
        assert len(set(action.addresses)) == len(action.addresses)
        for address in action.addresses:
            assert subset is None or address in subset or address.partition(":")[0] in subset
        assert Counter(self.flying.values())[action.endpoint] <= self.policy.queue.saturation.max_concurrency
        assert action.waited_s == self.now_s - self.arrived_s[action.ticket]
        assert sum(self.requests[one].context.workload_id == "batch" for one in self.flying) <= 2

    @rule(who=st.sampled_from(["a", "b", "c", "d", "batch"]), criticality=st.integers(1, 5), size=st.integers(0, 40),
          subset=st.sampled_from(SUBSETS), ttl_s=st.sampled_from([None, None, 0.5, 30.0]))  # fmt: skip
    def submit(self, who, criticality, size, subset, ttl_s) -> None:  # noqa: ANN001
        ticket = len(self.requests) + 1
        request = Request(ticket=ticket, request_id="r", context=WorkloadContext(who, criticality, declared=True),
                          size_bytes=size, subset=subset, ttl_s=ttl_s)  # fmt: skip
        before = self.scheduler.view(self.now_s)
        self.requests[ticket] = request
        self.arrived_s[ticket] = self.now_s
        self.waiting.add(ticket)

        self.hear(self.scheduler.submit(request, self.now_s))

        after, limits = self.scheduler.view(self.now_s), self.policy.queue
        assert after.queue_size <= max(limits.max_requests, before.queue_size)
        assert after.queue_bytes <= max(limits.max_bytes, before.queue_bytes)

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), how=st.sampled_from(["done", "cancel", "first_byte"]))
    def tell(self, data, how) -> None:  # noqa: ANN001
        ticket = data.draw(st.sampled_from(sorted(self.requests)))
        if how != "first_byte":
            self.flying.pop(ticket, None)
        if how == "cancel":
            self.waiting.discard(ticket)
        if how == "done" and ticket in self.waiting:
            return  # the shell tells the end only of what was sent
        self.hear(getattr(self.scheduler, how)(ticket, self.now_s))

    @rule(pods=st.frozensets(st.sampled_from(ADDRESSES)))
    def endpoints(self, pods) -> None:  # noqa: ANN001
        self.pods = pods
        self.hear(self.scheduler.endpoints([Endpoint(address=one) for one in sorted(pods)], self.now_s))

    @rule(policy=st.sampled_from(POLICIES))
    def obey(self, policy) -> None:  # noqa: ANN001
        self.policy = policy
        before = set(self.waiting)
        self.hear(self.scheduler.policy(document(policy), self.now_s))
        shortest_s = min(policy.queue.ttl_s, policy.queue.no_endpoint_ttl_s, 0.5)
        for ticket in before - self.waiting - set(self.flying):
            assert self.now_s - self.arrived_s[ticket] >= shortest_s, "another policy may only shorten the wait"

    @rule(waiting=st.integers(0, 5))
    def loads(self, waiting) -> None:  # noqa: ANN001
        load = EndpointLoad(at_s=self.now_s, running=1, waiting=waiting)
        self.hear(self.scheduler.loads(dict.fromkeys(ADDRESSES, load), self.now_s))

    @rule(passed_s=st.sampled_from([0.0, 0.1, 1.0, 15.0, 400.0]), ticked=st.booleans())
    def wait(self, passed_s, ticked) -> None:  # noqa: ANN001
        until_s = self.now_s + passed_s
        while ticked and (wake_s := self.scheduler.next_wake_s) is not None and wake_s <= until_s:
            assert wake_s > self.now_s or self.waiting, "no waking in vain"
            self.now_s = max(self.now_s, wake_s)
            self.hear(self.scheduler.tick(self.now_s))
        self.now_s = until_s

    @rule(never=st.integers(0, 30))
    def drain(self, never) -> None:  # noqa: ANN001
        if never == 0:
            self.is_draining = True
            self.hear(self.scheduler.drain(self.now_s))
            assert not self.waiting

    @invariant()
    def books_agree(self) -> None:
        alive = self.waiting | set(self.flying)
        view = self.scheduler.view(self.now_s)
        rows = self.scheduler.workloads(self.now_s)

        assert {ticket for ticket, count in self.active.items() if count} == alive
        assert set(self.active.values()) <= {0, 1}
        assert (view.queue_size, view.in_flight) == (len(self.waiting), len(self.flying))
        assert view.queue_bytes == sum(self.requests[ticket].size_bytes for ticket in self.waiting)
        assert sum(row.active for row in rows) == len(alive)
        assert len(rows) <= 3 + 1

    @invariant()
    def no_room_stays_unused(self) -> None:
        if not self.scheduler.view(self.now_s).credit:
            return
        unbound = [self.requests[one] for one in self.waiting if self.requests[one].subset is None]

        assert all(request.context.workload_id == "batch" for request in unbound)

    @invariant()
    def nobody_waits_for_ever(self) -> None:
        self.hear(self.scheduler.tick(self.now_s))
        limits = self.policy.queue
        for ticket in self.waiting:
            assert self.now_s - self.arrived_s[ticket] < limits.ttl_s + limits.no_endpoint_ttl_s
            assert self.now_s - self.arrived_s[ticket] < (self.requests[ticket].ttl_s or 1e9)


SchedulerMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestScheduler = SchedulerMachine.TestCase
