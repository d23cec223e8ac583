"""The gate: answers, counts, timer, and what happens when a session fails. Time is virtual."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from penstock import logs
from penstock.api.document import policy_hash
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Detector, Ordering, Policy, PolicyDocument, QueueLimits, Saturation
from penstock.domain.reasons import RejectReason
from penstock.domain.requests import Endpoint, EndpointLoad
from penstock.flow.scheduler import Scheduler
from penstock.router.gate import FlowGate
from penstock.router.journal import Journal
from penstock.router.ports import Answer, Picked, Refusal, RequestHead

pytestmark = pytest.mark.looptime
ONE = Endpoint(address="10.0.0.1:8000", pod="chat-1")
WALL_S = 1_000_000.0


def document(*, ttl_s: float = 60.0, at_once: int = 1, tenant_header: str = "", generation: int = 1) -> PolicyDocument:
    saturation = Saturation(detector=Detector.CONCURRENCY, max_concurrency=at_once)
    policy = Policy(queue=QueueLimits(ttl_s=ttl_s, saturation=saturation), tenant_header=tenant_header)
    return PolicyDocument(
        schema=1, revision=1, uid="u", name="p", generation=generation, hash=policy_hash(policy), policy=policy
    )


class Sessions:
    """Callers of the gate: what each was answered, and when."""

    def __init__(self, gate: FlowGate) -> None:
        self.gate = gate
        self.answers: dict[str, Answer] = {}
        self.order: list[str] = []
        self.at_s: dict[str, float] = {}

    def send(self, name: str, criticality: int = 3, **headers: bytes) -> int:
        context = f'{{"workload_id":"{name}","criticality":{criticality}}}'.encode()
        named = {b"x-workload-context": context, b"x-request-id": name.encode()}
        named |= {key.replace("_", "-").encode(): value for key, value in headers.items()}
        return self.gate.submit(RequestHead(headers=named, size_bytes=10), self.reply(name))

    def reply(self, name: str) -> Callable[[Answer], None]:
        def take(answer: Answer) -> None:
            self.answers[name] = answer
            self.order.append(name)
            self.at_s[name] = asyncio.get_running_loop().time()

        return take


@pytest.fixture
async def written() -> list[str]:
    return []


@pytest.fixture
async def sessions(written: list[str]) -> Sessions:
    loop = asyncio.get_running_loop()
    journal = Journal(logs.text_line, logging.DEBUG, written.append, lambda: WALL_S)
    scheduler = Scheduler(document(), loop.time())
    gate = FlowGate(scheduler, journal, loop.time, lambda: WALL_S)
    gate.endpoints([ONE])
    return Sessions(gate)


async def test_a_request_goes_at_once_where_there_is_room(sessions: Sessions) -> None:
    sessions.send("a")

    assert sessions.answers["a"] == Picked(addresses=(ONE.address,))
    assert (sessions.gate.in_flight, sessions.gate.counters.dispatched[1]) == (1, 1)


async def test_the_more_urgent_goes_first_when_a_place_becomes_free(sessions: Sessions) -> None:
    running = sessions.send("running")
    tickets = {name: sessions.send(name, criticality) for name, criticality in (("a", 1), ("b", 3), ("c", 5))}

    sessions.gate.done(running)
    sessions.gate.done(tickets["c"])
    sessions.gate.done(tickets["b"])

    assert sessions.order == ["running", "c", "b", "a"]


async def test_one_who_waits_too_long_is_told_by_the_timer(sessions: Sessions) -> None:
    begun_s = asyncio.get_running_loop().time()
    sessions.send("running")
    sessions.send("late", x_llm_d_inference_ttl=b"5s")
    sessions.send("later", x_llm_d_inference_ttl=b"7s")

    await asyncio.sleep(10)

    assert isinstance(sessions.answers["late"], Refusal)
    assert sessions.answers["late"].reason is RejectReason.TTL_EXPIRED
    waits = [sessions.at_s[name] - begun_s for name in ("late", "later")]
    assert waits == pytest.approx([5, 7], abs=0.01)
    assert sessions.gate.counters.rejected[1, RejectReason.TTL_EXPIRED] == 2


async def test_a_client_that_leaves_makes_room_in_the_queue_and_hears_nothing(sessions: Sessions) -> None:
    running = sessions.send("running")
    gone = sessions.send("gone")
    sessions.send("next")

    sessions.gate.cancel(gone)
    sessions.gate.done(running)

    assert sessions.order == ["running", "next"]
    assert (sessions.gate.counters.cancelled, sessions.gate.open_requests) == (1, 1)


async def test_ends_may_be_told_twice(sessions: Sessions) -> None:
    ticket = sessions.send("a")

    sessions.gate.first_byte(ticket)
    for _ in range(2):
        sessions.gate.done(ticket)
        sessions.gate.cancel(ticket)

    assert (sessions.gate.open_requests, sessions.gate.counters.cancelled) == (0, 0)


async def test_a_session_that_fails_costs_nobody_else_an_answer(sessions: Sessions) -> None:
    def broken(answer: Answer) -> None:
        raise RuntimeError(str(answer))

    running = sessions.send("running")
    sessions.gate.submit(RequestHead(headers={}), broken)
    sessions.send("after")

    sessions.gate.done(running)
    await asyncio.sleep(0.1)

    assert sessions.order == ["running", "after"]


async def test_a_policy_is_swapped_between_two_dispatches_and_shows_in_counts_and_lines(
    sessions: Sessions, written: list[str]
) -> None:
    sessions.send("running")
    sessions.send("waits")

    sessions.gate.policy(document(at_once=2, generation=2))
    await asyncio.sleep(1)

    assert sessions.order == ["running", "waits"]
    assert dict(sessions.gate.counters.dispatched) == {1: 1, 2: 1}
    assert "request_id=waits workload_id=waits queue_size_before=1 policy_generation=2" in "".join(written)


async def test_a_policy_that_cannot_run_changes_nothing(sessions: Sessions) -> None:
    before = sessions.gate.scheduler.document
    policy = Policy(ordering=Ordering.HYBRID)

    with pytest.raises(InvalidField):
        sessions.gate.policy(
            PolicyDocument(schema=1, revision=2, uid="", name="", generation=2, hash="x", policy=policy)
        )

    assert sessions.gate.scheduler.document is before


async def test_the_tenant_header_follows_the_policy(sessions: Sessions) -> None:
    sessions.gate.policy(document(at_once=9, tenant_header="X-Tenant"))

    sessions.send("a", x_tenant=b"acme")

    assert [row.tenant for row in sessions.gate.scheduler.workloads(0)] == ["acme"]


async def test_gauges_of_endpoints_that_went_are_forgotten(sessions: Sessions) -> None:
    load = EndpointLoad(at_s=1.0, running=1, waiting=0)
    sessions.gate.loads({ONE.address: load, "10.9.9.9:1": load})
    assert set(sessions.gate.gauges) == {ONE.address}

    sessions.gate.endpoints([])

    assert sessions.gate.gauges == {}


async def test_a_request_without_any_endpoint_is_told_to_who_can_wake_the_model(sessions: Sessions) -> None:
    starved: list[int] = []
    sessions.gate.on_starved = lambda: starved.append(1)
    sessions.send("served")
    sessions.gate.endpoints([])

    sessions.send("starved")

    assert len(starved) == 1


async def test_draining_refuses_what_waits_and_what_comes(sessions: Sessions) -> None:
    sessions.send("running")
    sessions.send("waits")

    sessions.gate.drain()
    sessions.send("comes")

    refused = [sessions.answers[name] for name in ("waits", "comes")]
    assert [(answer.status, answer.reason) for answer in refused] == [(503, RejectReason.SHUTTING_DOWN)] * 2
    assert sessions.gate.open_requests == 1


async def test_headers_that_cannot_be_used_are_counted(sessions: Sessions) -> None:
    sessions.gate.submit(RequestHead(headers={b"x-workload-context": b"{"}), sessions.reply("bad"))

    assert sessions.gate.counters.header_invalid == {"not-json": 1}
    assert isinstance(sessions.answers["bad"], Picked)


async def test_decisions_are_kept_with_their_time(sessions: Sessions) -> None:
    sessions.send("a")

    assert [(wall_s, kept.request.request_id) for wall_s, kept in sessions.gate.decisions] == [(WALL_S, "a")]


async def test_a_closed_gate_has_no_timer_left(sessions: Sessions) -> None:
    sessions.send("running")
    sessions.send("waits")

    sessions.gate.close()
    await asyncio.sleep(120)

    assert sessions.order == ["running"]
