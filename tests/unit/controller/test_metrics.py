"""The operator's metrics: what a hold is counted under, and when series end."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import decide_one, handed_over, observe, remembering, rows, target, variant
from tests.unit.status.outcomes import ALLOC, outcome

from penstock.controller.metrics import Meters
from penstock.domain.catalogue import Catalogue
from penstock.domain.observations import Observation, ScrapeProblem
from penstock.domain.reasons import MetricsReason
from penstock.domain.variants import ObjectKey

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


def test_an_accelerator_that_changed_leaves_no_series_for_an_hpa_to_add_up() -> None:
    meters = Meters()
    meters.told(outcome())

    meters.told(outcome(alloc=replace(ALLOC, accelerator="H100")))

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
