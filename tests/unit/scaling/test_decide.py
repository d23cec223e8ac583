"""The whole decision, one calm scene and what changes in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import (
    NOW,
    ROOM,
    by_name,
    decide_one,
    idle_row,
    known,
    missing,
    observe,
    remembering,
    row,
    rows,
    target,
    variant,
)

from penstock.domain.catalogue import Catalogue, ConfigProblem, ModelScope
from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation, ScrapeProblem
from penstock.domain.readings import Absent
from penstock.domain.reasons import (
    ActiveReason,
    DecisionReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    TargetReason,
)
from penstock.domain.variants import Actuation, ObjectKey, Schedule, SloOverride
from penstock.scaling.config import Analyzer, Config, Quota
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

CHAT = variant()
UNKNOWN = {"capacity": "unknown", "model": CHAT.model, "accelerator": "A100"}


def serving(total: float, current: int = 1, **changes: Any) -> Observation:
    """Return CHAT with `current` replicas that serve `total` requests per second."""
    at = {CHAT.key: target(CHAT, current)}
    return observe(CHAT, targets=at, seen=rows(CHAT, current, total=total), **changes)


@pytest.mark.parametrize(
    ("total", "current", "desired", "reason"),
    [
        pytest.param(0.5, 1, 1, DecisionReason.STEADY, id="one suffices"),
        pytest.param(1.0, 1, 2, DecisionReason.DEMAND_UP, id="60 rpm a replica are too many"),
        pytest.param(30.0, 2, 12, DecisionReason.DEMAND_UP, id="WVA's 1800 rpm, ten more at a time"),
        pytest.param(0.5, 3, 1, DecisionReason.DEMAND_DOWN, id="two too many"),
    ],
)
def test_replicas_follow_demand(total: float, current: int, desired: int, reason: DecisionReason) -> None:
    decision = decide_one(serving(total, current), remembering((CHAT, current)))

    assert (decision.desired, decision.this_pass, decision.computed) == (desired, reason, True)
    assert decision.optimization.reason is OptimizationReason.SUCCEEDED


def test_the_summary_says_what_is_true_of_this_pass() -> None:
    plain = decide_one(serving(1.8, 2), remembering((CHAT, 2)))
    at = {CHAT.key: target(CHAT, 2)}
    waiting = observe(CHAT, targets=at, seen=rows(CHAT, 2, total=1.0, waiting=known(45)))

    assert plain.summary == ("2 -> 3: 2.2 req/s expected in 180 s, one replica serves 0.83 req/s within the SLO")
    assert decide_one(waiting, remembering((CHAT, 2))).summary == (
        "2 -> 4: 2.7 req/s expected in 180 s (1.2 req/s arriving by then, the rest to work off the line), "
        "one replica serves 0.83 req/s within the SLO"
    )


def test_a_counter_at_rest_says_that_nothing_arrives() -> None:
    decision = decide_one(serving(0.0))

    assert (decision.desired, decision.metrics.reason) == (1, MetricsReason.FOUND)
    assert decision.summary == "1: nothing arrives or waits"


def test_idle_engines_are_no_missing_metrics() -> None:
    decision = decide_one(observe(CHAT, seen=[idle_row(CHAT)]))

    assert (decision.desired, decision.computed) == (1, True)
    assert decision.metrics.reason is MetricsReason.NO_TRAFFIC
    assert decision.alloc.arrival_per_s == 0.0
    assert decision.alloc.ttft_s is None
    assert decision.summary == "1: nothing arrives or waits"


def test_each_variant_says_what_it_lacks_to_be_sized() -> None:
    bare = variant("bare", profiles=())
    running = replace(idle_row(CHAT), running=known(1))

    asleep = by_name(observe(CHAT, bare, seen=[idle_row(CHAT), idle_row(bare)]))
    at_first = by_name(observe(CHAT, bare, seen=[replace(running, waiting=known(1)), idle_row(bare)]))
    later = by_name(observe(CHAT, bare, seen=[row(CHAT), idle_row(bare)]))
    chosen = by_name(observe(CHAT, seen=[running]), config=Config(analyzer=Analyzer.SATURATION_V1))

    assert [dict(found["chat"].optimization.facts) for found in (asleep, at_first, later, chosen)] == [
        {}, {"lengths": "unknown"}, {}, {},
    ]  # fmt: skip
    assert [dict(found["bare"].optimization.facts) for found in (asleep, at_first, later)] == 3 * [UNKNOWN]
    assert chosen["chat"].optimization.reason is OptimizationReason.SATURATION_ONLY


def test_a_line_before_the_first_finished_request_is_judged_by_gauges() -> None:
    crowded = replace(idle_row(CHAT), waiting=known(9), kv_usage_ratio=known(0.95))

    decision = decide_one(observe(CHAT, seen=[crowded]))

    assert decision.desired == 2
    assert decision.optimization == Verdict(OptimizationReason.SATURATION_ONLY, {"lengths": "unknown"})


def test_without_a_profile_saturation_decides() -> None:
    bare = replace(CHAT, profiles=())
    full = row(bare, waiting=known(6), kv_usage_ratio=known(0.9))

    decision = decide_one(observe(bare, seen=[full]))

    assert decision.desired == 2
    assert decision.optimization == Verdict(OptimizationReason.SATURATION_ONLY, UNKNOWN)
    assert decision.summary == "1 -> 2: 90% of the KV cache and 6.0 requests in line per engine of the model"


BAD_DATA: list[Any] = [
    pytest.param(lambda _: observe(CHAT, targets={CHAT.key: target(CHAT, 4)}), MetricsReason.MISSING, id="missing"),
    pytest.param(
        lambda _: observe(CHAT, targets={CHAT.key: target(CHAT, 4)}, seen=rows(CHAT, 4, total=0.1, at_s=NOW - 400)),
        MetricsReason.STALE,
        id="stale",
    ),
    pytest.param(
        lambda _: observe(
            CHAT,
            targets={CHAT.key: target(CHAT, 4)},
            seen=rows(CHAT, 4, total=0.1, running=Absent("value is nan", impossible=True)),
        ),
        MetricsReason.INVALID,
        id="impossible",
    ),
    pytest.param(
        lambda _: observe(CHAT, targets={CHAT.key: target(CHAT, 4)}, seen=rows(CHAT, 4, total=0.1, model="other")),
        MetricsReason.MODEL_NAME_MISMATCH,
        id="another name",
    ),
    pytest.param(
        lambda _: observe(
            CHAT,
            targets={CHAT.key: target(CHAT, 4)},
            problem=ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="http://p", cause="timeout"),
        ),
        MetricsReason.PROMETHEUS_UNREACHABLE,
        id="Prometheus away",
    ),
]


@pytest.mark.parametrize(("scene", "reason"), BAD_DATA)
def test_bad_data_hold_the_last_decision(scene: Callable[[None], Observation], reason: MetricsReason) -> None:
    decision = decide_one(scene(None), remembering((CHAT, 4)))

    assert (decision.desired, decision.computed, decision.this_pass) == (4, False, DecisionReason.HOLD)
    assert decision.metrics.reason is reason
    assert decision.optimization.reason is OptimizationReason.METRICS_UNAVAILABLE
    assert decision.active is not None
    assert decision.active.reason is ActiveReason.HOLDING
    assert decision.decided_at_s == NOW - 3600


@pytest.mark.parametrize(("scene", "reason"), BAD_DATA)
def test_without_any_decision_bad_data_leave_none(scene: Callable[[None], Observation], reason: MetricsReason) -> None:
    decisions, memory = decide(scene(None), Memory(), Config())

    assert (decisions[0].desired, decisions[0].record_id, decisions[0].metrics.reason) == (None, "", reason)
    assert not memory.knows(CHAT.key)


def test_what_was_decided_last_is_told_until_something_changes() -> None:
    up, memory = decide(serving(1.8, 2), remembering((CHAT, 2)), Config())
    steady, _ = decide(
        observe(CHAT, targets={CHAT.key: target(CHAT, 3)}, seen=rows(CHAT, 3, total=1.8), now_s=NOW + 15),
        memory,
        Config(),
    )

    assert (steady[0].reason, steady[0].this_pass) == (DecisionReason.DEMAND_UP, DecisionReason.STEADY)
    assert (steady[0].record_id, steady[0].summary) == (up[0].record_id, up[0].summary)
    assert (steady[0].changed_at_s, steady[0].decided_at_s) == (NOW, NOW + 15)
    assert steady[0].previous == 3


def test_equal_inputs_have_equal_records() -> None:
    first, again = decide_one(serving(2.0, 2)), decide_one(serving(2.0, 2))
    other = decide_one(serving(2.1, 2))

    assert first.record_id == again.record_id
    assert first.record_id != other.record_id
    assert len(first.record_id) == 8


@pytest.mark.parametrize(
    ("startup_s", "chosen_s", "window_s"),
    [
        pytest.param(60.0, None, 60, id="as long as it takes to have one back"),
        pytest.param(900.0, None, 300, id="at most as long as an HPA"),
        pytest.param(60.0, 240.0, 240, id="as somebody chose"),
    ],
)
def test_nothing_falls_before_the_window_is_over(startup_s: float, chosen_s: float | None, window_s: int) -> None:
    memory, numbers = remembering((CHAT, 5), at_s=NOW - 1), []
    config = Config(startup_prior_s=startup_s, scale_down_window_s=chosen_s)

    for step in range(25):
        now_s = NOW + 15 * step
        seen = rows(CHAT, 5, total=0.5, at_s=now_s)
        (decision,), memory = decide(
            observe(CHAT, targets={CHAT.key: target(CHAT, 5)}, seen=seen, now_s=now_s), memory, config
        )
        numbers.append(decision.desired)

    held = window_s // 15
    assert numbers == [5] * held + [1] * (25 - held)


def test_a_first_decision_waits_for_a_window_before_it_lowers() -> None:
    assert decide_one(serving(0.1, 6)).desired == 6


@pytest.mark.parametrize(
    ("changes", "total", "desired", "limited", "reason"),
    [
        pytest.param({"max_replicas": 2}, 3.0, 2, LimitReason.MAX_REPLICAS, DecisionReason.STEADY, id="not above max"),
        pytest.param({"max_replicas": 1}, 3.0, 1, LimitReason.MAX_REPLICAS, DecisionReason.BOUND, id="max was lowered"),
        pytest.param({"min_replicas": 4}, 0.1, 4, LimitReason.MIN_REPLICAS, DecisionReason.BOUND, id="min was raised"),
        pytest.param({"min_replicas": 2}, 0.1, 2, LimitReason.MIN_REPLICAS, DecisionReason.STEADY, id="not below min"),
        pytest.param({"max_replicas": 9}, 2.5, 4, LimitReason.WITHIN, DecisionReason.DEMAND_UP, id="within"),
    ],
)
def test_bounds_bind(
    changes: dict[str, Any], total: float, desired: int, limited: LimitReason, reason: DecisionReason
) -> None:
    one = replace(CHAT, **changes)
    at = {one.key: target(one, 2)}

    decision = decide_one(observe(one, targets=at, seen=rows(one, 2, total=total)), remembering((CHAT, 2)))

    assert (decision.desired, decision.limited.reason, decision.this_pass) == (desired, limited, reason)


def test_a_bound_is_named_with_who_set_it() -> None:
    one = replace(CHAT, max_replicas=1)
    at = {one.key: target(one, 2)}

    decision = decide_one(observe(one, targets=at, seen=rows(one, 2, total=3)), remembering((CHAT, 2)))

    assert decision.limited.facts == {"limit": "maxReplicas 1", "where": "spec"}
    assert decision.summary == "2 -> 1: maxReplicas 1, set in spec"


def test_bounds_need_no_data() -> None:
    one = replace(CHAT, min_replicas=6)

    decision = decide_one(observe(one, targets={one.key: target(one, 4)}), remembering((CHAT, 4)))

    assert (decision.desired, decision.computed, decision.reason) == (6, False, DecisionReason.BOUND)
    assert decision.active is None  # handed over, although metrics are missing


def test_zero_is_refused_while_nothing_could_wake_the_model() -> None:
    one = replace(CHAT, min_replicas=0)

    decision = decide_one(observe(one, seen=[idle_row(one)]), remembering((one, 1)))

    assert (decision.desired, decision.limited.reason) == (1, LimitReason.NO_WAKE_SOURCE)


def test_a_zero_of_somebody_else_stays() -> None:
    at = {CHAT.key: target(CHAT, 0)}

    decision = decide_one(observe(CHAT, targets=at), remembering((CHAT, 3)))

    assert (decision.desired, decision.computed, decision.active) == (0, True, None)
    assert decision.metrics.reason is MetricsReason.NO_REPLICAS
    assert decision.reason is DecisionReason.STEADY or decision.previous == 3


def test_a_written_minimum_brings_a_target_back_from_zero() -> None:
    one = replace(CHAT, min_replicas=2)

    decision = decide_one(observe(one, targets={one.key: target(one, 0)}))

    assert (decision.desired, decision.reason) == (2, DecisionReason.BOUND)


def test_a_zero_that_somebody_ended_is_taken_up_again() -> None:
    asleep, memory = decide(observe(CHAT, targets={CHAT.key: target(CHAT, 0)}), remembering((CHAT, 3)), Config())
    at = {CHAT.key: target(CHAT, 1, ready=0, starting=1)}
    starting, memory = decide(observe(CHAT, targets=at, now_s=NOW + 15), memory, Config())
    serving_again, _ = decide(observe(CHAT, seen=[row(CHAT, at_s=NOW + 30)], now_s=NOW + 30), memory, Config())

    assert [one[0].desired for one in (asleep, starting, serving_again)] == [0, 1, 1]


def test_incomplete_data_may_raise_but_not_lower() -> None:
    at = {CHAT.key: target(CHAT, 4)}
    quiet, busy = [row(CHAT, rate=0.1)], [row(CHAT, rate=9.0)]

    kept = decide_one(observe(CHAT, targets=at, seen=quiet), remembering((CHAT, 4)))
    raised = decide_one(observe(CHAT, targets=at, seen=busy), remembering((CHAT, 4)))

    assert (kept.desired, kept.this_pass) == (4, DecisionReason.HOLD)
    assert raised.desired == 14


def test_full_engines_overrule_the_profile() -> None:
    at = {CHAT.key: target(CHAT, 4)}
    full = observe(CHAT, targets=at, seen=rows(CHAT, 4, total=0.5, kv_usage_ratio=known(0.95)))

    decision = decide_one(full, remembering((CHAT, 4)))

    assert (decision.desired, decision.this_pass) == (4, DecisionReason.GUARD)
    assert decision.optimization.reason is OptimizationReason.SATURATION_OVERRIDE


def test_paused_keeps_its_number_while_decisions_are_computed() -> None:
    one = replace(CHAT, paused=True)
    at = {one.key: target(one, 2)}

    decision = decide_one(observe(one, targets=at, seen=rows(one, 2, total=9.0)), remembering((CHAT, 2)))

    assert (decision.desired, decision.computed) == (2, True)
    assert decision.need_per_s == pytest.approx(9.0 * ROOM)
    assert decision.active is not None
    assert decision.active.reason is ActiveReason.PAUSED


def test_a_foreign_scaler_makes_it_a_recommendation() -> None:
    at = {CHAT.key: target(CHAT, 2, foreign_scaler="HorizontalPodAutoscaler llm/chat")}

    decision = decide_one(observe(CHAT, targets=at, seen=rows(CHAT, 2, total=2.5)))

    assert (decision.desired, decision.mode) == (4, Actuation.RECOMMEND)
    assert decision.active is not None
    assert decision.active.reason is ActiveReason.FOREIGN_SCALER
    assert decision.active.facts == {"manager": "HorizontalPodAutoscaler llm/chat", "target": "Deployment chat"}


def test_recommend_is_nobodys_number() -> None:
    one = replace(CHAT, actuation=Actuation.RECOMMEND)

    decision = decide_one(observe(one, seen=[row(one)]))

    assert decision.active is not None
    assert decision.active.reason is ActiveReason.RECOMMENDING


def test_the_older_of_two_variants_scales_a_shared_target() -> None:
    older = variant("older", created_at_s=NOW - 100, target=CHAT.target)
    younger = variant("younger", created_at_s=NOW - 50, target=CHAT.target)
    twin = variant("same-age", created_at_s=NOW - 100, target=CHAT.target)

    found = by_name(observe(younger, twin, older, seen=[row(CHAT)]))

    assert found["older"].target.reason is TargetReason.FOUND
    assert [found[name].target.reason for name in ("younger", "same-age")] == [TargetReason.SHARED] * 2
    assert found["younger"].target.facts == {"va": "older"}
    assert found["younger"].optimization.reason is OptimizationReason.SKIPPED
    assert found["younger"].desired is None


def test_equal_target_names_in_two_namespaces_are_two_targets() -> None:
    other = variant(namespace="other")

    found = [one.target.reason for one in decide(observe(CHAT, other), Memory(), Config())[0]]

    assert found == [TargetReason.FOUND] * 2


def test_variants_of_another_controller_get_no_decision() -> None:
    theirs = variant("theirs", controller_instance="blue")

    assert list(by_name(observe(CHAT, theirs))) == ["chat"]
    assert list(by_name(observe(CHAT, theirs), config=Config(controller_instance="blue"))) == ["theirs"]


def test_an_excluded_namespace_is_left_alone() -> None:
    catalogue = Catalogue(excluded_namespaces=frozenset({"llm"}))

    decision = decide_one(serving(9.0, 2, catalogue=catalogue), remembering((CHAT, 2)))

    assert (decision.desired, decision.optimization.reason) == (2, OptimizationReason.SKIPPED)


def test_a_bad_entry_is_told_while_the_decision_goes_on() -> None:
    problem = ConfigProblem(configmap="system/c", key="k", field="f", value="v", remedy="mend it")

    decision = decide_one(serving(1.8, 2, catalogue=Catalogue(problems=(problem,))))

    assert (decision.desired, decision.optimization.reason) == (3, OptimizationReason.INVALID_CONFIGURATION)
    assert decision.optimization.facts == {
        "configmap": "system/c",
        "key": "k",
        "field": "f",
        "value": "v",
        "remedy": "mend it",
    }


def test_a_model_in_no_class_is_sized_for_the_default() -> None:
    one = replace(CHAT, slo=SloOverride(), slo_class_ref=ObjectKey("service-classes-config", "premium.yaml"))

    decision = decide_one(observe(one, seen=[row(one)]))

    assert (decision.desired, decision.optimization.reason) == (1, OptimizationReason.NOT_IN_SERVICE_CLASS)
    assert decision.optimization.facts == {"model": "default/default", "configmap": "service-classes-config"}


def test_an_impossible_slo_is_sized_for_throughput() -> None:
    one = replace(CHAT, slo=SloOverride(ttft_s=0.5, tpot_s=0.001))
    at = {one.key: target(one, 2)}

    decision = decide_one(observe(one, targets=at, seen=rows(one, 2, total=2.8)))

    assert decision.optimization.reason is OptimizationReason.SLO_INFEASIBLE
    assert decision.optimization.facts == {"field": "slo.tpot"}
    assert decision.desired == 3  # 1.26 requests/s each
    assert decision.summary.endswith("one replica serves 1.3 req/s at best, slo.tpot cannot be met")


def test_a_target_that_some_are_too_long_for_is_told_and_the_others_are_served_in_time() -> None:
    """Sized for throughput, an engine would have been given more work as soon as its targets got too tight for it."""
    llama = "meta-llama/Llama-3.1-8B-Instruct"
    tight, loose = (
        variant(slo=SloOverride(ttft_s=ttft_s, tpot_s=0.1), profiles=(), accelerator="L40S", model=llama)
        for ttft_s in (0.045, 2.0)
    )

    found, easier = (
        decide_one(observe(one, targets={one.key: target(one, 2)}, seen=rows(one, 2, total=2.8)))
        for one in (tight, loose)
    )

    assert found.optimization.reason is OptimizationReason.SLO_INFEASIBLE
    assert found.optimization.facts == {"field": "slo.ttft", "missed": "by some"}
    assert 0 < (found.capacity_per_s or 0.0) < (easier.capacity_per_s or 0.0)
    assert found.summary.endswith("req/s while some miss slo.ttft however many there are")


def test_a_missing_price_is_told_and_all_count_as_equal() -> None:
    priced = variant("priced", cost_per_replica_per_h=None)
    unpriced = variant("unpriced", cost_per_replica_per_h=None, accelerator="H100", profiles=(), target=CHAT.target)
    catalogue = Catalogue(unit_costs_per_h={"A100": 40.0})

    found = by_name(observe(priced, unpriced, seen=[row(priced), row(unpriced)], catalogue=catalogue))

    assert {one.optimization.reason for one in found.values()} == {OptimizationReason.COST_MISSING}
    assert found["priced"].optimization.facts == {"variants": "unpriced", "accelerator": "H100"}
    assert found["priced"].alloc.cost_per_h == 40.0
    assert found["unpriced"].alloc.cost_per_h is None


def test_an_unreadable_target_is_left_alone() -> None:
    observation = replace(serving(9.0, 2), targets={})

    decision = decide_one(observation, remembering((CHAT, 2)))

    assert (decision.desired, decision.target.reason) == (2, TargetReason.UNREADABLE)


def test_a_missing_target_keeps_the_decision_for_its_return() -> None:
    gone, memory = decide(observe(CHAT, targets={CHAT.key: missing(CHAT)}), remembering((CHAT, 3)), Config())
    back, _ = decide(
        observe(CHAT, targets={CHAT.key: target(CHAT, 3)}, seen=rows(CHAT, 3, total=1.8)), memory, Config()
    )

    assert (gone[0].desired, gone[0].target.reason) == (3, TargetReason.NOT_FOUND)
    assert (back[0].desired, back[0].target.reason) == (3, TargetReason.FOUND)


def test_a_deleted_object_leaves_no_past_to_its_namesake() -> None:
    _, memory = decide(observe(), remembering((CHAT, 4)), Config())
    reborn = replace(CHAT, uid="another")

    assert not memory.knows(CHAT.key)
    assert decide_one(observe(reborn), remembering((CHAT, 4))).desired is None


def test_a_quota_binds_and_is_named() -> None:
    quota = Quota(accelerator="A100", max_accelerators=3, where="quotas")

    decision = decide_one(serving(9.0, 2), remembering((CHAT, 2)), Config(quotas=(quota,)))

    assert (decision.desired, decision.limited.reason) == (3, LimitReason.QUOTA)
    assert decision.limited.facts == {"limit": "quota 3 A100", "where": "quotas"}
    assert "; quota of 3 A100 leaves 8.6" in decision.summary


def test_two_variants_of_one_model_serve_it_together() -> None:
    cheap, dear = variant("cheap", cost_per_replica_per_h=10.0), variant("dear")
    seen = [row(cheap, rate=1.0), row(dear, rate=1.0)]

    found = by_name(observe(cheap, dear, seen=seen))

    assert {name: one.desired for name, one in found.items()} == {"cheap": 2, "dear": 1}
    assert {round(one.need_per_s or 0.0, 3) for one in found.values()} == {round(2.0 * ROOM, 3)}


def test_a_sibling_without_metrics_keeps_the_others_from_falling() -> None:
    other = variant("other")
    at = {CHAT.key: target(CHAT, 4)}
    past = remembering((CHAT, 4), (other, 1))

    blind = by_name(observe(CHAT, other, targets=at, seen=rows(CHAT, 4, total=0.5)), past)
    seeing = by_name(observe(CHAT, other, targets=at, seen=[*rows(CHAT, 4, total=0.5), row(other, rate=0.1)]), past)

    assert (blind["chat"].desired, blind["other"].metrics.reason) == (4, MetricsReason.MISSING)
    assert seeing["chat"].desired == 1


def test_what_is_stuck_is_told_and_covered_by_a_sibling() -> None:
    stuck, other = variant("stuck", cost_per_replica_per_h=10.0), variant("other", cost_per_replica_per_h=99.0)
    at = {stuck.key: target(stuck, 4, ready=2, stuck=2), other.key: target(other, 1)}
    seen = [*rows(stuck, 2, total=2.0), row(other, rate=2.0)]

    found = by_name(observe(stuck, other, targets=at, seen=seen), remembering((stuck, 4), (other, 1)))

    assert (found["stuck"].desired, found["stuck"].limited.reason) == (4, LimitReason.STUCK_PENDING)
    assert (found["other"].desired, found["other"].reason) == (4, DecisionReason.SPILL)


def test_an_internal_error_stops_nobody_else() -> None:
    broken = variant(
        "broken",
        schedules=(
            Schedule(
                name="w", schedule="not a cron", duration_s=60, time_zone="UTC", min_replicas=2, max_replicas=None
            ),
        ),
    )
    past = remembering((CHAT, 1), (variant("broken"), 3))

    found = by_name(observe(broken, CHAT, seen=[row(CHAT, rate=1.0)]), past)

    assert found["chat"].desired == 2
    assert (found["broken"].desired, found["broken"].optimization.reason) == (3, OptimizationReason.FAILED)
    assert len(found["broken"].optimization.facts["id"]) == 8
    assert "not a cron" in found["broken"].optimization.facts["error"]


def test_an_error_while_sizing_holds_its_model_alone() -> None:
    timeless = variant(
        "timeless",
        model="m",
        profiles=(replace(CHAT.profiles[0], alpha_ms=0.0, beta_ms=0.0, gamma_ms=0.0, delta_ms=0.0),),
    )
    seen = [row(CHAT, rate=1.0), row(timeless, rate=1.0)]

    found = by_name(observe(timeless, CHAT, seen=seen), remembering((variant("timeless", model="m"), 2)))

    assert found["chat"].desired == 2
    assert (found["timeless"].desired, found["timeless"].optimization.reason) == (2, OptimizationReason.FAILED)


def test_an_impossible_sample_object_is_that_variants_alone() -> None:
    odd = variant("odd", model="odd")
    nonsense = replace(row(odd), sampled_at_s=None)

    found = by_name(observe(odd, CHAT, seen=[nonsense, row(CHAT)]))

    assert found["odd"].metrics.reason is MetricsReason.INVALID
    assert found["chat"].desired == 1


@pytest.mark.parametrize(
    ("ages_s", "age_s"),
    [
        pytest.param([40.0], 40.0, id="one"),
        pytest.param([40.0, 20.0], 20.0, id="the newest"),
        pytest.param([40.0, 900.0], 40.0, id="one that is not used"),
        pytest.param([500.0, 900.0], 500.0, id="all too old"),
        pytest.param([-3.0], 0.0, id="a clock ahead of ours"),
        pytest.param([], None, id="none"),
    ],
)
def test_the_age_of_data_is_that_of_the_newest_sample(ages_s: list[float], age_s: float | None) -> None:
    seen = [row(CHAT, number, at_s=NOW - age) for number, age in enumerate(ages_s)]

    decision = decide_one(observe(CHAT, targets={CHAT.key: target(CHAT, 2)}, seen=seen))

    assert decision.data_age_s == age_s


def test_a_collector_with_short_windows_sees_a_rise_as_much_sooner() -> None:
    """Local mode measures rates over ten seconds: there a forecast may not calm down over minutes."""

    def grown_after_s(window_s: float) -> float:
        memory, config = Memory(), Config(rate_window_s=window_s, startup_prior_s=5.0, scale_down_window_s=10.0)
        for second in range(0, 600, 2):
            total = 0.2 if second < 120 else 1.2
            at = {CHAT.key: target(CHAT, 1)}
            seen = observe(CHAT, targets=at, seen=rows(CHAT, 1, total=total, at_s=NOW + second), now_s=NOW + second)
            (decision,), memory = decide(seen, memory, config)
            if second >= 120 and (decision.desired or 0) > 1:
                return float(second - 120)
        return float("inf")

    assert grown_after_s(10.0) <= grown_after_s(60.0) < float("inf")


@pytest.mark.parametrize(("startup_time_s", "lead_s"), [(None, 180.0), (600.0, 600.0)])
def test_how_far_a_pass_looked_ahead_is_remembered(startup_time_s: float | None, lead_s: float) -> None:
    one = replace(CHAT, startup_time_s=startup_time_s)

    _, memory = decide(observe(one, seen=[row(one)]), Memory(), Config())

    (expected,) = memory.models[ModelScope(one.key.namespace, one.model)].accuracy.pending
    assert expected.due_s - NOW == lead_s
