"""The published scenarios under a gate of five: what waits goes by score and not by arrival."""

import random

import pytest
from tests.unit.flow.world import World, gated

from penstock.domain.policies import Ordering, Policy, Weights
from penstock.flow.actions import Admitted, Counted
from penstock.ordering.score import Terms, score
from penstock.programs.context import parse_context


def test_scenario_1_criticality_beats_arrival() -> None:
    world = World(gated(5))
    world.block()
    world.wait(2.0)
    for name, criticality in (("A", 1), ("B", 3), ("C", 5)):
        world.send(name, criticality=criticality)

    order = world.run_out()

    assert order == ["C", "B", "A"]
    assert [action.queue_size_before for action in world.dispatches] == [0, 0, 0, 0, 0, 3, 2, 1]


@pytest.mark.parametrize("newer", [pytest.param(4, id="2: against 4"), pytest.param(3, id="2': against 3")])
def test_scenario_2_half_a_minute_beats_criticality(newer: int) -> None:
    world = World(gated(5))
    world.block()
    world.send("A", "waiting", 2)
    world.wait(30.0)
    world.send("B", "new", newer)

    assert world.run_out() == ["A", "B"]


@pytest.mark.parametrize("flood", [10, 20, 50])
@pytest.mark.parametrize("gap_s", [0.0, 0.05])
@pytest.mark.parametrize("criticality", [3, 4])
def test_scenario_3_a_flood_does_not_bury_a_modest_workload(flood: int, gap_s: float, criticality: int) -> None:
    world = World(gated(5))
    world.block()
    for number in range(flood):
        world.send(f"flood-{number}", "flood", criticality)
        world.wait(gap_s)
    world.send("fair", criticality=criticality)

    order = world.run_out()

    assert order[0] == "fair"
    assert order[1:] == [f"flood-{number}" for number in range(flood)]


def test_scenario_3_a_slow_flood_keeps_its_turn() -> None:
    world = World(gated(5))
    world.block()
    for number in range(10):
        world.send(f"flood-{number}", "flood", 4)
        world.wait(0.5)
    world.send("fair", criticality=4)

    assert world.run_out().index("fair") in range(1, 10)


@pytest.mark.parametrize("raw", [pytest.param(None, id="4: no header"), pytest.param(b"{invalid", id="5: bad header")])
def test_scenarios_4_and_5_go_as_default(raw: bytes | None) -> None:
    context, _ = parse_context(raw)
    world = World(gated(5))
    world.block()
    world.send("low", criticality=2)
    world.send("plain", context.workload_id)
    world.send("high", criticality=4)

    assert world.run_out() == ["high", "plain", "low"]
    assert world.dispatches[-2].context.workload_id == "default"
    assert world.dispatches[-2].context.criticality == 3


def test_fcfs_goes_by_arrival_and_has_no_score() -> None:
    world = World(gated(5, Policy(ordering=Ordering.FCFS)))
    world.block()
    for name, criticality in (("A", 1), ("B", 3), ("C", 5)):
        world.send(name, criticality=criticality)

    assert world.run_out() == ["A", "B", "C"]
    assert {action.score for action in world.dispatches} == {None}


def test_other_weights_change_the_order_of_what_waits() -> None:
    world = World(gated(5))
    world.block()
    for name, criticality in (("A", 1), ("B", 3), ("C", 5)):
        world.send(name, criticality=criticality)
        world.wait(1.0)

    world.obey(gated(5, Policy(weights=Weights(wait_time=1.0, criticality=0.0, request_rate=0.0))), generation=7)

    assert world.run_out() == ["A", "B", "C"]
    assert [action.generation for action in world.dispatches] == [1] * 5 + [7] * 3
    assert world.scheduler.document.generation == 7


def test_mixed_stress_every_dispatch_was_the_best() -> None:
    chance = random.Random(7)
    policy = gated(5)
    terms = Terms.of(policy.weights, policy.norms)
    world = World(policy)
    world.block()
    for number in range(300):
        world.wait(chance.choice([0.0, 0.01, 0.2, 1.3]))
        world.send(f"r{number}", f"w{chance.randrange(6)}", chance.randrange(1, 6))
        if chance.random() < 0.7 and world.running:
            rows = world.scheduler.queued(world.now_s)
            best = max(rows, key=lambda row: (row.score.final_score, -rows.index(row))) if rows else None
            before = len(world.dispatched)
            world.finish(chance.choice(world.running))

            assert world.dispatched[before:] == ([best.request_id] if best else [])
    for action in world.dispatches:
        logged = action.score
        again = score(terms, criticality=logged.criticality, own_wait_s=logged.own_wait_s,
                      avg_wait_s=logged.avg_wait_s, rate_per_s=logged.rate_per_s)  # fmt: skip
        assert again == logged
        assert (logged.own_wait_s, logged.criticality) == (action.waited_s, action.context.criticality)


def test_what_is_told_of_a_request_from_end_to_end() -> None:
    world = World(gated(1))
    world.send("first", criticality=4)
    joined, waits = world.send("second", "other-one", 2)
    world.wait(3.0)
    world.finish("first")

    left, went = world.said[-2:]

    assert isinstance(joined, Counted)
    assert (joined.joined, joined.workload_id, joined.active, joined.total) == (True, "other-one", 1, 1)
    assert joined.rate_per_s == 1 / 60
    assert isinstance(waits, Admitted)
    assert waits.score is not None
    assert isinstance(left, Counted)
    assert (left.joined, left.workload_id, left.active) == (False, "first", 0)
    assert (went.endpoint, went.waited_s, went.queue_size_before, went.ticket) == ("10.0.0.1:8000", 3.0, 1, 2)
    assert went.score.final_score - waits.score.final_score == pytest.approx(0.4 * 3 / 60)
