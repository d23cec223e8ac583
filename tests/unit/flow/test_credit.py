"""How much an endpoint may hold: from its gauges, from what was sent since, and from nothing."""

import math

import pytest
from tests.unit.flow.world import POD, World

from penstock.domain.policies import Detector, Policy, QueueLimits, Saturation
from penstock.domain.requests import EndpointLoad
from penstock.flow.credit import BLIND_AFTER_S, STALE_AFTER_S
from penstock.flow.server import HISTORY_S, START_LIMIT


def watched(detector: Detector, **more: float) -> World:
    saturation = Saturation(detector=detector, **more)
    return World(Policy(queue=QueueLimits(saturation=saturation, ttl_s=3600.0)))


def crowd(world: World, count: int) -> None:
    """Send many requests; those beyond the credit wait."""
    for _ in range(count):
        world.send(f"r{len(world.said)}", "crowd")


def scrape(world: World, running: float, waiting: float, kv: float | None = None, age_s: float = 0.0) -> None:
    """Tell gauges read `age_s` ago, a little later than the last."""
    world.wait(0.01)
    load = EndpointLoad(at_s=world.now_s - age_s, running=running, waiting=waiting, kv_usage_ratio=kv)
    world.hear(world.scheduler.loads({POD: load}, world.now_s))


def sent_after(world: World, running: float, waiting: float, kv: float | None = None) -> int:
    before = len(world.dispatches)
    scrape(world, running, waiting, kv)
    return len(world.dispatches) - before


class TestConcurrency:
    def test_never_above_the_number_whatever_the_gauges_say(self) -> None:
        world = watched(Detector.CONCURRENCY, max_concurrency=3)
        crowd(world, 10)

        scrape(world, running=0, waiting=0)
        world.wait(60.0)

        assert len(world.running) == 3


class TestUtilization:
    def test_a_scrape_gives_what_the_queue_has_left(self) -> None:
        world = watched(Detector.UTILIZATION, queue_depth=5)
        crowd(world, 100)
        assert len(world.running) == START_LIMIT

        sent = [sent_after(world, *gauges) for gauges in ((8, 0), (13, 0), (18, 0), (20, 3), (20, 5), (20, 9))]

        assert sent == [5, 5, 5, 2, 0, 0]

    def test_what_ends_after_the_scrape_makes_room(self) -> None:
        world = watched(Detector.UTILIZATION, queue_depth=2)
        crowd(world, 100)
        scrape(world, running=6, waiting=2)

        world.finish(*world.running[:3])

        assert len(world.running) == START_LIMIT

    def test_others_requests_do_not_make_room_for_ours(self) -> None:
        world = watched(Detector.UTILIZATION, queue_depth=5)
        crowd(world, 100)
        scrape(world, running=60, waiting=8)

        world.finish(*world.running[:3])
        assert len(world.running) == START_LIMIT - 3

        world.finish(*world.running[:1])
        assert len(world.running) == START_LIMIT - 4 + 1

    def test_a_full_cache_shuts_the_gate(self) -> None:
        world = watched(Detector.UTILIZATION, queue_depth=5, kv_usage_ratio=0.8)
        crowd(world, 100)

        assert [sent_after(world, 8, 0, kv) for kv in (0.8, 0.79)] == [0, 5]

    def test_only_what_was_sent_before_the_scrape_is_seen_by_it(self) -> None:
        world = watched(Detector.UTILIZATION, queue_depth=5)
        crowd(world, 4)
        world.wait(0.1)
        crowd(world, 4)
        crowd(world, 100)
        world.wait(0.1)

        scrape(world, running=4, waiting=0, age_s=0.15)

        assert len(world.running) == 9, "four seen, five more for the queue: four of them are on their way"

    def test_stale_gauges_hold_what_was_there(self) -> None:
        world = watched(Detector.UTILIZATION, queue_depth=5)
        crowd(world, 100)
        scrape(world, running=8, waiting=0)
        assert len(world.running) == 13

        world.wait(STALE_AFTER_S)
        world.finish(*world.running)

        assert len(world.running) == 8

    def test_stale_gauges_do_not_shut_an_endpoint_for_ever(self) -> None:
        world = watched(Detector.UTILIZATION)
        scrape(world, running=500, waiting=100)
        crowd(world, 3)
        assert world.running == []

        world.wait(STALE_AFTER_S)

        assert len(world.running) == 1


class TestLearned:
    def test_grows_by_half_until_the_engine_queues(self) -> None:
        world = watched(Detector.LEARNED)
        crowd(world, 1000)

        held = []
        for _ in range(4):
            held.append(len(world.running))
            scrape(world, running=len(world.running), waiting=0)

        assert held == [8, 12, 18, 27]

    def test_shrinks_half_way_to_what_runs_and_then_grows_by_a_tenth(self) -> None:
        world = watched(Detector.LEARNED)
        crowd(world, 1000)
        for _ in range(7):
            scrape(world, running=len(world.running), waiting=0)
        limits = [world.scheduler.view(world.now_s).endpoints[0].limit]

        for running, waiting in ((100, 28), (100, 28), (100, 1), (100, 0)):
            scrape(world, running, waiting)
            limits.append(world.scheduler.view(world.now_s).endpoints[0].limit)

        assert limits == [136, 121, 113, 113, 125]

    def test_counts_only_its_share_of_what_runs(self) -> None:
        world = watched(Detector.LEARNED)
        crowd(world, 8)

        for _ in range(20):
            scrape(world, running=20, waiting=20)

        assert world.scheduler.view(world.now_s).endpoints[0].limit == 4

    @pytest.mark.parametrize(
        ("in_flight", "kv", "limit"),
        [
            pytest.param(8, None, 12, id="grows"),
            pytest.param(4, None, 12, id="half used is used"),
            pytest.param(3, None, 8, id="an unused limit proves nothing"),
            pytest.param(8, 0.9, 8, id="a full cache is no invitation"),
        ],
    )
    def test_growth(self, in_flight: int, kv: float | None, limit: int) -> None:
        world = watched(Detector.LEARNED)
        crowd(world, in_flight)

        scrape(world, running=in_flight, waiting=0, kv=kv)

        assert world.scheduler.view(world.now_s).endpoints[0].limit == limit

    def test_what_was_learnt_survives_another_policy_and_silence(self) -> None:
        world = watched(Detector.LEARNED)
        crowd(world, 1000)
        scrape(world, running=8, waiting=0)

        world.obey(Policy(queue=QueueLimits(ttl_s=3600.0)))
        world.wait(600.0)

        assert len(world.running) == 12


@pytest.mark.parametrize("detector", [Detector.LEARNED, Detector.UTILIZATION])
class TestWithoutGauges:
    def test_an_endpoint_that_nobody_scrapes_gets_the_fixed_number(self, detector: Detector) -> None:
        world = watched(detector)
        crowd(world, 200)
        assert len(world.running) == START_LIMIT

        world.wait(BLIND_AFTER_S)

        assert len(world.running) == 100

    @pytest.mark.parametrize("running", [math.nan, math.inf])
    def test_numbers_that_are_none_are_no_gauges(self, detector: Detector, running: float) -> None:
        world = watched(detector)
        crowd(world, 200)

        scrape(world, running, waiting=0)

        assert len(world.running) == START_LIMIT

    def test_older_gauges_than_the_last_are_ignored(self, detector: Detector) -> None:
        world = watched(detector)
        crowd(world, 200)
        world.wait(1.0)
        scrape(world, running=8, waiting=0)
        held = len(world.running)

        scrape(world, running=0, waiting=0, age_s=0.5)

        assert len(world.running) == held


class Engine:
    """A machine with slots and a first-in-first-out queue, on the router's clock."""

    def __init__(self, world: World, slots: int, service_s: float) -> None:
        self.world, self.slots, self.service_s = world, slots, service_s
        self.running: dict[str, float] = {}
        self.waiting: list[str] = []
        self.seen = 0
        self.longest = 0

    def step(self) -> None:
        """Take what was sent, end what is due, start what fits."""
        now_s = self.world.now_s
        for name in [name for name, end_s in self.running.items() if end_s <= now_s]:
            del self.running[name]
            self.world.finish(name)
        self.waiting += self.world.dispatched[self.seen :]
        self.seen = len(self.world.dispatches)
        while self.waiting and len(self.running) < self.slots:
            self.running[self.waiting.pop(0)] = now_s + self.service_s
        self.longest = max(self.longest, len(self.waiting))


@pytest.mark.parametrize("slots", [5, 32])
@pytest.mark.parametrize("detector", [Detector.LEARNED, Detector.UTILIZATION])
@pytest.mark.unmeasured
def test_an_overloaded_engine_is_kept_busy_and_hardly_queues(detector: Detector, slots: int) -> None:
    world = watched(detector)
    engine = Engine(world, slots, service_s=1.0)
    crowd(world, 600)
    busy, queued = [], []

    for step in range(600):
        world.wait(0.02)
        engine.step()
        if step % 10 == 0:
            scrape(world, len(engine.running), len(engine.waiting))
        if step >= 300:
            busy.append(len(engine.running) / slots)
            queued.append(len(engine.waiting))

    assert sum(busy) / len(busy) > 0.95
    assert sum(queued) / len(queued) < 5.5
    assert engine.longest <= 16


def test_memory_of_what_was_sent_is_bounded() -> None:
    world = watched(Detector.CONCURRENCY, max_concurrency=1)
    (server,) = world.scheduler._fleet._servers.values()
    for number in range(2500):
        world.now_s += 0.003
        world.send(f"r{number}")
        world.finish(f"r{number}")

    assert len(server._history) <= HISTORY_S / 0.005 + 2
