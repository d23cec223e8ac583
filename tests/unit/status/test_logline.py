"""Lines of the log."""

import pytest
from tests.unit.status.outcomes import outcome

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import ActiveReason, DecisionReason, MetricsReason, OptimizationReason
from penstock.status.logline import LogLine, pass_line, variant_line

NAMES = {"namespace": "llm", "variant": "chat-a100"}


def test_missing_metrics_have_the_line_that_people_look_for() -> None:
    held = outcome(
        ActiveReason.HOLDING,
        computed=False,
        metrics=Verdict(MetricsReason.MISSING),
        optimization=Verdict(OptimizationReason.METRICS_UNAVAILABLE),
    )

    assert variant_line(held) == LogLine(
        "WARNING",
        "Metrics unavailable, skipping optimization for variant",
        {**NAMES, "reason": "MetricsMissing"},
    )


def test_a_change_says_from_what_to_what_and_why() -> None:
    changed = outcome(desired=4, previous=3, summary="3 -> 4: because", reason=DecisionReason.DEMAND_UP)

    assert variant_line(changed) == LogLine(
        "INFO",
        "Decided 3 -> 4: because",
        {**NAMES, "desired": 4, "reason": "DemandUp", "record": "7f3a91c2"},
    )


def test_an_internal_error_is_an_error_with_its_words() -> None:
    failed = outcome(optimization=Verdict(OptimizationReason.FAILED, {"id": "ab12cd34", "error": "ValueError: x"}))

    assert variant_line(failed) == LogLine(
        "ERROR", "Optimization failed for variant", {**NAMES, "record": "ab12cd34", "error": "ValueError: x"}
    )


@pytest.mark.parametrize(
    ("desired", "message", "moved"),
    [
        pytest.param(3, "Quotas are held by priority alone", {}, id="quiet otherwise"),
        pytest.param(
            4,
            "Decided 3 -> 4: because",
            {"desired": 4, "reason": "DemandUp", "record": "7f3a91c2"},
            id="while a number moves",
        ),
    ],
)
def test_quotas_that_were_not_shared_out_are_told(desired: int, message: str, moved: dict[str, str | int]) -> None:
    told = outcome(
        desired=desired,
        previous=3,
        summary="3 -> 4: because",
        reason=DecisionReason.DEMAND_UP,
        optimization=Verdict(OptimizationReason.SUCCEEDED, {"unshared": "ArithmeticError: x"}),
    )

    assert variant_line(told) == LogLine("WARNING", message, {**NAMES, **moved, "unshared": "ArithmeticError: x"})


def test_a_quiet_pass_has_one_line_and_its_variants_none() -> None:
    assert variant_line(outcome()) is None
    assert variant_line(outcome(desired=None)) is None
    assert pass_line([outcome(), outcome(computed=False)]) == LogLine(
        "INFO", "Optimization completed successfully", {"computed": 1, "held": 1}
    )


def test_a_pass_that_computed_nothing_or_failed_is_no_success() -> None:
    failed = outcome(optimization=Verdict(OptimizationReason.FAILED))

    assert pass_line([]) is None
    assert pass_line([outcome(computed=False)]) is None
    assert pass_line([outcome(), failed]) is None
    assert variant_line(failed) == LogLine("ERROR", "Optimization failed for variant", {**NAMES, "record": ""})
