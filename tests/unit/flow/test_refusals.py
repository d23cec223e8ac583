"""Who is refused, with which status and reason, and when to come back."""

import pytest
from tests.unit.flow.world import POD, World, document, gated

from penstock.domain.policies import Ordering, Policy, Quota, WorkloadRule
from penstock.domain.reasons import RejectReason
from penstock.domain.requests import Request, WorkloadContext
from penstock.flow.effective import Effective
from penstock.flow.entry import Entry
from penstock.flow.refusals import reject
from penstock.programs.workload import Workload

QUOTA_OF_ONE = Policy(workloads=(WorkloadRule(id="batch", quota=Quota(queued=1)),))


def full(policy: Policy | None = None, **queue: float) -> World:
    """One request runs on the only slot."""
    world = World(gated(1, policy, **queue))
    world.block(1)
    return world


def test_the_worst_gives_way_to_a_better_newcomer() -> None:
    world = full(max_requests=2)
    world.send("mid", criticality=3)
    world.send("low", criticality=1)

    world.send("high", criticality=5)

    (reject,) = world.rejects
    assert (reject.request.request_id, reject.status, reject.reason) == ("low", 429, RejectReason.QUEUE_PRESSURE)
    assert world.queue() == ["mid", "high"]


@pytest.mark.parametrize(
    ("ordering", "criticality"),
    [
        pytest.param(Ordering.WORKLOAD_AWARE, 1, id="lower score"),
        pytest.param(Ordering.WORKLOAD_AWARE, 3, id="equal score: the last to come"),
        pytest.param(Ordering.FCFS, 5, id="first come, first served"),
    ],
)
def test_a_newcomer_that_is_worst_is_refused(ordering: Ordering, criticality: int) -> None:
    world = full(Policy(ordering=ordering), max_requests=2)
    world.send("a", criticality=3)
    world.send("b", criticality=3)

    world.send("c", criticality=criticality)

    (reject,) = world.rejects
    assert (reject.request.request_id, reject.status, reject.reason) == ("c", 429, RejectReason.SATURATED)
    assert world.queue() == ["a", "b"]


def test_of_equals_the_youngest_gives_way() -> None:
    world = full(max_requests=3)
    for name in ("a1", "a2", "a3"):
        world.send(name, "a", 2)

    world.send("b", criticality=5)

    assert world.rejected == ["a3"]


def test_several_give_way_to_a_large_body() -> None:
    world = full(max_bytes=100)
    for name, criticality in (("a", 4), ("b", 1), ("c", 2)):
        world.send(name, criticality=criticality, size_bytes=30)

    world.send("large", criticality=5, size_bytes=60)

    assert world.rejected == ["b", "c"]
    assert world.scheduler.view(world.now_s).queue_bytes == 90


def test_nobody_gives_way_in_vain() -> None:
    world = full(max_bytes=100)
    for name, criticality in (("a", 4), ("b", 1), ("c", 1)):
        world.send(name, criticality=criticality, size_bytes=30)

    world.send("large", criticality=2, size_bytes=90)

    assert world.rejected == ["large"]
    assert world.queue() == ["a", "b", "c"]
    world.finish("blocker-0")
    world.finish("a")
    assert world.dispatched == ["blocker-0", "a", "b"], "those put back keep their place"


def test_a_body_above_the_limit_is_refused_even_by_an_empty_queue() -> None:
    world = full(max_bytes=100)

    world.send("large", size_bytes=101)

    assert world.rejected == ["large"]


def test_what_goes_at_once_needs_no_place_in_the_queue() -> None:
    world = World(gated(1, max_bytes=1))

    world.send("large", size_bytes=1000)

    assert world.dispatched == ["large"]


def test_lower_limits_evict_nobody_but_let_nobody_in_for_free() -> None:
    world = full(max_requests=5)
    for name in ("a", "b", "c"):
        world.send(name, criticality=3)

    world.obey(gated(1, max_requests=1))
    kept = world.queue()
    world.send("low", criticality=1)
    world.send("high", criticality=5)

    assert kept == ["a", "b", "c"]
    assert world.rejected == ["low", "c"]


def test_quota_of_queued_requests() -> None:
    rules = (WorkloadRule(id="batch-*", quota=Quota(queued=2)),)
    world = full(Policy(workloads=rules))
    for name in ("batch-1", "batch-2", "batch-3", "other"):
        world.send(name)

    (reject,) = world.rejects
    assert (reject.request.request_id, reject.status, reject.reason) == ("batch-3", 429, RejectReason.QUOTA)

    world.leave("batch-1")
    world.send("batch-4")
    assert world.queue() == ["batch-2", "other", "batch-4"]


def test_quota_in_flight_waits_and_holds_up_nobody_else() -> None:
    rules = (WorkloadRule(id="batch", criticality=5, quota=Quota(in_flight=1)),)
    world = World(gated(3, Policy(workloads=rules)))
    for name in ("b1", "b2"):
        world.send(name, "batch", 5)
    world.send("other", criticality=1)

    assert world.dispatched == ["b1", "other"]
    world.finish("b1")
    assert world.dispatched == ["b1", "other", "b2"]


def test_quota_in_flight_survives_another_policy() -> None:
    rules = (WorkloadRule(id="batch", quota=Quota(in_flight=1)),)
    world = World(gated(3, Policy(workloads=rules)))
    world.send("b1", "batch")

    world.obey(gated(3, Policy(workloads=rules)))
    world.send("b2", "batch")

    assert world.dispatched == ["b1"]
    world.finish("b1")
    assert world.dispatched == ["b1", "b2"]


@pytest.mark.parametrize(
    ("pods", "own_ttl_s", "waited_s", "status", "reason"),
    [
        pytest.param((POD,), None, 60.0, 429, RejectReason.TTL_EXPIRED, id="time to live"),
        pytest.param((POD,), 5.0, 5.0, 429, RejectReason.TTL_EXPIRED, id="its own is shorter"),
        pytest.param((POD,), 500.0, 60.0, 429, RejectReason.TTL_EXPIRED, id="its own cannot be longer"),
        pytest.param((), None, 600.0, 503, RejectReason.NO_ENDPOINTS, id="without an endpoint"),
        pytest.param((), 5.0, 5.0, 503, RejectReason.NO_ENDPOINTS, id="its own, without an endpoint"),
    ],
)
def test_waiting_ends(pods: tuple[str, ...], own_ttl_s: float | None, waited_s: float, status: int,
                      reason: RejectReason) -> None:  # fmt: skip
    world = World(gated(1), pods)
    world.send("runs")
    world.send("waits", ttl_s=own_ttl_s)

    world.wait(1000.0)

    reject = world.rejects[-1] if pods or own_ttl_s is None else world.rejects[0]
    assert (reject.request.request_id, reject.status, reject.reason) == ("waits", status, reason)
    assert reject.waited_s == waited_s


def test_the_clock_starts_anew_with_the_first_endpoint() -> None:
    world = World(gated(1), pods=())
    world.send("a")
    world.send("b")
    world.wait(300.0)

    world.pods(POD)
    world.wait(59.0)

    assert world.dispatched == ["a"]
    assert world.rejected == []
    world.wait(1.0)
    assert world.rejected == ["b"]


def test_a_pool_that_comes_and_goes_does_not_hold_a_request_for_ever() -> None:
    world = World(gated(1), pods=(POD,))
    world.send("runs")
    world.send("waits")
    for _ in range(40):
        world.wait(30.0)
        world.pods()
        world.wait(30.0)
        world.pods(POD)

    assert world.rejects[0].waited_s == 660.0


def test_another_policy_changes_the_time_to_live_of_what_waits() -> None:
    world = full()
    world.send("waits")
    world.wait(10.0)

    world.obey(gated(1, ttl_s=10.0))

    assert world.rejected == ["waits"]


def test_time_alone_is_told_when_to_wake() -> None:
    world = full()
    before = world.scheduler.next_wake_s

    world.send("waits", ttl_s=5.0)
    world.send("too", ttl_s=1.0)
    world.leave("too")

    assert before is None
    assert world.scheduler.next_wake_s == world.now_s + 5.0


def test_an_expired_request_never_goes_even_if_nobody_ticked() -> None:
    world = full()
    world.send("waits", ttl_s=5.0)

    world.now_s += 6.0
    world.finish("blocker-0")

    assert world.dispatched == ["blocker-0"]
    assert world.rejected == ["waits"]


def test_many_own_times_to_live_leave_no_trace() -> None:
    world = full()
    world.send("first", ttl_s=40.0)
    for number in range(500):
        world.send(f"r{number}", ttl_s=50.0)
        world.leave(f"r{number}")

    assert len(world.scheduler._waiting.deadlines._own) < 100
    assert world.scheduler.next_wake_s == world.now_s + 40.0


@pytest.mark.parametrize(
    ("pods", "subset", "is_refused"),
    [
        pytest.param((POD,), {"10.0.0.9:8000"}, True, id="no such endpoint"),
        pytest.param((POD,), set(), True, id="empty"),
        pytest.param((), set(), True, id="empty, and so is the pool"),
        pytest.param((), {"10.0.0.9:8000"}, False, id="pool empty: it may come"),
        pytest.param((POD,), {"10.0.0.1"}, False, id="all ports of its address"),
        pytest.param((POD,), {POD, "10.0.0.9:8000"}, False, id="one of two"),
    ],
)
def test_subset(pods: tuple[str, ...], subset: set[str], is_refused: bool) -> None:
    world = World(gated(1), pods)

    world.send("r", subset=frozenset(subset))

    reasons = [(reject.status, reject.reason) for reject in world.rejects]
    assert reasons == ([(503, RejectReason.NO_ENDPOINTS)] if is_refused else [])


def test_who_waits_for_an_endpoint_that_left_is_refused() -> None:
    world = World(gated(1), (POD, "10.0.0.2:8000"))
    world.block(2)
    world.send("bound", subset=frozenset({"10.0.0.2:8000"}))
    world.send("free")

    world.pods(POD)

    assert world.rejected == ["bound"]
    assert world.queue() == ["free"]


def test_who_waits_for_a_full_endpoint_holds_up_nobody_else() -> None:
    world = World(gated(1), (POD, "10.0.0.2:8000"))
    world.send("first", subset=frozenset({POD}))
    world.send("bound", criticality=5, subset=frozenset({POD}))

    world.send("free", criticality=1)

    assert world.dispatched == ["first", "free"]
    assert world.dispatches[-1].endpoint == "10.0.0.2:8000"


def test_drain_refuses_what_waits_and_what_comes() -> None:
    world = full()
    world.send("waits")

    world.hear(world.scheduler.drain(world.now_s))
    world.send("late")
    world.finish("blocker-0")

    assert [(one.request.request_id, one.status, one.reason) for one in world.rejects] == [
        ("waits", 503, RejectReason.SHUTTING_DOWN),
        ("late", 503, RejectReason.SHUTTING_DOWN),
    ]
    assert world.scheduler.next_wake_s == world.now_s + 300.0, "only idle workloads are left to be forgotten"


@pytest.mark.parametrize(
    ("dispatched", "idle_s", "retry_after_s"),
    [
        pytest.param(600, 0.0, 1, id="ten a second: at once"),
        pytest.param(6, 0.0, 20, id="a tenth a second, and two to go"),
        pytest.param(1, 0.0, 60, id="a minute at most"),
        pytest.param(600, 70.0, 60, id="nothing moved for a minute"),
    ],
)
def test_retry_after_follows_the_outflow(dispatched: int, idle_s: float, retry_after_s: int) -> None:
    world = World(gated(1, QUOTA_OF_ONE))
    for number in range(dispatched - 1):
        world.send(f"r{number}")
        world.finish(f"r{number}")
    world.send("runs")
    world.wait(idle_s)
    world.send("waits", "batch")

    world.send("refused", "batch")

    assert world.rejects[-1].retry_after_s == retry_after_s


@pytest.mark.parametrize("reason", RejectReason)
def test_every_refusal_has_a_sentence_and_a_time(reason: RejectReason) -> None:
    workload = Workload("", "a", 0.0)
    context = WorkloadContext("a", 3)
    request = Request(ticket=1, request_id="r", context=context)
    entry = Entry(request, 1, 5.0, workload, Effective(document(Policy())))

    answer = reject(entry, reason, 7.0, queued=3, dispatch_per_s=2.0)

    assert answer.message.endswith(".")
    assert answer.status in {429, 503}
    assert 1 <= answer.retry_after_s <= 60
    assert (answer.waited_s, answer.ticket, answer.generation) == (2.0, 1, 1)
