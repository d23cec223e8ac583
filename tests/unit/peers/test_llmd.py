"""llm-d's recipes against hand-computed numbers, as shipped and as meant."""

from dataclasses import replace

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.engine.steptime import GPUS
from penstock.peers import llmd
from penstock.peers.all import rival
from penstock.peers.hpa import SYNC_S
from penstock.peers.profile import prefill_per_s
from penstock.sim.policies import Counts, FirstToken, Policy, Seen, Served
from penstock.sim.scene import Scene

SCENE = scene(spec(most=20))


def answers(now_s: float, ttft_s: float, tpot_s: float | None) -> Seen:
    """Four pods that have answered once a second of late."""
    ages = range(50, 0, -1)
    return replace(
        look(now_s, {"l40s": counts(4)}),
        served=[Served(now_s - age, "l40s", 1000, 200, ttft_s, tpot_s) for age in ages],
        first_tokens=[FirstToken(now_s - age, "l40s", ttft_s) for age in ages],
    )


def settle(policy: Policy, seen: Seen, ticks: int = 30) -> int:
    """Ask until windows and rates have passed; the fleet obeys at once."""
    current = seen.fleet["l40s"].wanted
    for tick in range(ticks):
        shown = replace(seen, now_s=tick * SYNC_S, fleet={"l40s": counts(current)})
        current = policy.decide(shown)["l40s"]
    return current


def law(code: str, scene: Scene = SCENE, **knobs: float) -> Policy:
    return rival(code).policy(scene, knobs)


def test_raw_series_as_shipped_ends_at_two_replicas_however_full_they_are() -> None:
    full = [busy(f"p{index}", running=200, waiting=25, kv=1.0) for index in range(4)]

    assert settle(law("B3"), look(0, {"l40s": counts(1)}, rows={"l40s": full})) == 2
    assert settle(law("B3", shipped=0), look(0, {"l40s": counts(1)}, rows={"l40s": full})) == 7  # 4 ÷ .6


def test_raw_series_as_shipped_adds_one_pod_in_three_minutes() -> None:
    policy = law("B3")
    queue = [busy("p0", running=200, waiting=300)]

    wanted: list[int] = []
    for tick in range(14):
        current = wanted[-1] if wanted else 1
        seen = look(tick * SYNC_S, {"l40s": counts(current)}, rows={"l40s": queue})
        wanted.append(policy.decide(seen)["l40s"])

    assert wanted == [2] * 12 + [3] * 2


def test_queue_recipe_waits_five_minutes_unless_guarded() -> None:
    seen = look(0, {"l40s": counts(2)}, in_flight={"l40s": 100})

    assert settle(law("B4"), seen, ticks=20) == 2
    assert settle(law("B4"), seen) == 7  # ⌈100/16⌉
    assert law("B4", style=1).decide(seen) == {"l40s": 4}  # doubled


@pytest.mark.parametrize(
    ("in_flight", "there", "wanted"),
    [
        pytest.param(64, counts(2, starting=2), 4, id="demand of what is there: that"),
        pytest.param(96, counts(2, starting=2), 4, id="demand 6 less two that start, never below what is there"),
        pytest.param(128, counts(2, starting=2), 6, id="demand 8 less two that start"),
    ],
)
def test_queue_guard_discounts_what_starts(in_flight: int, there: Counts, wanted: int) -> None:
    seen = look(0, {"l40s": there}, in_flight={"l40s": in_flight})

    assert law("B4", style=1).decide(seen) == {"l40s": wanted}


def test_saturation_does_not_grow_with_the_fleet_as_shipped() -> None:
    rows = [busy(f"p{index}", running=10, kv=0.72) for index in range(6)]
    seen = look(0, {"l40s": counts(6)}, rows={"l40s": rows})

    shipped, meant = law("B5", window_s=0), law("B5", window_s=0, value=1)

    assert settle(shipped, seen) == 2  # ⌈.9 ÷ .7⌉
    assert meant.decide(seen) == {"l40s": 8}  # ⌈6 · .9 ÷ .7⌉


def test_an_empty_pool_is_saturated() -> None:
    assert law("B5", window_s=0).decide(look(0, {"l40s": counts(1)})) == {"l40s": 2}


@pytest.mark.parametrize(("window_s", "wanted"), [(300.0, 1), (0.0, 5)], ids=["five minutes", "the HPA's own"])
def test_saturation_recipe_waits_or_leaves_it_to_the_hpa(window_s: float, wanted: int) -> None:
    seen = look(0, {"l40s": counts(1)}, in_flight={"l40s": 160})

    assert law("B5", window_s=window_s).decide(seen) == {"l40s": wanted}  # ten are wanted, four more at a time


def test_tokens_become_seconds_of_prefill_by_the_speed_of_the_engine() -> None:
    per_s = prefill_per_s(SCENE.variants[0])
    seen = look(0, {"l40s": counts(2)}, rows={"l40s": [busy("p0", running=1, kv=0.2)]})
    backlog = replace(seen, router=replace(seen.router, in_flight_tokens=round(5.5 * per_s)))
    cache = look(0, {"l40s": counts(2)}, rows={"l40s": [busy(f"p{index}", running=1, kv=0.9) for index in range(3)]})

    assert law("B6", paced=0).decide(backlog) == {"l40s": 4}  # 5.5 s ÷ 1.5 s
    assert law("B6", paced=0).decide(cache) == {"l40s": 4}  # 2.7 ÷ .8
    assert law("B6").decide(backlog) == {"l40s": 3}  # one pod in three minutes


def test_speed_of_prefill_is_the_one_that_the_guide_calibrated() -> None:
    qwen_on_two_h100 = replace(spec("h100", "H100"), cost=GPUS["H100-TP2-32B"], token_budget=8192)

    assert prefill_per_s(qwen_on_two_h100) == pytest.approx(15_928, rel=0.03)


@pytest.mark.parametrize(
    ("s", "there", "wanted"),
    [
        pytest.param(0.5, counts(6), 6, id="within the band it holds"),
        pytest.param(0.55, counts(6), 6, id="the edge belongs to it"),
        pytest.param(0.66, counts(6), 8, id="⌈6·(.66/.55 - 1)⌉ = 2 more"),
        pytest.param(2.0, counts(3, starting=3), 11, id="half of them ready: half of the excess"),
        pytest.param(0.6, counts(3, starting=3), 4, id="the credit can even ask for fewer"),
        pytest.param(0.2, counts(6), 3, id="half of .4: half of them"),
        pytest.param(0.0, counts(6), 0, id="idle: none"),
    ],
)
def test_slo_aware_formula(s: float, there: Counts, wanted: int) -> None:
    assert llmd.slo_wanted(s, there, 0.55, 0.40) == wanted


def test_slo_aware_takes_the_worse_latency_clamped_and_averaged_over_three_rules() -> None:
    policy = law("B7")

    calm = [policy.decide(answers(at_s, 0.9, 0.045))["l40s"] for at_s in (0, 15)]
    # one sample of 90 times the target: (0.45 + 0.45 + 2) / 3 = .967, less than a mean of 30 would be
    spike = policy.decide(answers(30, 180.0, 0.045))["l40s"]
    later = policy.decide(answers(60, 180.0, 0.045))["l40s"]

    assert calm == [4, 4]
    assert spike == 4  # the window of 30 s still holds a lower wish
    assert later == 8  # max(100 %, 4) in a minute


def test_slo_aware_reads_silence_as_idle_and_drains_one_pod_in_two_minutes() -> None:
    policy = law("B7")
    policy.decide(answers(0, 0.9, 0.045))

    wanted, current = [], 4
    for tick in range(1, 30):
        current = policy.decide(look(tick * SYNC_S, {"l40s": counts(current)}))["l40s"]
        wanted.append(current)

    assert wanted[:11] == [4] * 11
    assert wanted[11:19] == [3] * 8
    assert wanted[19:27] == [2] * 8


def test_slo_aware_judges_single_tokens_by_their_first() -> None:
    policy = law("B7")

    wanted = [policy.decide(answers(at_s, 4.0, None))["l40s"] for at_s in (0, 30)]

    assert wanted[-1] == 8
