"""The simulated router and our decision behind it: shares by capacity, nothing for who leaves, and nothing lost."""

from itertools import pairwise

import pytest
from tests.unit.sim.stubs import Script, each, scene, servers, variant

from penstock.engine.steptime import GPUS
from penstock.sim.ours import Ours
from penstock.sim.results import RunResult
from penstock.sim.run import capacities, run
from penstock.sim.traces import Arrival


def test_requests_are_shared_by_capacity() -> None:
    pair = scene(variant("small", cost=GPUS["L40S"], accelerator="L40S"), variant("large"))
    arrivals = each([0.2 * number for number in range(60)], output_tokens=9000, input_tokens=500)
    script = Script({})

    run(pair, arrivals, script, seed=1, engines=servers(1))

    inside = script.seen[1].router.in_flight
    weights = capacities(pair, arrivals)
    assert sum(inside.values()) > 50
    assert inside["large"] / inside["small"] == pytest.approx(weights["large"] / weights["small"], rel=0.1)
    assert weights["large"] > 2 * weights["small"]


def test_who_leaves_is_sent_nothing_while_it_ends_its_work() -> None:
    """A request that comes then waits for the one that stays, although the other is free before."""
    world = scene(variant(initial=2))

    result = run(world, each([10.0, 11.0, 20.0], output_tokens=50_000), Script({15.0: {"v": 1}}), 1, engines=servers(1))

    assert list(result.ttft_s) == [0.0, 0.0, pytest.approx(41.0)]
    assert result.replica_seconds["v"] == pytest.approx(600 + 60.0)


def wanted(result: RunResult) -> list[int]:
    return [row[1] for row in result.timeline["v"]]


@pytest.mark.unmeasured
def test_our_decision_ends_no_request_however_long_its_answer() -> None:
    """Answers of some minutes, and a rate that falls to a tenth: those that leave still work on them."""
    times = [0.25 * number for number in range(2400)] + [600 + 2.5 * number for number in range(720)]
    arrivals = [Arrival(at_s=at_s, input_tokens=200, output_tokens=4000) for at_s in times]
    world = scene(variant(initial=3, min_replicas=1), length_s=2400.0)

    result = run(world, arrivals, Ours(world), seed=1)

    assert min(wanted(result)) < max(wanted(result))
    drained_s = sum(result.replica_seconds.values()) - _kept_s(result)
    assert drained_s > 60.0, "those that left had work to end"
    assert (result.killed, result.lost, result.unfinished) == (0, 0, 0)


def _kept_s(result: RunResult) -> float:
    """Return the seconds of those that were to stay."""
    rows = [*result.timeline["v"], (result.length_s, 0, 0, 0)]
    return sum(before[2] * (after[0] - before[0]) for before, after in pairwise(rows))


def test_our_decision_wakes_for_the_first_request_and_loses_none_of_those_that_wait() -> None:
    times = [2.0 * number for number in range(30)] + [1500.0, 1500.2, 1507.0, 1590.0]
    world = scene(variant(initial=1), length_s=1800.0, idle_before_zero_s=120.0)

    result = run(world, each(times, output_tokens=100), Ours(world), seed=1)

    asleep_s = next(row[0] for row in result.timeline["v"] if row[1] == 0)
    assert 180.0 <= asleep_s < 600.0
    assert (result.killed, result.lost, result.unfinished) == (0, 0, 0)
    assert result.ttft_s[30] == pytest.approx(100.0, abs=1.0), "a start, and no pass to wait for"
    assert max(wanted(result)[wanted(result).index(0) :]) == 1
