"""The plan of one model over several passes: exchange without a gap, spill and return, zero and back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from tests.unit.scaling.scene import (
    MODEL,
    NOW,
    PER_REPLICA,
    PROFILE,
    ROOM,
    Known,
    decide_one,
    known,
    observe,
    row,
    rows,
    target,
    variant,
)

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision
from penstock.domain.observations import Birth, Inflow
from penstock.domain.reasons import DecisionReason, LimitReason, OptimizationReason
from penstock.domain.variants import SloOverride, Variant
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

SMALL = variant("small", cost_per_replica_per_h=10.0, min_replicas=0)
LARGE = variant(
    "large",
    cost_per_replica_per_h=30.0,
    min_replicas=0,
    profiles=(replace(PROFILE, max_batch=64, alpha_ms=6.0, beta_ms=0.05, gamma_ms=5.0, delta_ms=0.001),),
)
HERE = ModelScope("llm", MODEL)
STEP_S = 15.0


@dataclass
class Cluster:
    """A fleet that does as it is told after `start_s` seconds; those of `full` variants find no place from then on."""

    variants: tuple[Variant, ...]
    counts: dict[str, int]
    config: Config = field(default_factory=Config)
    start_s: float = 60.0
    full: Mapping[str, float] = field(default_factory=dict)
    now_s: float = NOW
    memory: Memory = field(default_factory=Memory)
    births: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.births = {name: [NOW - 9000.0] * count for name, count in self.counts.items()}

    def ready(self, name: str) -> int:
        none_since_s = self.full.get(name, self.now_s)
        return sum(at_s < none_since_s and self.now_s - at_s >= self.start_s for at_s in self.births[name])

    def step(self, rate: float, waiting: float = 0.0, *, router: bool = True) -> dict[str, Decision]:
        """Let a pass see `rate` requests per second, spread over what is ready, and do what it decides."""
        serving = sum(self.ready(one.key.name) for one in self.variants)
        targets, seen = {}, []
        for one in self.variants:
            name, count, up = one.key.name, len(self.births[one.key.name]), self.ready(one.key.name)
            waits = {"stuck": count - up} if name in self.full else {"starting": count - up}
            targets[one.key] = target(one, count, ready=up, births=self._births(name), **waits)
            changes = {"running": known(0.0, self.now_s)} if not rate else {}
            seen += [row(one, n, rate=rate / serving, at_s=self.now_s, **changes) for n in range(up)]
        inflow = Inflow(waiting=Known(waiting, self.now_s), arrivals_per_s=Known(rate, self.now_s))
        observation = observe(*self.variants, targets=targets, seen=seen, now_s=self.now_s)
        observation = replace(observation, inflows={HERE: inflow} if router else {})
        decisions, self.memory = decide(observation, self.memory, self.config)
        for decision in decisions:
            self._follow(decision)
        self.now_s += STEP_S
        return {decision.key.name: decision for decision in decisions}

    def run(self, seconds: float, rate: float, **also: float) -> list[dict[str, Decision]]:
        return [self.step(rate, **also) for _ in range(round(seconds / STEP_S))]

    def _births(self, name: str) -> tuple[Birth, ...]:
        up = self.ready(name)
        return tuple(
            Birth(at_s, at_s + self.start_s if n < up else None) for n, at_s in enumerate(sorted(self.births[name]))
        )

    def _follow(self, decision: Decision) -> None:
        alive = self.births[decision.key.name]
        wanted = len(alive) if decision.desired is None else decision.desired
        alive += [self.now_s] * max(wanted - len(alive), 0)
        del alive[wanted:]


def desired(found: Mapping[str, Decision]) -> dict[str, int | None]:
    return {name: decision.desired for name, decision in found.items()}


def test_running_replicas_are_exchanged_for_cheaper_ones_without_a_gap() -> None:
    fleet = Cluster((SMALL, LARGE), {"small": 12, "large": 0})

    passes = fleet.run(1500, 7.0)

    capacity = {name: decision.capacity_per_s or 0.0 for name, decision in passes[0].items()}
    assert desired(passes[0]) == {"small": 12, "large": 0}
    assert (passes[-1]["small"].desired or 0) < 3
    assert (passes[-1]["large"].desired or 0) >= 1
    both = [found for found in passes if (found["large"].desired or 0) and (found["small"].desired or 0) >= 9]
    assert len(both) >= 4  # while the large ones start
    assert capacity["large"] > 2 * capacity["small"]


@pytest.mark.unmeasured
def test_what_finds_no_place_is_served_elsewhere_at_once_given_up_later_and_tried_again() -> None:
    fleet = Cluster((SMALL, replace(LARGE, cost_per_replica_per_h=200.0)), {"small": 2, "large": 0})
    fleet.run(330, 1.2)
    fleet.full = {"small": fleet.now_s}

    passes = fleet.run(900, 4.0)

    spilled = [found for found in passes if found["large"].this_pass is DecisionReason.SPILL]
    gave_up = [found for found in passes if found["small"].this_pass is DecisionReason.SPILL]
    assert spilled[0] in passes[1:3]
    assert spilled[0]["large"].summary.startswith("0 -> 1: in place of small; ")
    assert LimitReason.STUCK_PENDING in {found["small"].limited.reason for found in gave_up}
    assert gave_up[-1]["small"].desired == 2
    assert fleet.memory.experiences[SMALL.key].is_away(fleet.now_s)

    fleet.full = {}
    back = fleet.run(3000, 1.2)

    assert any(found["small"].this_pass is DecisionReason.RETURN for found in back)


def test_who_found_no_place_is_not_asked_for_as_long_as_was_said() -> None:
    large = replace(LARGE, cost_per_replica_per_h=200.0)
    fleet = Cluster((SMALL, large), {"small": 2, "large": 0}, Config(retry_after_s=40.0))
    fleet.run(330, 1.2)
    fleet.full = {"small": fleet.now_s}

    fleet.run(900, 4.0)

    outage = fleet.memory.experiences[SMALL.key].outage
    assert outage is not None
    assert outage.until_s - outage.since_s == 40.0 * min(2 ** (outage.times - 1), 4)


def test_who_finds_no_place_stays_asked_while_nobody_else_has_room_for_all() -> None:
    large = replace(LARGE, cost_per_replica_per_h=200.0, max_replicas=1)
    fleet = Cluster((SMALL, large), {"small": 2, "large": 0})
    fleet.run(330, 1.2)
    fleet.full = {"small": fleet.now_s}

    passes = fleet.run(1500, 100.0)

    assert passes[-1]["large"].desired == 1
    assert (passes[-1]["small"].desired or 0) > 2
    assert all(found["small"].this_pass is not DecisionReason.SPILL for found in passes)
    assert not fleet.memory.experiences[SMALL.key].is_away(fleet.now_s)


def test_zero_takes_the_agreement_of_every_source_for_as_long_as_was_asked() -> None:
    one = replace(SMALL, min_replicas=0)
    fleet = Cluster((one,), {"small": 1}, config=Config(idle_before_zero_s=300.0))
    fleet.run(120, 0.5)

    quiet = fleet.run(420, 0.0)

    assert [found["small"].desired for found in quiet[:19]] == [1] * 19
    assert quiet[-1]["small"].desired == 0
    assert quiet[-1]["small"].reason is DecisionReason.TO_ZERO
    assert quiet[-1]["small"].summary == "1 -> 0: nothing queued, running or arriving for 5 min in router and engines"


@pytest.mark.parametrize(
    "unlike",
    [
        pytest.param(lambda fleet: fleet.step(0.0, router=False), id="no router tells"),
        pytest.param(lambda fleet: fleet.step(0.0, waiting=1.0), id="one request waits"),
        pytest.param(lambda fleet: fleet.step(0.1), id="one arrives"),
    ],
)
def test_one_source_that_disagrees_begins_the_wait_anew(unlike: Callable[[Cluster], object]) -> None:
    fleet = Cluster((SMALL,), {"small": 1}, config=Config(idle_before_zero_s=300.0))
    fleet.run(285, 0.0)

    unlike(fleet)

    assert all(found["small"].desired == 1 for found in fleet.run(285, 0.0))


def test_without_a_router_the_last_replica_stays_and_that_is_told() -> None:
    fleet = Cluster((SMALL,), {"small": 1}, config=Config(idle_before_zero_s=60.0))

    found = [fleet.step(0.0, router=False) for _ in range(60)][-1]

    assert (found["small"].desired, found["small"].limited.reason) == (1, LimitReason.NO_WAKE_SOURCE)


def test_no_exchange_begins_on_the_way_to_zero() -> None:
    """A cheaper one would be up just in time to be given up."""
    fleet = Cluster((SMALL, LARGE), {"small": 0, "large": 1}, config=Config(idle_before_zero_s=900.0))
    fleet.run(330, 3.0)

    quiet = fleet.run(960, 0.0)

    assert all(found["small"].desired == 0 for found in quiet)
    assert quiet[-1]["large"].desired == 0


def test_a_request_that_waits_wakes_the_cheapest_variant_alone() -> None:
    fleet = Cluster((SMALL, LARGE), {"small": 0, "large": 0}, config=Config(idle_before_zero_s=60.0))

    asleep, woken = fleet.step(0.0), fleet.step(0.0, waiting=2.0)

    assert desired(asleep) == {"small": 0, "large": 0}
    assert desired(woken) == {"small": 1, "large": 0}
    assert woken["small"].reason is DecisionReason.FROM_ZERO
    assert woken["small"].optimization.reason is OptimizationReason.SCALE_FROM_ZERO


def test_a_change_tells_what_was_weighed_and_when_it_would_be_another() -> None:
    fleet = Cluster((SMALL, LARGE), {"small": 1, "large": 0})

    found = fleet.step(2.0)["small"]

    assert found.reasoning is not None
    assert found.reasoning.arriving_per_s == 2.0
    assert found.reasoning.horizon_s == 180.0
    assert found.reasoning.binds == "attainment"
    assert found.reasoning.candidates[0].replicas == (("small", found.desired), ("large", 0))
    assert len(found.reasoning.candidates) > 1
    assert found.reasoning.fewer == (found.desired or 0) - 1
    assert (found.reasoning.below_per_s or 0.0) < (found.need_per_s or 0.0) <= (found.reasoning.above_per_s or 0.0)


@pytest.mark.parametrize(("more", "expected"), [(1.0, 3), (1.029, 3), (1.032, 4)], ids=["enough", "nearly", "short"])
def test_nothing_starts_for_less_than_is_known_of_a_capacity(more: float, expected: int) -> None:
    chat = replace(SMALL, min_replicas=1)
    rate = 3 * PER_REPLICA / ROOM * more

    found = decide_one(observe(chat, targets={chat.key: target(chat, 3)}, seen=rows(chat, 3, total=rate)))

    assert found.desired == expected


def test_the_slowest_start_keeps_replicas_and_the_strictest_target_makes_room() -> None:
    """A mix gives nothing up before the slowest could be back, and keeps room for who may wait the least."""

    def found(ttft_s: float) -> Decision:
        hasty = replace(SMALL, startup_time_s=60.0)
        patient = replace(LARGE, startup_time_s=240.0, slo=SloOverride(ttft_s=ttft_s, tpot_s=0.024))
        return Cluster((hasty, patient), {"small": 1, "large": 0}).step(2.0)["small"]

    strict, loose = found(SMALL.slo.ttft_s or 0.0), found(30.0)

    assert strict.reasoning is not None
    assert strict.reasoning.window_s == 240.0
    assert loose.need_per_s == strict.need_per_s


@pytest.mark.parametrize("start_s", [120.0, 180.0])
@pytest.mark.unmeasured
def test_what_fell_at_once_is_kept_as_long_after_it_as_one_takes_to_start(start_s: float) -> None:
    """A minute of it hides in the mean of the rates, another tells it from chance: neither is waited for once more."""
    fleet = Cluster((replace(SMALL, min_replicas=1),), {"small": 12}, start_s=start_s)
    fleet.run(900, 7.0)

    passes = [fleet.step(max(7.0 - 5.0 * number / 4, 2.0)) for number in range(40)]

    kept = [found["small"].desired or 0 for found in passes]
    went_s = STEP_S * next(number for number, replicas in enumerate(kept) if replicas < kept[0])
    assert went_s == pytest.approx(start_s, abs=2 * STEP_S)
    assert kept == sorted(kept, reverse=True)
