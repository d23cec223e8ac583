"""Every status that we write passes the schema of the resource, whatever a pass saw."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.manifests import documents
from tests.unit.scaling.scene import NOW, handed_over
from tests.unit.scaling.test_invariants import scenes
from tests.unit.status.outcomes import DECIDED_S, outcome

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation
from penstock.domain.policies import Ordering, Policy
from penstock.domain.reasons import (
    ActiveReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    PolicyReason,
    TargetReason,
)
from penstock.domain.rollouts import PolicyOutcome, RouterReport
from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory, recall
from penstock.status.policy import policy_status
from penstock.status.summary import variant_status

CRDS = Path(__file__).parents[3] / "crds"


def status_schema(name: str) -> jsonschema_rs.Validator:
    (crd,) = documents((CRDS / name).read_text())
    (version,) = crd["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["status"]
    return jsonschema_rs.validator_for(closed(schema), validate_formats=True)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with objects that take no other fields: the API server would prune them in silence."""
    if "properties" in schema:
        fields = {name: closed(field) for name, field in schema["properties"].items()}
        return {**schema, "properties": fields, "additionalProperties": False}
    return {**schema, "items": closed(schema["items"])} if "items" in schema else schema


VARIANT = status_schema("llmd.ai_variantautoscalings.yaml")
POLICY = status_schema("penstock.dev_workloadpolicies.yaml")


def check(schema: jsonschema_rs.Validator, status: dict[str, Any]) -> None:
    assert [error.message for error in schema.iter_errors(status)] == []


@settings(max_examples=40)
@given(scenes())
def test_every_status_of_every_pass_fits(scene: tuple[Observation, Memory]) -> None:
    observation, memory = scene

    for decision in decide(observation, memory, Config())[0]:
        status = variant_status(handed_over(decision, observation.targets[decision.key]), {}, NOW)

        check(VARIANT, status)


@given(
    target=st.sampled_from(TargetReason),
    metrics=st.sampled_from(MetricsReason),
    optimization=st.sampled_from(OptimizationReason),
    active=st.sampled_from(ActiveReason),
    limited=st.sampled_from(LimitReason),
)
def test_every_combination_of_reasons_fits_and_names_one_cause(
    target: TargetReason,
    metrics: MetricsReason,
    optimization: OptimizationReason,
    active: ActiveReason,
    limited: LimitReason,
) -> None:
    status = variant_status(
        outcome(
            active,
            target=Verdict(target),
            metrics=Verdict(metrics),
            optimization=Verdict(optimization),
            limited=Verdict(limited),
        ),
        {},
        DECIDED_S,
    )

    check(VARIANT, status)
    ready, *others = status["conditions"]
    assert len(others) == 5
    assert ready["status"] == "True" or ready["reason"] in {row["reason"] for row in others}


def test_a_status_brings_the_decision_back_after_a_restart() -> None:
    status = variant_status(outcome(), {}, DECIDED_S)

    found = recall(status, DECIDED_S + 60)

    assert found is not None
    assert (found.desired, found.decided_at_s) == (3, DECIDED_S)
    assert found.change.record_id == "7f3a91c2"


@pytest.mark.parametrize("reason", list(PolicyReason))
def test_every_policy_status_fits(reason: PolicyReason) -> None:
    done = PolicyOutcome(
        key=ObjectKey("llm", "chat"),
        generation=7,
        accepted=Verdict(PolicyReason.ACCEPTED),
        programmed=Verdict(reason),
        degraded=Verdict(PolicyReason.AS_EXPECTED),
        routers=(RouterReport(pod="r", generation=7, hash="h", applied_at="2026-11-20T09:14:31Z"),),
        effective=Policy(ordering=Ordering.HYBRID),
        stable_generation=7,
        starvation_bound_s=25.2,
    )

    check(POLICY, policy_status(done, {}, DECIDED_S))
