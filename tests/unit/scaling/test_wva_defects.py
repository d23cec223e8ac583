"""What WVA, AIBrix and their like were found or reported to do wrong: no analyser of ours may do it.

Each test is named after what it prevents; `test_defects` has those of WVA that concern one variant or its status.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from tests.unit.scaling.scene import (
    MODEL,
    NOW,
    PROFILE,
    by_name,
    decide_one,
    idle_row,
    known,
    observe,
    remembering,
    row,
    target,
    variant,
)

from penstock.domain.catalogue import Catalogue, ModelScope, SaturationThresholds
from penstock.domain.observations import Birth, Inflow, Observation, PodMetrics, Target
from penstock.domain.readings import ABSENT
from penstock.domain.reasons import LimitReason
from penstock.domain.variants import ObjectKey, Variant
from penstock.scaling.config import Analyzer, Config, Quota
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

CHAT = variant()
HERE = ModelScope("llm", MODEL)
EVERY_LAW = pytest.mark.parametrize("law", list(Analyzer))


def pod(of: Variant, number: int = 0, *, load: float, at_s: float = NOW, **changes: Any) -> PodMetrics:
    """Return what a pod reports at a load: 1 is what its profile serves, and 80 % of its cache."""
    seen = {
        "kv_usage_ratio": known(min(0.8 * load, 1.0), at_s),
        "kv_capacity_tokens": known(16_000, at_s),
        "waiting": known(max(load - 1, 0) * 10, at_s),
        "running": known(4 * min(load, 1.0), at_s),
    }
    return row(of, number, rate=0.8 * load, at_s=at_s, **(seen | changes))


def pods(of: Variant, count: int, *, load: float, at_s: float = NOW, **changes: Any) -> list[PodMetrics]:
    return [pod(of, number, load=load, at_s=at_s, **changes) for number in range(count)]


def desired(observation: Observation, law: Analyzer, *past: tuple[Variant, int], **config: Any) -> dict[str, int]:
    found = by_name(observation, remembering(*past), Config(analyzer=law, **config))
    return {name: decision.desired or 0 for name, decision in found.items()}


def at(of: Variant, count: int, **changes: Any) -> Mapping[ObjectKey, Target]:
    return {of.key: target(of, count, **changes)}


def numbers(
    law: Analyzer, passes: int, look: Callable[[int, float, Mapping[str, int]], Observation], **config: Any
) -> list[dict[str, int]]:
    """Return what is desired, pass by pass, of a world that may heed the numbers of the pass before."""
    memory, found = Memory(), list[dict[str, int]]()
    for step in range(passes):
        observation = look(step, NOW + 15 * step, found[-1] if found else {})
        decisions, memory = decide(observation, memory, Config(analyzer=law, **config))
        found.append({decision.key.name: decision.desired or 0 for decision in decisions})
    return found


# --- WVA, October 2025 and February 2026


def test_work_does_not_grow_with_the_square_of_the_objects() -> None:
    """Every object's reconcile went through all of them."""

    def calls(models: int) -> int:
        ours = [variant(f"v{number}", model=f"m{number}") for number in range(models)]
        observation = observe(*ours, seen=[pod(one, load=0.5) for one in ours])
        decide(observation, Memory(), Config())
        counted = 0

        def count(_frame: object, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event == "call"

        sys.setprofile(count)
        try:
            decide(observation, Memory(), Config())
        finally:
            sys.setprofile(None)
        return counted

    assert calls(40) < 2.2 * calls(20)


@EVERY_LAW
def test_a_quota_binds_every_analyser(law: Analyzer) -> None:
    """The limiter knew the first analyser alone."""
    quota = Quota(accelerator="A100", max_accelerators=2)
    observation = observe(CHAT, targets=at(CHAT, 2), seen=pods(CHAT, 2, load=2.0))

    decision = decide_one(observation, remembering((CHAT, 2)), Config(analyzer=law, quotas=(quota,)))

    assert (decision.desired, decision.limited.reason) == (2, LimitReason.QUOTA)
    assert desired(observation, law, (CHAT, 2))["chat"] > 2


@EVERY_LAW
def test_equal_pools_in_two_namespaces_do_not_share_a_line(law: Analyzer) -> None:
    """Pools were looked up by their name alone."""
    other = variant("other", namespace="elsewhere")
    observation = observe(CHAT, other, seen=[pod(CHAT, load=0.4), pod(other, load=0.4)])
    scope = ModelScope("elsewhere", MODEL)

    found = desired(replace(observation, inflows={scope: Inflow(waiting=known(99))}), law, (CHAT, 1), (other, 1))

    assert (found["chat"], found["other"] > 1) == (1, True)


@EVERY_LAW
def test_an_idle_variant_may_take_over(law: Analyzer) -> None:
    """Variants without replicas were left out, so that nothing could spill to them."""
    full = variant("full", max_replicas=1, cost_per_replica_per_h=1.0)
    idle = variant("idle", min_replicas=0)

    found = desired(
        observe(full, idle, targets=dict(at(full, 1)) | dict(at(idle, 0)), seen=[pod(full, load=2.0)]),
        law,
        (full, 1),
        (idle, 0),
    )

    assert (found["full"], found["idle"] > 0) == (1, True)


@pytest.mark.parametrize("law", [Analyzer.SATURATION_V1, Analyzer.SATURATION_V2])
def test_an_override_without_thresholds_is_whole(law: Analyzer) -> None:
    """One that only named the second analyser failed its validation, since defaults came too late."""
    only = Catalogue(saturation={ModelScope("", MODEL): SaturationThresholds(analyzer=law)})
    observation = observe(CHAT, targets=at(CHAT, 2), seen=pods(CHAT, 2, load=1.2), catalogue=only)

    assert desired(observation, Analyzer.SLO, (CHAT, 2))["chat"] == 3


# --- what users of WVA asked for


@pytest.mark.parametrize(
    ("law", "gone", "why"),
    [
        pytest.param(Analyzer.SLO, "completed_per_s", "one sample only", id="slo, rate"),
        pytest.param(Analyzer.SATURATION_V1, "kv_usage_ratio", None, id="v1, cache"),
        pytest.param(Analyzer.SATURATION_V1, "waiting", None, id="v1, line"),
        pytest.param(Analyzer.SATURATION_V2, "kv_usage_ratio", None, id="v2, cache"),
        pytest.param(Analyzer.SATURATION_V2, "waiting", None, id="v2, line"),
    ],
)
def test_a_pod_that_lacks_a_series_is_not_taken_for_idle(law: Analyzer, gone: str, why: str | None) -> None:
    """A missing gauge counted as zero (#360)."""
    absent: dict[str, Any] = {gone: ABSENT if why is None else replace(ABSENT, why=why)}
    blind = replace(pod(CHAT, 1, load=0.0), **absent)
    observation = observe(CHAT, targets=at(CHAT, 2), seen=[pod(CHAT, load=0.1), blind])

    assert desired(observation, law, (CHAT, 2)) == {"chat": 2}


@EVERY_LAW
def test_series_of_dead_pods_raise_and_keep_nothing(law: Analyzer) -> None:
    """They linger, and scaled up without any load (#380, #385)."""
    dead = [pod(CHAT, number, load=3.0) for number in (7, 8)]
    observation = observe(CHAT, targets=at(CHAT, 2), seen=[*pods(CHAT, 2, load=0.1), *dead])

    assert desired(observation, law, (CHAT, 2)) == {"chat": 1}


@EVERY_LAW
def test_a_line_before_half_empty_caches_is_seen(law: Analyzer) -> None:
    """A model that computes much and keeps little dropped requests at 16 % of its cache (#1500)."""
    bound = pods(CHAT, 2, load=1.0, kv_usage_ratio=known(0.16), waiting=known(40), input_tokens=known(2000))

    assert desired(observe(CHAT, targets=at(CHAT, 2), seen=bound), law, (CHAT, 2))["chat"] > 2


@EVERY_LAW
def test_what_waits_in_pickers_is_seen(law: Analyzer) -> None:
    """Flow control shields engines from a line, and so it shielded the scaler, too (#813)."""
    calm = observe(CHAT, targets=at(CHAT, 2), seen=pods(CHAT, 2, load=0.45))

    assert desired(replace(calm, inflows={HERE: Inflow(waiting=known(200))}), law, (CHAT, 2))["chat"] > 2


@EVERY_LAW
def test_a_variant_owned_by_nobody_else_is_moved_every_pass(law: Analyzer) -> None:
    """Objects of a kind were only looked at when something touched them (#324, #1018)."""
    found = numbers(
        law,
        3,
        lambda step, now_s, _: observe(
            CHAT, targets=at(CHAT, 1), seen=[pod(CHAT, load=2.0 if step else 0.1, at_s=now_s)], now_s=now_s
        ),
    )

    assert found[0]["chat"] == 1
    assert found[1]["chat"] > 1


def test_slow_starts_are_run_ahead_of() -> None:
    """With minutes to a start, what is needed now comes too late (#1071)."""

    def last(startup_s: float) -> int:
        slow = replace(CHAT, startup_time_s=startup_s)
        ramp = numbers(
            Analyzer.SLO,
            20,
            lambda step, now_s, _: observe(
                slow, targets=at(slow, 4), seen=pods(slow, 4, load=0.3 + 0.03 * step, at_s=now_s), now_s=now_s
            ),
        )
        return ramp[-1]["chat"]

    assert last(400.0) > last(20.0)


@EVERY_LAW
@pytest.mark.unmeasured
def test_nothing_is_shed_at_once(law: Analyzer) -> None:
    """There was no window of its own (#1352)."""

    def look(step: int, now_s: float, before: Mapping[str, int]) -> Observation:
        there = before.get("chat", 6)
        load = (3.6 if step < 3 else 0.3) / there
        return observe(CHAT, targets=at(CHAT, there), seen=pods(CHAT, there, load=load, at_s=now_s), now_s=now_s)

    counts = [pass_["chat"] for pass_ in numbers(law, 120, look)]

    window_s = 180 if law is Analyzer.SLO else 300  # of starts they know nothing
    assert min(counts[: window_s // 15]) >= 6
    assert counts[-1] < 3


@EVERY_LAW
def test_a_least_of_zero_is_not_read_as_one(law: Analyzer) -> None:
    """`min: 0` became 1 (#1338), and zero was never reached."""
    free = replace(CHAT, min_replicas=0)

    def look(_step: int, now_s: float, _before: Mapping[str, int]) -> Observation:
        calm = observe(free, seen=[idle_row(free, at_s=now_s)], now_s=now_s)
        return replace(calm, inflows={HERE: Inflow(waiting=known(0, now_s), arrivals_per_s=known(0, now_s))})

    found = numbers(law, 6, look, idle_before_zero_s=60.0)

    assert [pass_["chat"] for pass_ in found] == [1, 1, 1, 1, 0, 0]


@EVERY_LAW
def test_start_ups_that_fail_are_not_counted_on_for_ever(law: Analyzer) -> None:
    """A model waited for replicas of one variant that never came (#769), while another had room."""
    cheap, dear = variant("cheap", cost_per_replica_per_h=1.0), variant("dear", cost_per_replica_per_h=50.0)

    def look(_step: int, now_s: float, before: Mapping[str, int]) -> Observation:
        wanted, others = before.get("cheap", 1), before.get("dear", 1)
        born = (Birth(NOW - 999, NOW - 900), *(Birth(NOW, None) for _ in range(wanted - 1)))
        never = target(cheap, wanted, ready=1, starting=wanted - 1, births=born)
        there = dict(at(dear, others)) | {cheap.key: never}
        load = 2.4 / (1 + others)
        return observe(
            cheap,
            dear,
            targets=there,
            now_s=now_s,
            seen=[pod(cheap, load=load, at_s=now_s), *pods(dear, others, load=load, at_s=now_s)],
        )

    found = numbers(law, 60, look, startup_prior_s=60.0)

    assert found[-1]["dear"] > 1


# --- AIBrix


@pytest.mark.parametrize("law", [Analyzer.SLO, Analyzer.SATURATION_V2])  # the first one's step is one, by its law
def test_the_mean_of_a_pod_is_not_the_need_of_a_fleet(law: Analyzer) -> None:
    """A mean over pods was divided by the target, without regard to how many there are."""
    small = desired(observe(CHAT, targets=at(CHAT, 4), seen=pods(CHAT, 4, load=1.5)), law, (CHAT, 4))
    large = desired(observe(CHAT, targets=at(CHAT, 8), seen=pods(CHAT, 8, load=1.5)), law, (CHAT, 8))

    assert large["chat"] - 8 >= 1.5 * (small["chat"] - 4) > 0


@EVERY_LAW
def test_one_low_sample_sheds_nothing(law: Analyzer) -> None:
    """The window took its minimum where an HPA takes its maximum, and a surge that paused shed what it had."""
    found = numbers(
        law,
        24,
        lambda step, now_s, _: observe(
            CHAT, targets=at(CHAT, 6), seen=pods(CHAT, 6, load=0.0 if step == 12 else 0.9, at_s=now_s), now_s=now_s
        ),
    )

    assert all(later["chat"] >= earlier["chat"] for earlier, later in pairwise(found))


@EVERY_LAW
def test_what_starts_is_not_asked_for_again(law: Analyzer) -> None:
    """There was no guard for pending pods: each pass asked for as many again."""

    def look(_step: int, now_s: float, before: Mapping[str, int]) -> Observation:
        wanted = before.get("chat", 2)
        there = target(CHAT, wanted, ready=2, starting=wanted - 2)
        return observe(CHAT, targets={CHAT.key: there}, seen=pods(CHAT, 2, load=1.0, at_s=now_s), now_s=now_s)

    found = numbers(law, 8, look)

    assert found[-1]["chat"] == found[1]["chat"] <= 4


def test_a_trend_counts() -> None:
    """Trend and confidence were there and always the same."""

    def last(loads: Sequence[float]) -> int:
        return numbers(
            Analyzer.SLO,
            len(loads),
            lambda step, now_s, _: observe(
                CHAT, targets=at(CHAT, 8), seen=pods(CHAT, 8, load=loads[step], at_s=now_s), now_s=now_s
            ),
        )[-1]["chat"]

    assert last([0.2 + 0.06 * step for step in range(12)]) > last([0.86] * 12)


# --- what users of many autoscalers complain about


@EVERY_LAW
@pytest.mark.unmeasured
def test_a_load_that_wavers_does_not_stir_the_fleet(law: Analyzer) -> None:
    """Flapping: each change of direction pays a start-up."""

    def look(step: int, now_s: float, before: Mapping[str, int]) -> Observation:
        there = max(before.get("chat", 3), 1)
        load = (2.2 if step % 2 else 1.6) / there
        return observe(CHAT, targets=at(CHAT, there), seen=pods(CHAT, there, load=load, at_s=now_s), now_s=now_s)

    counts = [pass_["chat"] for pass_ in numbers(law, 80, look)]
    moves = [later - earlier for earlier, later in pairwise(counts) if later != earlier]
    reversals = sum(one * other < 0 for one, other in pairwise(moves))

    assert reversals <= 1


def test_a_profile_for_two_accelerators_is_not_priced_as_one() -> None:
    """The price of a replica forgot how many accelerators it takes."""
    twice = variant("twice", cost_per_replica_per_h=None, profiles=(replace(PROFILE, accelerators_per_replica=2),))
    other = replace(PROFILE, accelerator="H100")
    once = variant("once", cost_per_replica_per_h=None, accelerator="H100", profiles=(other,))
    prices = Catalogue(unit_costs_per_h={"A100": 40.0, "H100": 60.0})
    there = dict(at(twice, 1)) | dict(at(once, 1))

    found = desired(
        observe(twice, once, targets=there, seen=[pod(twice, load=1.5), pod(once, load=1.5)], catalogue=prices),
        Analyzer.SLO,
        (twice, 1),
        (once, 1),
    )

    assert found["once"] > found["twice"]
