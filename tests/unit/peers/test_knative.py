"""Knative's autoscaler on the cases of its own unit tests, with our numbers: a target of 10 is seven at 70 %."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.peers.looks import counts, look, scene, spec

from penstock.peers.knative import Kpa
from penstock.peers.windows import Window
from penstock.sim.scene import Scene

SCENE = scene(spec(most=100))


class Drive:
    """Asks every 2 s; the fleet has `ready` pods all the time, or obeys."""

    def __init__(self, law: Kpa) -> None:
        self.law, self.now_s, self.last = law, 0.0, 0

    def hold(self, seconds: float, in_flight: int, ready: int, queued: int = 0) -> int:
        for _ in range(int(seconds / 2)):
            seen = look(self.now_s, {"l40s": counts(ready)}, in_flight={"l40s": in_flight}, queued=queued)
            self.last = self.law.decide(seen)["l40s"]
            self.now_s += 2
        return self.last


def drive(scene: Scene = SCENE, target: float = 10, delay_s: float = 0) -> Drive:
    return Drive(Kpa(scene, target=target, delay_s=delay_s))


@pytest.mark.parametrize(
    ("in_flight", "ready", "wanted"),
    [
        pytest.param(35, 4, 5, id="35 ÷ 7"),
        pytest.param(36, 4, 6, id="a part of a pod is a pod"),
        pytest.param(7, 8, 4, id="never below half"),
        pytest.param(0, 1, 1, id="one stays where zero is not allowed"),
    ],
)
def test_stable(in_flight: int, ready: int, wanted: int) -> None:
    assert drive().hold(200, in_flight, ready) == wanted


def test_panic_doubles_within_seconds_and_holds_for_a_stable_window() -> None:
    law = drive()
    law.hold(200, 35, 5)

    surged = law.hold(6, 70, 5)
    over = law.hold(58, 7, 10)
    calm = law.hold(8, 7, 10)

    assert surged == 10
    assert over == 10
    assert calm == 5  # half of what is there


def test_starts_in_panic_so_that_nothing_is_shed_before_a_stable_window_was_seen() -> None:
    several, one = drive(), drive()

    assert several.hold(60, 7, 4) == 4
    assert several.hold(60, 7, 4) == 2
    assert one.hold(2, 0, 1) == 1


def test_what_waits_at_the_activator_counts() -> None:
    assert drive().hold(200, 7, 5, queued=42) == 7


def test_sleeps_thirty_seconds_after_a_stable_window_without_requests_and_wakes_on_one() -> None:
    law = drive(replace(SCENE, idle_before_zero_s=300.0))
    law.hold(60, 7, 1)

    awake = law.hold(88, 0, 1)
    asleep = law.hold(4, 0, 1)
    woken = law.hold(2, 0, 0, queued=1)

    assert (awake, asleep, woken) == (1, 0, 1)


def test_a_delay_holds_the_highest_wish() -> None:
    law = drive(delay_s=300)
    law.hold(200, 35, 5)

    assert law.hold(290, 7, 5) == 5
    assert law.hold(100, 7, 5) == 2


def test_the_quota_holds() -> None:
    assert drive(scene(spec(most=3))).hold(200, 700, 3) == 3


@given(st.lists(st.tuples(st.floats(0.1, 20), st.floats(0, 1e4)), min_size=1, max_size=60))
def test_window_is_the_mean_of_what_is_young_enough(steps: list[tuple[float, float]]) -> None:
    window, now_s = Window(30), 0.0
    kept: list[tuple[float, float]] = []
    for passed_s, value in steps:
        now_s += passed_s
        window.record(now_s, value)
        kept = [(at_s, number) for at_s, number in [*kept, (now_s, value)] if at_s > now_s - 30]

    assert window.mean == pytest.approx(sum(number for _, number in kept) / len(kept), abs=1e-6)
