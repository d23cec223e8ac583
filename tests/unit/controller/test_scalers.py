"""Who else sets replicas, and whether by our gauges."""

from typing import Any

import pytest
from tests.unit.controller.bodies import meta

from penstock.controller.scalers import Scaler, hpa, same_target, scaled_object
from penstock.domain.variants import TargetRef

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}


def external(name: str, **labels: str) -> dict[str, Any]:
    return {"type": "External", "external": {"metric": {"name": name, "selector": {"matchLabels": labels}}}}


def of_hpa(*metrics: dict[str, Any]) -> Scaler:
    found = hpa({"metadata": meta("chat"), "spec": {"scaleTargetRef": TARGET, "metrics": list(metrics)}})
    assert found is not None
    return found


def of_keda(*triggers: dict[str, Any]) -> Scaler:
    found = scaled_object(
        {"metadata": meta("chat"), "spec": {"scaleTargetRef": {"name": "chat"}, "triggers": triggers}}
    )
    assert found is not None
    return found


def query(text: str) -> dict[str, Any]:
    return {"type": "prometheus", "metadata": {"query": text}}


def asking(address: str, variant: str) -> dict[str, Any]:
    return {"type": "external", "metadata": {"scalerAddress": address, "variant": variant}}


@pytest.mark.parametrize(
    ("scaler", "consumer"),
    [
        pytest.param(of_hpa(external("wva_desired_replicas", variant_name="chat")), True, id="HPA on our gauge"),
        pytest.param(of_hpa(external("inferno_desired_replicas")), True, id="HPA on a gauge of one variant only"),
        pytest.param(of_hpa(external("wva_desired_replicas", variant_name="chat-2")), False, id="HPA on another's"),
        pytest.param(of_hpa({"type": "Resource", "resource": {"name": "cpu"}}), False, id="HPA on CPU"),
        pytest.param(of_hpa(), False, id="HPA without metrics"),
        pytest.param(of_keda(query('wva_desired_replicas{variant_name="chat"}')), True, id="KEDA on our gauge"),
        pytest.param(of_keda(query('sum(inferno_desired_replicas{variant_name=~"chat"})')), True, id="KEDA, matcher"),
        pytest.param(of_keda(query('wva_desired_replicas{variant_name="chat-2"}')), False, id="KEDA on another's"),
        pytest.param(of_keda(query("vllm:num_requests_waiting")), False, id="KEDA on the queue"),
        pytest.param(of_keda(asking("penstock-operator.penstock-system:9005", "chat")), True, id="KEDA, asking us"),
        pytest.param(of_keda(asking("our-scaler.infra:9005", "chat")), True, id="KEDA, asking us by another name"),
        pytest.param(of_keda(asking("penstock-operator:9005", "other")), False, id="KEDA, asking us for another"),
        pytest.param(of_keda(asking("their-scaler.infra:6000", "chat")), False, id="KEDA, asking a stranger"),
        pytest.param(of_keda({"type": "cron", "metadata": {"desiredReplicas": "3"}}), False, id="KEDA by the clock"),
    ],
)
def test_reads_our_gauges(scaler: Scaler, consumer: bool) -> None:
    assert scaler.reads("chat") is consumer


def test_hpa_made_by_keda_is_its_scaled_objects_business() -> None:
    body = {"metadata": meta("keda-hpa-chat", ownerReferences=[{"kind": "ScaledObject"}]), "spec": {}}

    assert hpa(body) is None


def test_paused_scaled_object_scales_nothing() -> None:
    body = {"metadata": meta("chat", annotations={"autoscaling.keda.sh/paused": "true"}), "spec": {}}

    assert scaled_object(body) is None


def test_kinds_default_as_keda_does_and_versions_do_not_matter() -> None:
    assert of_keda().target == TargetRef(api_version="apps/v1", kind="Deployment", name="chat")
    assert same_target(of_keda().target, TargetRef(api_version="apps/v1beta1", kind="Deployment", name="chat"))
    assert not same_target(of_keda().target, TargetRef(api_version="v1", kind="Deployment", name="chat"))
    assert str(of_hpa()) == "HorizontalPodAutoscaler llm/chat"
