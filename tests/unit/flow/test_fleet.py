"""Where requests go, what is counted where, and what survives an endpoint that comes and goes."""

import pytest
from tests.unit.flow.world import World, gated

from penstock.domain.policies import Policy
from penstock.domain.requests import Endpoint, EndpointLoad

A, B, C = "10.0.0.1:8000", "10.0.0.1:8001", "10.0.0.2:8000"


def in_flight(world: World) -> dict[str, int]:
    return {row.address: row.in_flight for row in world.scheduler.view(world.now_s).endpoints}


def test_the_least_loaded_is_picked_and_others_follow() -> None:
    world = World(gated(10), (A, B, C))
    for number in range(4):
        world.send(f"r{number}")

    picked = [dispatch.addresses for dispatch in world.dispatches]

    assert [addresses[0] for addresses in picked] == [A, B, C, A]
    assert {len(set(addresses)) for addresses in picked} == {3}


def test_an_answered_request_weighs_less_than_one_that_is_not() -> None:
    world = World(gated(10), (A, B))
    world.send("first")
    world.send("second")
    world.begin("second")

    world.send("third")

    assert [dispatch.endpoint for dispatch in world.dispatches] == [A, B, B]


def test_load_of_other_routers_counts() -> None:
    world = World(gated(10), (A, B))
    world.wait(1.0)
    world.hear(world.scheduler.loads({A: EndpointLoad(at_s=world.now_s, running=7, waiting=1)}, world.now_s))

    for number in range(5):
        world.send(f"r{number}")

    assert in_flight(world) == {A: 0, B: 5}
    assert world.scheduler.view(world.now_s).endpoints[0].foreign == 8


def test_a_subset_binds_pick_and_fallbacks() -> None:
    world = World(gated(10), (A, B, C))

    world.send("all ports", subset=frozenset({"10.0.0.1"}))
    world.send("one", subset=frozenset({C}))

    assert [set(dispatch.addresses) for dispatch in world.dispatches] == [{A, B}, {C}]


def test_the_endpoint_that_really_served_is_charged() -> None:
    world = World(gated(1), (A, B))
    world.send("first")

    world.begin("first", served=B)
    world.send("second")

    assert in_flight(world) == {A: 1, B: 1}
    assert world.dispatches[-1].endpoint == A
    world.finish("first")
    assert in_flight(world) == {A: 1, B: 0}


@pytest.mark.parametrize("served", [pytest.param("", id="not told"), pytest.param("10.9.9.9:1", id="unknown"), A])
def test_otherwise_the_picked_one_is(served: str) -> None:
    world = World(gated(1), (A, B))
    world.send("first")

    world.begin("first", served=served)
    world.begin("first", served=B)

    assert in_flight(world) == {A: 1, B: 0}


def test_room_made_by_a_fallback_is_used() -> None:
    world = World(gated(1), (A, B))
    world.send("bound", subset=frozenset({A}))
    world.send("waits", subset=frozenset({A}))

    world.begin("bound", served=B)

    assert world.dispatched == ["bound", "waits"]


def test_an_endpoint_that_comes_back_remembers_what_runs_there() -> None:
    world = World(gated(2), (A, C))
    world.send("first", subset=frozenset({A}))

    world.pods(C)
    world.pods(A, C)

    assert in_flight(world) == {A: 1, C: 0}


def test_an_endpoint_that_went_is_forgotten_when_its_last_request_ended() -> None:
    world = World(gated(2), (A,))
    world.send("first")
    world.send("second")
    world.pods(C)

    world.finish("first")
    kept = len(world.scheduler._fleet._gone)
    world.finish("second")

    assert (kept, len(world.scheduler._fleet._gone)) == (1, 0)
    assert in_flight(world) == {C: 0}


def test_another_pod_at_the_same_address_starts_anew() -> None:
    world = World(gated(1), ())
    for pod in ("old", "new"):
        world.hear(world.scheduler.endpoints([Endpoint(address=A, pod=pod)], world.now_s))
        world.send(f"on {pod}")

    world.finish("on old")

    assert world.dispatched == ["on old", "on new"]
    assert in_flight(world) == {A: 1}


def test_gauges_of_unknown_endpoints_are_ignored() -> None:
    world = World(gated(1), (A,))

    world.hear(world.scheduler.loads({C: EndpointLoad(at_s=world.now_s, running=1, waiting=0)}, world.now_s))

    assert in_flight(world) == {A: 0}


def test_ends_may_be_told_twice() -> None:
    world = World(gated(1), (A,))
    world.send("first")
    world.send("waits")
    world.finish("first")
    before = len(world.said)

    world.hear(world.scheduler.done(1, world.now_s))
    world.leave("first")
    world.begin("first")

    assert len(world.said) == before
    assert in_flight(world) == {A: 1}


def test_a_client_that_leaves_in_flight_frees_its_place() -> None:
    world = World(gated(1), (A,))
    world.send("first")
    world.send("waits")

    world.leave("first")

    assert world.dispatched == ["first", "waits"]


def test_sums_of_the_moment() -> None:
    world = World(gated(2, Policy(lane_share_ratio=0.1)), (A, C))
    for number in range(7):
        world.send(f"r{number}", "w", 4, size_bytes=10)

    world.wait(2.0)
    view = world.scheduler.view(world.now_s)

    assert (view.queue_size, view.queue_bytes, view.in_flight, view.credit) == (3, 30, 4, 0)
    assert view.dispatch_per_s == 4 / 60
    assert view.starvation_bound_s == pytest.approx(10 * 4 / (4 / 60))
    (workload,) = world.scheduler.workloads(world.now_s)
    assert (workload.workload_id, workload.active, workload.total, workload.rate_per_s) == ("w", 7, 7, 7 / 60)
    row = world.scheduler.queued(world.now_s)[0]
    assert (row.request_id, row.waited_s, row.criticality, row.size_bytes) == ("r4", 2.0, 4, 10)
    assert row.score is not None


def test_no_lane_no_bound() -> None:
    world = World(gated(1), (A,))
    world.send("first")

    assert world.scheduler.view(world.now_s).starvation_bound_s is None
