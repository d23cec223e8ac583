"""The operator's counters: what a hold is counted under."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import decide_one, handed_over, observe, remembering, rows, target, variant

from penstock.controller.metrics import Meters
from penstock.domain.catalogue import Catalogue
from penstock.domain.observations import Observation, ScrapeProblem
from penstock.domain.reasons import MetricsReason

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
