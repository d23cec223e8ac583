"""What policies see is what real ones see: rows as the collector makes them, counts as an API server tells them."""

import random
from collections.abc import Mapping
from math import inf, nan

import pytest
from tests.unit.sim.stubs import Script, each, scene, servers, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Birth, PodMetrics, Scrape, Spread
from penstock.domain.readings import ABSENT, Absent, Known, known
from penstock.domain.reasons import MetricsReason
from penstock.domain.series import Signal
from penstock.engine.scatter import token_bounds
from penstock.sim.policies import Seen
from penstock.sim.run import run
from penstock.sim.scene import Fault, Scene
from penstock.sim.traces import Arrival
from penstock.telemetry.rows import RowKey, combine
from penstock.telemetry.spreads import BucketCounts, spreads
from penstock.telemetry.window import Buckets, Exposition, Totals, Window

NAMES = {
    "vllm:request_prompt_tokens": "input_tokens",
    "vllm:request_generation_tokens": "output_tokens",
    "vllm:time_to_first_token_seconds": "ttft_s",
    "vllm:time_per_output_token_seconds": "tpot_s",
}


def looks(world: Scene, arrivals: list[Arrival], script: Script | None = None, *, each_takes: int = 4) -> list[Seen]:
    script = script or Script({})
    run(world, arrivals, script, seed=1, engines=servers(each_takes))
    return script.seen


def at(seen: list[Seen], now_s: float) -> Seen:
    return next(look for look in seen if look.now_s == now_s)


def steady(per_s: float, length_s: float, *, output_tokens: int = 1000) -> list[Arrival]:
    return each(
        [n / per_s - 0.1 for n in range(1, int(per_s * length_s))], output_tokens=output_tokens, input_tokens=30
    )


def test_a_row_holds_rates_over_the_window_and_gauges_of_now() -> None:
    (row,) = at(looks(scene(), steady(2.0, 300.0)), 150.0).observation.scrape.rows

    assert (row.pod, row.model, row.sampled_at_s) == ("v-0", "m", 150.0)
    assert [known(one) for one in (row.running, row.waiting)] == [2.0, 0.0]
    assert known(row.completed_per_s) == pytest.approx(2.0)
    assert known(row.backlog_growth_per_s) == pytest.approx(0.0)
    assert [known(one) for one in (row.input_tokens, row.output_tokens)] == [30.0, 1000.0]
    assert known(row.ttft_s) == pytest.approx(0.0)
    assert known(row.tpot_s) == pytest.approx(1.0 / 999)
    assert known(row.prefill_s) == pytest.approx(0.0)
    assert known(row.kv_capacity_tokens) == 1000.0


def test_before_a_second_scrape_there_is_no_rate_and_without_traffic_there_are_no_means() -> None:
    seen = looks(scene(), [])

    first, second = (at(seen, now_s).observation.scrape.rows[0] for now_s in (0.0, 15.0))

    assert (first.completed_per_s, first.backlog_growth_per_s) == (
        Absent("one sample only, so there is no rate yet"),
        ABSENT,
    )
    assert (second.completed_per_s, second.ttft_s, second.output_tokens) == (Known(0.0, 15.0), ABSENT, ABSENT)


def test_a_queue_that_grows_shows_as_growth() -> None:
    (row,) = at(looks(scene(), steady(2.0, 300.0), each_takes=1), 150.0).observation.scrape.rows

    assert known(row.completed_per_s) == pytest.approx(1.0, rel=0.05)
    assert known(row.backlog_growth_per_s) == pytest.approx(1.0, rel=0.05)
    assert known(row.waiting) == pytest.approx(149, abs=3)


def test_rows_are_those_that_the_collector_makes_of_the_same_counters() -> None:
    chance = random.Random(5)
    arrivals = [
        Arrival(at_s=n / 3 - 0.1, input_tokens=chance.randint(1, 900), output_tokens=chance.randint(100, 9000))
        for n in range(1, 900)
    ]
    seen = looks(scene(), arrivals)

    for now_s in (90.0, 165.0, 300.0):
        (row,) = at(seen, now_s).observation.scrape.rows
        assert comparable(row) == pytest.approx(comparable(collected(arrivals, now_s)), nan_ok=True)


def test_lengths_scatter_as_the_collector_says_of_the_same_buckets() -> None:
    chance = random.Random(7)
    arrivals = [
        Arrival(at_s=n / 3 - 0.1, input_tokens=chance.randint(1, 900), output_tokens=chance.randint(100, 9000))
        for n in range(1, 900)
    ]
    seen = looks(scene(), arrivals)

    for now_s in (90.0, 300.0):
        found = at(seen, now_s).observation.scrape.spreads
        assert scattered(found) == pytest.approx(scattered(spreads(bucketed(arrivals, now_s), now_s)))
        assert all(0.3 < cv < 0.9 for cv in scattered(found))


def test_nothing_is_said_of_lengths_before_requests_finish() -> None:
    seen = looks(scene(), [])

    assert all(look.observation.scrape.spreads == {ModelScope("sim", "m"): Spread()} for look in seen[1:])


def scattered(found: Mapping[ModelScope, Spread]) -> list[float]:
    spread = found[ModelScope("sim", "m")]
    return [one.value for one in (spread.input_cv, spread.output_cv) if isinstance(one, Known)] or [nan]


def bucketed(arrivals: list[Arrival], now_s: float) -> BucketCounts:
    """Return what telemetry makes of what the engine's buckets were at the last four scrapes."""
    window = Window(scrapes=3)
    for at_s in (now_s - 45, now_s - 30, now_s - 15, now_s):
        ended = _ended(arrivals, at_s)
        buckets: Buckets = {}
        for bound in (*token_bounds(131_072), inf):
            buckets[Signal.INPUT_TOKENS, bound] = sum(one.input_tokens <= bound for one in ended)
            buckets[Signal.OUTPUT_TOKENS, bound] = sum(one.output_tokens <= bound for one in ended)
        window.add(Exposition(at_s, {}, {}, {("m", "0"): buckets}))
    return {(ModelScope("sim", model), signal): counts for (model, signal), counts in window.buckets().items()}


def _ended(arrivals: list[Arrival], at_s: float) -> list[Arrival]:
    free, ended = [0.0] * 4, []
    for arrival in arrivals:
        turn = free.index(min(free))
        free[turn] = max(free[turn], arrival.at_s) + arrival.output_tokens / 1000
        ended += [arrival] if free[turn] <= at_s else []
    return ended


def collected(arrivals: list[Arrival], now_s: float) -> PodMetrics:
    """Return the row that telemetry makes of what the engine's counters were at the last four scrapes."""
    window = Window(scrapes=3)
    for at_s in (now_s - 45, now_s - 30, now_s - 15, now_s):
        window.add(Exposition(at_s, {("m", "0"): _totals(arrivals, at_s)}, {}))
    found = combine(RowKey("sim", "v-0", "m"), list(window.shards().values()), now_s=now_s, stale_after_s=120.0)
    assert found is not None
    return found


def _totals(arrivals: list[Arrival], at_s: float) -> Totals:
    free, begun, ended = [0.0] * 4, [], []
    for arrival in arrivals:
        if arrival.at_s > at_s:
            break
        turn = free.index(min(free))
        start_s = max(free[turn], arrival.at_s)
        free[turn] = start_s + arrival.output_tokens / 1000
        begun += [start_s - arrival.at_s] if start_s <= at_s else []
        ended += [arrival] if free[turn] <= at_s else []
    came = sum(arrival.at_s <= at_s for arrival in arrivals)
    sums = {
        "vllm:request_prompt_tokens": (sum(one.input_tokens for one in ended), len(ended)),
        "vllm:request_generation_tokens": (sum(one.output_tokens for one in ended), len(ended)),
        "vllm:time_to_first_token_seconds": (sum(begun), len(begun)),
        "vllm:time_per_output_token_seconds": (
            sum(one.output_tokens / 1000 for one in ended),
            sum(one.output_tokens - 1 for one in ended),
        ),
    }
    return {
        "vllm:num_requests_running": len(begun) - len(ended),
        "vllm:num_requests_waiting": came - len(begun),
        "vllm:request_success_total": len(ended),
        **{f"{name}_sum": float(total) for name, (total, _) in sums.items()},
        **{f"{name}_count": float(count) for name, (_, count) in sums.items()},
    }


def comparable(row: PodMetrics) -> list[float]:
    fields = ("running", "waiting", "completed_per_s", "backlog_growth_per_s", *NAMES.values())
    values = [known(getattr(row, name)) for name in fields]
    return [float("nan") if value is None else value for value in values]


class TestScrapeFaults:
    def test_gone_is_a_problem_until_the_numbers_are_back(self) -> None:
        world = scene(faults=(Fault(kind="metrics-gone", from_s=100.0, until_s=200.0),))

        seen = looks(world, steady(2.0, 400.0))

        gone, back = at(seen, 150.0).observation, at(seen, 210.0).observation
        assert gone.scrape.problem is not None
        assert (gone.scrape.problem.reason, gone.scrape.rows, gone.inflows) == (
            MetricsReason.PROMETHEUS_UNREACHABLE,
            (),
            {},
        )
        assert back.scrape.problem is None
        assert known(back.scrape.rows[0].completed_per_s) == pytest.approx(2.0, rel=0.05)  # over four windows at first

    def test_one_variant_alone_may_lose_its_series(self) -> None:
        world = scene(
            variant("a"), variant("b"), faults=(Fault(kind="metrics-gone", from_s=0, until_s=99, variant="a"),)
        )

        scrape = at(looks(world, []), 30.0).observation.scrape

        assert (scrape.problem, [row.pod for row in scrape.rows]) == (None, ["b-0"])

    def test_stale_repeats_the_last_scrape_with_its_own_time(self) -> None:
        world = scene(faults=(Fault(kind="metrics-stale", from_s=50.0, until_s=120.0),))

        scrapes = {look.now_s: look.observation.scrape for look in looks(world, steady(2.0, 300.0))}

        assert isinstance(scrapes[90.0], Scrape)
        assert scrapes[90.0] is scrapes[45.0]
        assert [scrapes[now_s].rows[0].sampled_at_s for now_s in (45.0, 105.0, 120.0)] == [45.0, 45.0, 120.0]

    def test_a_share_of_scrapes_may_be_stale(self) -> None:
        world = scene(faults=(Fault(kind="metrics-stale", from_s=0.0, until_s=6000.0, ratio=0.25),), length_s=6000.0)

        seen = looks(world, [])

        assert sum(look.observation.scrape.at_s < look.now_s for look in seen) / len(seen) == pytest.approx(
            0.25, abs=0.06
        )


def test_a_target_tells_of_starting_stuck_and_leaving_replicas_and_of_every_birth() -> None:
    world = scene(variant(initial=1), quotas={"H100": 2})
    script = Script({0.0: {"v": 3}, 300.0: {"v": 1}})

    seen = looks(world, each([290.0], output_tokens=60_000), script)

    early, late = (next(iter(at(seen, now_s).observation.targets.values())) for now_s in (15.0, 315.0))
    assert (early.current, early.ready, early.starting, early.stuck) == (3, 1, 1, 1)
    assert early.births == (Birth(-3700.0, -3600.0), Birth(0.0, None), Birth(0.0, None))
    assert (late.current, late.ready, late.draining, late.births) == (1, 1, 0, (Birth(-3700.0, -3600.0),))
    assert early.pods == frozenset({"v-0", "v-1"})


def test_the_router_tells_what_comes_in_and_waits_and_without_one_nobody_does() -> None:
    world = scene(variant(initial=0))

    (inflow,) = at(looks(world, steady(2.0, 300.0)), 90.0).observation.inflows.values()
    blind = at(looks(scene(router=False), steady(2.0, 300.0)), 90.0)

    assert known(inflow.arrivals_per_s) == pytest.approx(2.0)
    assert known(inflow.waiting) == pytest.approx(180, abs=1)
    assert known(inflow.growth_per_s) == pytest.approx(2.0)
    assert blind.observation.inflows == {}


def test_what_was_served_and_begun_is_seen_for_five_minutes() -> None:
    seen = looks(scene(length_s=900.0), steady(1.0, 600.0))

    look = at(seen, 450.0)

    assert [look.served[0].at_s, look.served[-1].at_s] == pytest.approx([150.0, 450.0], abs=1.0)
    assert look.first_tokens[-1].at_s == pytest.approx(450.0, abs=1.0)
    assert look.served[0].variant == "v"
    assert look.router.in_flight == {"v": 1}
    assert (look.router.arrived, look.router.arrived_input_tokens) == (450, 450 * 30)
