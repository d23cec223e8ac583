"""A fleet under virtual time: what comes up, what goes, what it costs, and what becomes of requests meanwhile."""

import math
import random
from dataclasses import replace

import pytest
from tests.unit.sim.stubs import Script, each, scene, servers, variant

from penstock.domain.readings import known
from penstock.domain.variants import Slo, SloSource
from penstock.scaling.decide import decide
from penstock.sim.ours import Ours
from penstock.sim.results import RunResult
from penstock.sim.run import run
from penstock.sim.scene import Fault, Scene, StartupLaw
from penstock.sim.traces import Arrival, synthetic

LAX = Slo(ttft_s=0.5, tpot_s=1.0, attainment_ratio=0.9, source=SloSource.DEFAULT)
HOUR = 3600


def play(world: Scene, times: list[float], script: Script | None = None, *, takes_s: float = 1.0) -> RunResult:
    arrivals = each(times, output_tokens=round(takes_s * 1000))
    return run(world, arrivals, script or Script({}), seed=1, engines=servers(1))


def test_a_new_replica_serves_once_it_has_started_and_costs_from_when_it_was_asked_for() -> None:
    script = Script({60.0: {"v": 2}})

    result = play(scene(), [], script)

    assert result.timeline["v"] == ((0.0, 1, 1, 1), (60.0, 2, 2, 1), (160.0, 2, 2, 2))
    assert result.replica_seconds["v"] == 600 + 540
    assert result.usd == pytest.approx(3.6 * 1140 / HOUR)
    assert result.mean_replicas() == 1.9
    assert result.usd_per_h() == pytest.approx(3.6 * 1.9)


def test_who_leaves_gets_nothing_new_finishes_what_it_has_and_is_paid_until_then() -> None:
    world = scene(variant(initial=2))

    result = play(world, [10.0, 11.0, 100.0], Script({15.0: {"v": 1}}), takes_s=50.0)

    assert list(result.ttft_s) == [0.0, 0.0, 0.0]
    assert result.replica_seconds["v"] == pytest.approx(600 + 60.0)
    assert (result.killed, result.unfinished) == (0, 0)


def test_what_takes_longer_than_a_platform_waits_is_killed_and_counted() -> None:
    world = scene(variant(initial=2, drain_s=20.0))

    result = play(world, [10.0, 11.0], Script({15.0: {"v": 1}}), takes_s=50.0)

    assert (result.killed, list(result.status)) == (1, [1, 0])
    assert result.replica_seconds["v"] == pytest.approx(600 + 35.0)
    assert result.attainment(LAX) == 0.5


def test_those_that_never_served_leave_first_then_the_least_loaded() -> None:
    script = Script({15.0: {"v": 3}, 30.0: {"v": 2}, 45.0: {"v": 1}})

    result = play(scene(variant(initial=2)), [10.0], script, takes_s=90.0)

    assert result.timeline["v"] == ((0.0, 2, 2, 2), (15.0, 3, 3, 2), (30.0, 2, 2, 2), (45.0, 1, 1, 1))
    assert result.replica_seconds["v"] == 600 + 15 + 45
    assert (result.scale_events, result.reversals) == (3, 1)


def test_wishes_are_kept_within_the_bounds_of_a_variant() -> None:
    result = play(scene(variant(min_replicas=1, max_replicas=2)), [], Script({0.0: {"v": 7}, 300.0: {"v": 0}}))

    assert [row[1] for row in result.timeline["v"]] == [2, 2, 1]


def test_requests_wait_at_the_router_while_nothing_is_ready_and_only_then() -> None:
    world = scene(variant(initial=0))

    result = play(world, [10.0, 11.0], Script({15.0: {"v": 1}}))

    assert list(result.ttft_s) == [pytest.approx(105.0), pytest.approx(105.0)]


def test_a_policy_that_can_be_woken_decides_at_once_on_the_first_request_at_zero() -> None:
    script = Script({10.0: {"v": 1}}, tick_s=300.0, wakes=True)

    result = play(scene(variant(initial=0)), [10.0, 10.05, 12.0], script)

    woken = script.seen[1]
    (inflow,) = woken.observation.inflows.values()
    assert woken.now_s == pytest.approx(10.1)
    assert (woken.router.queued, known(inflow.waiting)) == (2, 2)
    assert [seen.now_s for seen in script.seen[:3]] == [0.0, pytest.approx(10.1), 300.0]
    assert result.ttft_s[0] == pytest.approx(100.1)


def test_a_start_may_fail_and_is_tried_again() -> None:
    lame = variant(startup=StartupLaw(median_s=100.0, sigma=0.0, failure_ratio=0.5))
    scripts = [Script({0.0: {"v": 9}}) for _ in range(2)]

    result = play(scene(lame, length_s=2000.0), [], scripts[0])

    came_s = [row[0] for row in result.timeline["v"] if row[3] > 1]
    assert came_s
    assert all(at_s % 100 == pytest.approx(0) for at_s in came_s)
    assert max(came_s) > 100
    assert result.timeline["v"][-1][3] == 9


def test_a_node_takes_its_time_where_no_warm_one_is_left() -> None:
    cold = variant(startup=StartupLaw(median_s=100.0, sigma=0.0, node_s=200.0, warm_nodes=2))

    result = play(scene(cold), [], Script({0.0: {"v": 3}}))

    assert [row[0] for row in result.timeline["v"]] == [0.0, 100.0, 300.0]


@pytest.mark.unmeasured
def test_starts_spread_as_their_law_says_and_alike_for_every_policy() -> None:
    spread = variant(max_replicas=400, startup=StartupLaw(median_s=100.0, sigma=0.3))
    at_once, later = Script({0.0: {"v": 301}}), Script({15.0: {"v": 301}})

    rows, shifted = (play(scene(spread), [], script).timeline["v"] for script in (at_once, later))

    logs = sorted(math.log(row[0] / 100.0) for row in rows if row[3] > 1)
    assert sum(logs) / len(logs) == pytest.approx(0.0, abs=0.05)
    assert math.sqrt(sum(one * one for one in logs) / len(logs)) == pytest.approx(0.3, rel=0.1)
    assert [row[0] + 15.0 for row in rows[1:]] == pytest.approx([row[0] for row in shifted[2:]])


class TestFaults:
    def test_a_quota_leaves_the_rest_without_a_place_until_one_is_free(self) -> None:
        big, small = variant("big", accelerators_per_replica=2, initial=1), variant("small", initial=1)
        world = scene(big, small, quotas={"H100": 4})
        script = Script({0.0: {"small": 3}, 300.0: {"big": 0}})

        result = play(world, [], script)

        assert [seen.fleet["small"].stuck for seen in script.seen[1:3]] == [1, 1]
        assert result.timeline["small"][-1] == (400.0, 3, 3, 3)
        assert result.replica_seconds == {"big": 300.0, "small": 600.0 + 600.0 + 300.0}

    def test_out_of_stock_leaves_new_ones_pending_and_costs_nothing_meanwhile(self) -> None:
        world = scene(faults=(Fault(kind="out-of-stock", from_s=0.0, until_s=200.0, variant="v"),))

        result = play(world, [], Script({60.0: {"v": 2}}))

        assert result.timeline["v"][-1][0] == 300.0
        assert result.replica_seconds["v"] == 600 + 400

    def test_slow_starts_take_as_many_times_as_long(self) -> None:
        world = scene(faults=(Fault(kind="slow-start", from_s=0.0, until_s=100.0, factor=3.0),))

        result = play(world, [], Script({0.0: {"v": 2}, 105.0: {"v": 3}}))

        assert [row[0] for row in result.timeline["v"] if row[3] > 1] == [205.0, 300.0]

    def test_a_crash_loses_what_was_served_and_brings_another_replica(self) -> None:
        world = scene(variant(initial=1), faults=(Fault(kind="crash", from_s=20.0, until_s=20.0, variant="v"),))

        result = play(world, [10.0, 30.0], takes_s=50.0)

        assert (result.lost, list(result.status)) == (1, [2, 0])
        assert result.ttft_s[1] == pytest.approx(90.0)
        assert result.timeline["v"] == ((0.0, 1, 1, 1), (20.0, 1, 1, 0), (120.0, 1, 1, 1))

    def test_a_crash_without_a_name_takes_anybody_and_of_a_variant_that_is_not_there_nobody(self) -> None:
        crashes = (
            Fault(kind="crash", from_s=20.0, until_s=20.0),
            Fault(kind="crash", from_s=30.0, until_s=30.0, variant="other"),
        )

        result = play(scene(variant(initial=2), faults=crashes), [])

        assert [row[3] for row in result.timeline["v"]] == [2, 1, 2]

    def test_decisions_without_metrics_are_counted(self) -> None:
        world = scene(faults=(Fault(kind="metrics-gone", from_s=100.0, until_s=160.0),))

        result = play(world, [])

        assert (result.blind_passes, result.passes) == (4, 40)


def test_what_no_cache_can_hold_is_never_served() -> None:
    arrivals = [Arrival(at_s=1.0, input_tokens=500_000, output_tokens=10), *each([2.0], output_tokens=5)]

    result = run(scene(), arrivals, Script({}), seed=1)

    assert (result.unfinished, list(result.status)) == (1, [3, 0])


@pytest.mark.unmeasured
def test_the_same_seed_gives_the_same_run_and_every_request_has_an_end() -> None:
    arrivals = synthetic(300.0, 10.0, random.Random(1))
    world = scene(variant(initial=2), length_s=300.0)
    told: list[float] = []

    first, second = (run(world, arrivals, Ours(world), seed=3, on_progress=told.append) for _ in range(2))

    assert first.ttft_s == second.ttft_s
    assert first == second
    assert set(first.status) == {0}
    assert first.ended_s >= 300.0
    assert told[:100] == told[100:]
    assert told[99] == 1.0


def test_a_single_token_has_no_time_between_tokens_and_misses_nothing_by_it() -> None:
    result = play(scene(), [1.0], takes_s=0.001)

    assert math.isnan(result.tpot_s[0])
    assert (result.attainment(LAX), replace(result, status=b"").attainment(LAX)) == (1.0, 1.0)


def test_our_own_decision_is_kept_so_that_it_can_be_had_again() -> None:
    world = scene(variant(initial=2), quotas={"H100": 4}, idle_before_zero_s=60.0)
    ours = Ours(world, recording=True)

    run(world, synthetic(200.0, 5.0, random.Random(2)), ours, seed=1)

    assert ours.config.default_slo == world.slo
    assert (ours.config.scale_to_zero, ours.config.idle_before_zero_s) == (True, 60.0)
    assert [quota.max_accelerators for quota in ours.config.quotas] == [4]
    assert len(ours.records) == 40
    assert all(decide(one.observation, one.memory, one.config)[0] == one.decisions for one in ours.records)
