"""The operator's metrics: what a hold is counted under, and when series end."""

import asyncio
from dataclasses import replace

import pytest
from tests.unit.scaling.scene import decide_one, handed_over, observe, remembering, rows, target, variant
from tests.unit.status.outcomes import ALLOC, outcome

from penstock.controller.hindsight import Judgement
from penstock.controller.metrics import Meters
from penstock.controller.report import Reporter
from penstock.controller.world import World
from penstock.domain.catalogue import Catalogue, ModelScope
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Observation, ScrapeProblem
from penstock.domain.reasons import DecisionReason, MetricsReason
from penstock.domain.variants import ObjectKey
from penstock.status.invalid import invalid_status

CHAT = variant()
FOUR = {CHAT.key: target(CHAT, 4)}
DOWN = ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="http://prom:9090", cause="connect")
EXCLUDED = Catalogue(excluded_namespaces=frozenset({"llm"}))


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        pytest.param(observe(CHAT, targets=FOUR), "MetricsMissing", id="no series"),
        pytest.param(observe(CHAT, targets=FOUR, problem=DOWN), "PrometheusUnreachable", id="no Prometheus"),
        pytest.param(
            replace(observe(CHAT, targets=FOUR, seen=rows(CHAT, 4, total=2.0)), catalogue=EXCLUDED),
            "SkippedProcessing",
            id="not for its metrics",
        ),
    ],
)
def test_a_hold_is_counted_under_its_cause(observation: Observation, reason: str) -> None:
    meters = Meters()

    meters.told(handed_over(decide_one(observation, remembering((CHAT, 4))), FOUR[CHAT.key]))

    assert meters.registry.get_sample_value("penstock_holds_total", {"reason": reason}) == 1
    counted = [sample for family in meters.registry.collect() for sample in family.samples]
    assert sum(sample.value for sample in counted if sample.name == "penstock_holds_total") == 1


def test_a_paused_variant_is_a_hold_although_its_number_is_computed() -> None:
    meters, paused = Meters(), replace(CHAT, paused=True)
    observation = observe(paused, targets=FOUR, seen=rows(paused, 4, total=9.0))

    meters.told(handed_over(decide_one(observation, remembering((paused, 4))), FOUR[CHAT.key]))

    assert value(meters, "penstock_holds_total", reason="Paused") == 1
    assert value(meters, "penstock_decisions_total", reason="Hold") is None


def test_an_object_that_cannot_be_read_is_a_hold() -> None:
    """Its last decision stays in force, for as long as nobody mends it."""
    meters, error = Meters(), InvalidField("spec.modelID", "", "name the model")
    status = invalid_status(error, 1, {}, 1000.0)
    body = {"metadata": {"namespace": "llm", "name": "chat", "uid": "u", "generation": 1}, "status": status}
    reporter = Reporter(None, World(), meters)  # type: ignore[arg-type]  # nothing new is to be written

    asyncio.run(reporter.report_invalid(error, body, 1000.0))

    assert value(meters, "penstock_holds_total", reason="InvalidConfiguration") == 1


def test_who_stands_by_shows_nothing_that_only_who_decides_can_know() -> None:
    """Else what a leader of yesterday thought would stand beside what today's does."""
    meters = Meters()
    meters.told(outcome())
    meters.decided(0.1, {ModelScope("llm", "m"): Judgement(forecast_error_ratio=0.2, cost_ratio=1.3)})
    meters.invalid_entries([("penstock-config", "slo")])

    meters.stand_by()

    left = {sample.name for family in meters.registry.collect() for sample in family.samples if sample.labels}
    assert {name for name in left if not name.endswith(("_bucket", "_total", "_created"))} == set()
    assert value(meters, "penstock_decisions_total", reason="Steady") == 1


def test_an_accelerator_that_changed_leaves_no_series_for_an_hpa_to_add_up() -> None:
    meters = Meters()
    meters.told(outcome())

    meters.told(outcome(alloc=ALLOC._replace(accelerator="H100")))

    samples = [sample for family in meters.registry.collect() for sample in family.samples]
    accelerators = [one.labels["accelerator_type"] for one in samples if "accelerator_type" in one.labels]
    assert accelerators == ["H100"] * 6, "three numbers in two families"


def test_no_series_and_no_counter_outlives_its_object() -> None:
    meters, other = Meters(), outcome(key=ObjectKey("llm", "other"))
    for one in (outcome(previous=2), other):
        meters.told(one)
    meters.ended(outcome().decision.key, 1.0)

    meters.keep([other.decision.key])

    named = [sample.labels for family in meters.registry.collect() for sample in family.samples]
    assert {one.get("variant_name") or one.get("variant") for one in named} - {None} == {"other"}


def value(meters: Meters, name: str, **labels: str) -> float | None:
    return meters.registry.get_sample_value(name, labels)


def test_requests_that_ended_are_added_up() -> None:
    meters, chat = Meters(), {"namespace": "llm", "variant": "chat"}

    for requests in (0.0, 2.0, 1.0):
        meters.ended(ObjectKey("llm", "chat"), requests)

    assert value(meters, "penstock_variant_ended_requests_total", **chat) == 3.0


def test_a_drain_that_ended_nothing_shows_a_zero() -> None:
    """Else nobody could tell that nothing was lost from that nothing was counted."""
    meters = Meters()

    meters.ended(ObjectKey("llm", "chat"), 0.0)

    assert value(meters, "penstock_variant_ended_requests_total", namespace="llm", variant="chat") == 0.0


def test_judgements_are_shown_while_they_hold() -> None:
    meters, model = Meters(), {"namespace": "llm", "model": "m"}
    names = ("penstock_forecast_error_ratio", "penstock_hindsight_cost_ratio")

    meters.decided(0.1, {ModelScope("llm", "m"): Judgement(forecast_error_ratio=0.2, cost_ratio=1.3)})
    known = [value(meters, name, **model) for name in names]
    meters.decided(0.1, {ModelScope("llm", "m"): Judgement()})
    unknown = [value(meters, name, **model) for name in names]

    assert known == [0.2, 1.3]
    assert unknown == [None, None]


def test_numbers_that_were_computed_are_counted_by_reason() -> None:
    meters = Meters()

    for reason in (DecisionReason.DEMAND_UP, DecisionReason.STEADY, DecisionReason.STEADY):
        meters.told(outcome(this_pass=reason))

    counts = {name: value(meters, "penstock_decisions_total", reason=name) for name in ("DemandUp", "Steady", "Hold")}
    assert counts == {"DemandUp": 1, "Steady": 2, "Hold": None}


def test_passes_decisions_and_queries_are_timed() -> None:
    meters = Meters()

    meters.passed(0.5, {"running": 0.25, "waiting": 0.125})
    meters.decided(0.0625, {})

    assert value(meters, "penstock_decide_duration_seconds_sum") == 0.0625
    assert value(meters, "penstock_pass_duration_seconds_sum") == 0.5
    assert value(meters, "penstock_prometheus_query_duration_seconds_sum", query="running") == 0.25
    assert value(meters, "penstock_prometheus_query_duration_seconds_sum", query="waiting") == 0.125
