"""Each defect of WVA that concerns decisions, by the name of what it did; none of them may come back."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import (
    MODEL,
    NOW,
    PROFILE,
    by_name,
    decide_one,
    handed_over,
    idle_row,
    known,
    observe,
    remembering,
    row,
    rows,
    target,
    variant,
)

from penstock.domain.catalogue import (
    Catalogue,
    ConfigProblem,
    ModelScope,
    SaturationThresholds,
    ServiceTarget,
    ZeroRule,
)
from penstock.domain.readings import ABSENT, Absent
from penstock.domain.reasons import LimitReason, MetricsReason, OptimizationReason
from penstock.domain.variants import ObjectKey, SloOverride, SloSource
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory
from penstock.status.gauges import gauges
from penstock.status.summary import variant_status

CHAT = variant()
FOUR = {CHAT.key: target(CHAT, 4)}


def test_staleness_is_judged_by_the_samples_own_time() -> None:
    """An instant query is stamped with the time of the question, so that dead series looked fresh for minutes."""
    old = rows(CHAT, 4, total=0.1, at_s=NOW - 130)

    assert decide_one(observe(CHAT, targets=FOUR, seen=old)).metrics.reason is MetricsReason.STALE
    assert decide_one(observe(CHAT, targets=FOUR, seen=old), config=Config(stale_after_s=200)).metrics.reason.available


def test_false_conditions_are_there_before_the_first_success() -> None:
    decision = decide_one(observe(CHAT))

    status = variant_status(handed_over(decision, target(CHAT)), {}, NOW)

    assert {row["type"]: row["status"] for row in status["conditions"]} == {
        "Ready": "False",
        "TargetResolved": "True",
        "MetricsAvailable": "False",
        "OptimizationReady": "False",
        "ScalingActive": "False",
        "ScalingLimited": "False",
    }
    assert status["actuation"] == {"applied": False, "mode": "Scale"}


def test_two_variants_of_one_model_do_not_both_serve_all_of_it() -> None:
    a, b = variant("a"), variant("b")
    at = {a.key: target(a, 4), b.key: target(b, 4)}
    seen = [*rows(a, 4, total=3.0), *rows(b, 4, total=3.0)]

    found = by_name(observe(a, b, targets=at, seen=seen), remembering((a, 4), (b, 4)))

    assert sum(one.desired or 0 for one in found.values()) == 9  # 6 requests/s and room, by 0.826, and not twice that


def test_zero_replicas_keep_their_accelerator_and_no_field_is_empty() -> None:
    at = target(CHAT, 0)
    decision = decide_one(observe(CHAT, targets={CHAT.key: at}), remembering((CHAT, 2)))

    status = variant_status(handed_over(decision, at), {}, NOW)

    assert status["desiredOptimizedAlloc"]["numReplicas"] == 0
    assert status["desiredOptimizedAlloc"]["accelerator"] == "A100"
    assert "" not in [value for part in status.values() if isinstance(part, dict) for value in part.values()]


def test_overload_shows_although_completions_stand_at_capacity() -> None:
    """Completions cannot exceed what runs; what the backlog grows by is arrivals, too."""
    at = {CHAT.key: target(CHAT, 2)}
    seen = rows(CHAT, 2, total=1.6, waiting=known(30), backlog_growth_per_s=known(1.0))

    decision = decide_one(observe(CHAT, targets=at, seen=seen))

    assert decision.alloc.arrival_per_s == pytest.approx(3.6)
    assert decision.desired == 7  # 3.6 arrive, 60 wait


def test_answers_of_less_than_a_token_on_average_are_no_silence() -> None:
    short = rows(CHAT, 1, total=20.0, output_tokens=known(0.9), input_tokens=known(2000))

    decision = decide_one(observe(CHAT, seen=short))

    assert (decision.desired or 0) > 1
    assert decision.optimization.reason is OptimizationReason.SUCCEEDED


def test_equal_names_in_two_namespaces_are_two_variants() -> None:
    other = variant(namespace="other")
    seen = [row(CHAT, rate=0.2), row(other, rate=2.0)]
    observation = observe(CHAT, other, seen=seen)

    decisions, memory = decide(observation, Memory(), Config())

    assert {str(one.key): one.desired for one in decisions} == {"llm/chat": 1, "other/chat": 3}
    assert memory.knows(CHAT.key)
    assert memory.knows(other.key)


def test_series_without_a_namespace_are_validated_and_collected_alike() -> None:
    decision = decide_one(observe(CHAT, seen=[row(CHAT, namespace="", pod="", rate=2.0)]))

    assert decision.metrics.reason is MetricsReason.FOUND
    assert (decision.alloc.arrival_per_s, decision.desired) == (2.0, 3)


def test_the_named_service_class_counts() -> None:
    def listed(name: str, priority: int, tpot_s: float) -> ServiceTarget:
        return ServiceTarget(
            class_name=name,
            priority=priority,
            configmap="ns/cm",
            key=f"{name}.yaml",
            model=MODEL,
            ttft_s=1,
            tpot_s=tpot_s,
        )

    catalogue = Catalogue(service_targets=(listed("premium", 1, 0.03), listed("freemium", 10, 0.2)))
    one = replace(CHAT, slo=SloOverride(), slo_class_ref=ObjectKey("cm", "freemium.yaml"))

    decision = decide_one(observe(one, seen=[row(one)], catalogue=catalogue))

    assert (decision.slo.tpot_s, decision.slo.source) == (0.2, SloSource.SERVICE_CLASS)


def test_models_do_not_disturb_each_other() -> None:
    """WVA's analyser kept its state in globals: the result depended on who was asked before."""
    other = variant("other", model="other", profiles=(replace(PROFILE, alpha_ms=5.0, max_batch=64),))
    alone = decide_one(observe(CHAT, seen=[row(CHAT, rate=3.0)]))

    together = by_name(observe(other, CHAT, seen=[row(CHAT, rate=3.0), row(other, rate=9.0)]))

    assert together["chat"] == alone


def test_one_bad_entry_stops_nobody() -> None:
    bad = ConfigProblem(
        configmap="s/accelerator-unit-costs",
        key="H100",
        field="cost",
        value="x",
        remedy="r",
        accelerators=frozenset({"H100"}),
    )

    decision = decide_one(observe(CHAT, seen=[row(CHAT, rate=2.0)], catalogue=Catalogue(problems=(bad,))))

    assert (decision.desired, decision.optimization.reason) == (3, OptimizationReason.SUCCEEDED)


def test_the_cost_counts_the_accelerators_of_a_replica() -> None:
    one = replace(CHAT, cost_per_replica_per_h=None, profiles=(replace(PROFILE, accelerators_per_replica=2),))
    at = {one.key: target(one, 3)}

    decision = decide_one(
        observe(one, targets=at, seen=rows(one, 3, total=2.4), catalogue=Catalogue(unit_costs_per_h={"A100": 40.0}))
    )

    assert decision.alloc.cost_per_h == 240.0


def test_the_cost_leaves_out_what_finds_no_place() -> None:
    found = [
        decide_one(observe(CHAT, targets={CHAT.key: target(CHAT, 3, ready=1, stuck=stuck)}, seen=[row(CHAT)]))
        for stuck in (0, 2)
    ]

    assert [one.alloc.cost_per_h for one in found] == [120.0, 40.0]
    assert [one.alloc.replicas for one in found] == [3, 3]


def test_thresholds_of_a_model_count() -> None:
    bare = replace(CHAT, profiles=())
    strict = Catalogue(saturation={ModelScope("llm", MODEL): SaturationThresholds(kv_cache=0.3, kv_spare=0.1)})
    seen = [row(bare, kv_usage_ratio=known(0.25))]

    assert decide_one(observe(bare, seen=seen)).desired == 1
    assert decide_one(observe(bare, seen=seen, catalogue=strict)).desired == 2


def test_metrics_without_a_decision_are_possible_and_told() -> None:
    unrated = row(CHAT, rate=Absent("one sample only, so there is no rate yet"), kv_usage_ratio=ABSENT, waiting=ABSENT)

    decision = decide_one(observe(CHAT, seen=[replace(unrated, running=known(1))]))

    assert decision.metrics.reason is MetricsReason.FOUND
    assert decision.desired in {None, 1}


def test_an_idle_variant_takes_what_the_others_cannot() -> None:
    full = variant("full", max_replicas=1, cost_per_replica_per_h=1.0)
    idle = variant("idle", min_replicas=0)
    at = {full.key: target(full, 1), idle.key: target(idle, 0)}

    found = by_name(observe(full, idle, targets=at, seen=[row(full, rate=2.0)]), remembering((full, 1)))

    assert (found["full"].desired, found["idle"].desired) == (1, 2)
    assert found["idle"].alloc.accelerator == "A100"


def test_an_excluded_namespace_is_left_alone_by_the_decision_itself() -> None:
    catalogue = Catalogue(excluded_namespaces=frozenset({"llm"}))

    decision = decide_one(observe(CHAT, seen=[row(CHAT, rate=9.0)], catalogue=catalogue), remembering((CHAT, 1)))

    assert (decision.desired, decision.active is not None) == (1, True)


def test_an_unschedulable_variant_freezes_nobody() -> None:
    stuck, other = variant("stuck", profiles=()), variant("other", profiles=(), cost_per_replica_per_h=90.0)
    at = {stuck.key: target(stuck, 3, ready=2, stuck=1), other.key: target(other, 2)}
    past = remembering((stuck, 3), (other, 2))
    quiet = [row(stuck, n, kv_usage_ratio=known(0.1)) for n in range(2)]
    quiet += [row(other, n, kv_usage_ratio=known(0.1)) for n in range(2)]
    busy = [replace(one, kv_usage_ratio=known(0.95)) for one in quiet]

    assert by_name(observe(stuck, other, targets=at, seen=busy), past)["other"].desired == 3
    assert by_name(observe(stuck, other, targets=at, seen=quiet), past)["other"].desired == 1


def test_full_engines_are_not_outvoted_by_idle_ones() -> None:
    bare = replace(CHAT, profiles=())
    seen = [
        row(bare, n, kv_usage_ratio=known(0.9 if n < 7 else 0.0), waiting=known(9 if n < 7 else 0)) for n in range(10)
    ]

    decision = decide_one(observe(bare, targets={bare.key: target(bare, 10)}, seen=seen), remembering((bare, 10)))

    assert decision.desired == 10


def test_a_new_accelerator_leaves_no_series_of_the_old_one() -> None:
    def published(accelerator: str) -> list[str]:
        one = replace(CHAT, accelerator=accelerator, profiles=(replace(PROFILE, accelerator=accelerator),))
        decision = decide_one(observe(one, seen=[row(one)]))
        shown = gauges(handed_over(decision, target(one)))
        return [one.labels["accelerator_type"] for one in shown if one.metric == "wva_desired_replicas"]

    assert (published("A100"), published("H100")) == (["A100"], ["H100"])


def test_the_zero_rule_of_a_namespace_counts() -> None:
    catalogue = Catalogue(zero={ModelScope("llm", MODEL): ZeroRule(enabled=True, retention_s=600)})
    elsewhere = variant(namespace="other", name="elsewhere")
    seen = [idle_row(CHAT), idle_row(elsewhere)]

    found = by_name(observe(CHAT, elsewhere, seen=seen, catalogue=catalogue))

    assert (found["chat"].min_replicas, found["elsewhere"].min_replicas) == (0, 1)
    assert found["chat"].limited.reason is LimitReason.NO_WAKE_SOURCE


def test_a_manual_start_is_not_fought_while_metrics_are_missing() -> None:
    """WVA published the zero of before, and the HPA took the replica away again."""
    asleep = observe(CHAT, targets={CHAT.key: target(CHAT, 0)})
    started = observe(CHAT, targets={CHAT.key: target(CHAT, 1)}, now_s=NOW + 15)

    (before,), memory = decide(asleep, remembering((CHAT, 1)), Config())

    assert before.desired == 0
    assert decide_one(started, memory).desired == 1
