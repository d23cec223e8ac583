"""Which scalers declare a variant of this operator, and that an object always says more."""

from typing import Any

import pytest
from tests.unit.controller.bodies import meta
from tests.unit.scaling.scene import variant

from penstock.controller.declared import Declared
from penstock.controller.scalers import Scaler, hpa, scaled_object
from penstock.domain.variants import ObjectKey


def declaring(name: str = "own", kind: str = "hpa", value: str = "true", gauge: str = "", **labels: str) -> Scaler:
    annotations = {"llm-d.ai/managed": value, "llm-d.ai/model-id": "m"}
    metric = {"metric": {"name": "wva_desired_replicas", "selector": {"matchLabels": {"variant_name": gauge}}}}
    body = {
        "metadata": meta(name, uid=f"u-{name}", annotations=annotations, labels=labels),
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "chat"},
            "metrics": [{"type": "External", "external": metric}] if gauge else [],
        },
    }
    found = hpa(body) if kind == "hpa" else scaled_object(body)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_a_scaler_declares_a_variant(kind: str) -> None:
    (body,) = Declared().bodies([declaring(kind=kind)], [], "")

    assert (body["variant"], body["metadata"]["name"], body["spec"]["modelID"]) == ("own", "own", "m")


def test_it_is_called_as_its_scaler_asks_for_it() -> None:
    (body,) = Declared().bodies([declaring(gauge="chat-h100")], [], "")

    assert (body["variant"], body["metadata"]["name"]) == ("chat-h100", "own")


@pytest.mark.parametrize(
    ("scaler", "variants"),
    [
        pytest.param(declaring(value="false"), (), id="it declares nothing"),
        pytest.param(declaring(), (variant("chat"),), id="an object scales the same target"),
        pytest.param(declaring(gauge="other"), (variant("other"),), id="an object has its name"),
        pytest.param(declaring(**{"wva.llmd.ai/controller-instance": "blue"}), (), id="it is for another operator"),
    ],
)
def test_it_counts_for_nothing_where(scaler: Scaler, variants: tuple[Any, ...]) -> None:
    assert Declared().bodies([scaler], variants, "") == []


def test_a_variant_of_something_else_is_no_excuse() -> None:
    others = (variant("other"), variant("chat", namespace="elsewhere"))

    assert len(Declared().bodies([declaring()], others, "")) == 1


def test_of_two_with_one_name_the_first_counts() -> None:
    (body,) = Declared().bodies([declaring("b", gauge="chat-1"), declaring("a", gauge="chat-1")], [], "")

    assert body["metadata"]["name"] == "a"


def test_what_was_told_is_remembered_while_the_scaler_lives() -> None:
    declared, scaler = Declared(), declaring()
    (body,) = declared.bodies([scaler], [], "")
    declared.note(body, {"observedGeneration": 1})

    (again,) = declared.bodies([scaler], [], "")
    declared.bodies([], [], "")
    (anew,) = declared.bodies([scaler], [], "")

    assert (again["status"], anew["status"]) == ({"observedGeneration": 1}, {})


def test_what_was_told_is_found_by_the_variants_name_as_long_as_it_counts() -> None:
    declared, scaler = Declared(), declaring(gauge="chat-h100")
    (body,) = declared.bodies([scaler], [], "")
    nothing_yet = declared.of(ObjectKey("llm", "chat-h100"))
    declared.note(body, {"desiredOptimizedAlloc": {"numReplicas": 3}})

    told, by_scaler = (declared.of(ObjectKey("llm", name)) for name in ("chat-h100", "own"))
    declared.bodies([scaler], [variant("chat")], "")

    assert nothing_yet == {"status": {}}
    assert (told, by_scaler) == ({"status": {"desiredOptimizedAlloc": {"numReplicas": 3}}}, None)
    assert declared.of(ObjectKey("llm", "chat-h100")) is None
