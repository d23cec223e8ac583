"""HPAs and ScaledObjects that declare a variant by annotation read as the VariantAutoscaling that says the same."""

from typing import Any

import pytest

from penstock.api.annotated import as_declared, declares, parse_declared
from penstock.domain.errors import InvalidField
from penstock.domain.variants import Actuation, ObjectKey, TargetRef

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"


def scaler(*, annotations: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    said = {"llm-d.ai/managed": "true", "llm-d.ai/model-id": "Qwen/Qwen3-32B"} | (annotations or {})
    meta = {"namespace": "llm", "name": "chat-hpa", "uid": "u", "annotations": {k: v for k, v in said.items() if v}}
    return {"metadata": meta, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "chat"}, **spec}}


def test_an_hpa_says_all_that_a_variant_needs() -> None:
    body = scaler(annotations={"llm-d.ai/variant-cost": "7.52"}, minReplicas=2, maxReplicas=9)

    variant = parse_declared(as_declared(body, HPA, "chat"))

    assert variant.key == ObjectKey("llm", "chat")
    assert variant.model == "Qwen/Qwen3-32B"
    assert variant.target == TargetRef(api_version="apps/v1", kind="Deployment", name="chat")
    assert (variant.min_replicas, variant.max_replicas, variant.cost_per_replica_per_h) == (2, 9, 7.52)
    assert variant.actuation is Actuation.METRICS


def test_a_scaled_object_has_other_words_for_its_bounds() -> None:
    body = scaler(minReplicaCount=0, maxReplicaCount=4)

    variant = parse_declared(as_declared(body, SCALED_OBJECT, "chat"))

    assert (variant.min_replicas, variant.max_replicas) == (0, 4)


@pytest.mark.parametrize(
    ("annotations", "spec", "field"),
    [
        pytest.param({"llm-d.ai/model-id": None}, {}, "metadata.annotations.llm-d.ai/model-id", id="no model"),
        pytest.param({"llm-d.ai/variant-cost": "ten"}, {}, "metadata.annotations.llm-d.ai/variant-cost", id="no price"),
        pytest.param({}, {"minReplicaCount": -1}, "spec.minReplicaCount", id="no count"),
        pytest.param({}, {"scaleTargetRef": {"kind": "Deployment"}}, "spec.scaleTargetRef.name", id="no target"),
    ],
)
def test_what_is_wrong_is_named_where_it_stands(annotations: dict[str, Any], spec: dict[str, Any], field: str) -> None:
    body = scaler(annotations=annotations, **spec)

    with pytest.raises(InvalidField) as refused:
        parse_declared(as_declared(body, SCALED_OBJECT, "chat"))

    assert refused.value.field == field


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_only_a_managed_scaler_declares(value: str, *, expected: bool) -> None:
    assert declares(scaler(annotations={"llm-d.ai/managed": value})) is expected
