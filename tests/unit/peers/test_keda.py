"""KEDA around an HPA: what an empty answer means to it, what an error, and the way to zero and back."""

from dataclasses import replace

from tests.unit.peers.looks import counts, look, scene, spec

from penstock.domain.observations import Scrape, ScrapeProblem
from penstock.domain.reasons import MetricsReason
from penstock.peers.hpa import By as Per
from penstock.peers.hpa import Direction, HpaBehavior, Rate, Signal
from penstock.peers.keda import Keda
from penstock.sim.policies import Counts, Seen
from penstock.sim.scene import Scene

AT_ONCE = Direction(0, (Rate(Per.PERCENT, 100, 15),))
ZERO = replace(scene(spec(most=5)), idle_before_zero_s=300.0)
PROBLEM = ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="http://prometheus", cause="timeout")


def queued(seen: Seen, _: Counts) -> list[Signal]:
    return [Signal(seen.router.queued, 1)]


def keda(scene: Scene, *, sleeps: bool = True) -> Keda:
    return Keda(scene, HpaBehavior(down=AT_ONCE), queued, sleeps=sleeps)


def blind(seen: Seen) -> Seen:
    return replace(seen, observation=replace(seen.observation, scrape=Scrape(at_s=seen.now_s, problem=PROBLEM)))


def test_an_empty_answer_is_zero_and_shrinks_but_an_error_holds() -> None:
    law = keda(scene(spec(most=5)))

    assert law.decide(blind(look(0, {"l40s": counts(4)}))) == {"l40s": 4}
    assert law.decide(look(15, {"l40s": counts(4)})) == {"l40s": 1}


def test_sleeps_after_the_cool_down_and_wakes_on_any_value() -> None:
    law = keda(ZERO)

    first = law.decide(look(0, {"l40s": counts(1)}, queued=1))
    awake = law.decide(look(285, {"l40s": counts(1)}))
    asleep = law.decide(look(300, {"l40s": counts(1)}))
    still = law.decide(look(315, {"l40s": counts(0)}))
    woken = law.decide(look(330, {"l40s": counts(0)}, queued=1))

    assert [wanted["l40s"] for wanted in (first, awake, asleep, still, woken)] == [1, 1, 0, 0, 1]


def test_an_error_is_no_reason_to_sleep() -> None:
    law = keda(ZERO)
    law.decide(look(0, {"l40s": counts(1)}))

    assert law.decide(blind(look(400, {"l40s": counts(1)}))) == {"l40s": 1}


def test_without_a_trigger_that_wakes_it_keeps_one() -> None:
    law = keda(ZERO, sleeps=False)
    law.decide(look(0, {"l40s": counts(1)}))

    assert law.decide(look(1000, {"l40s": counts(1)})) == {"l40s": 1}
    assert law.decide(look(1015, {"l40s": counts(0)})) == {"l40s": 1}
