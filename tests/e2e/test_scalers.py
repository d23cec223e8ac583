"""Others that act upon our numbers: real HPAs through an external-metrics server, and KEDA through its own protocol."""

from urllib.parse import urlsplit

import grpc
import pytest
from tests.e2e import adapter
from tests.e2e.fleet import GAUGED
from tests.e2e.history import History
from tests.e2e.kube import Kube, until
from tests.e2e.prometheus import values
from tests.e2e.variants import condition, desired, replicas, status

pytestmark = pytest.mark.e2e
HPA_S = 120  # an HPA looks every 15 s
KEDA = "/externalscaler.ExternalScaler/"


@pytest.fixture(scope="module", autouse=True)
def served(kube: Kube, fleet: History) -> None:
    """Wait until HPAs can ask for external metrics."""
    del fleet
    adapter.answers(kube)


def told(kube: Kube, kind: str, name: str) -> set[str]:
    """Return the reasons of our events about one object."""
    return {
        event["reason"]
        for event in kube.list("events", GAUGED)
        if (event["involvedObject"]["kind"], event["involvedObject"]["name"]) == (kind, name)
        and (event.get("reportingComponent") or event.get("source", {}).get("component", "")).startswith("penstock")
    }


def managers(kube: Kube, name: str) -> set[str]:
    """Return who has ever set a field of a Deployment."""
    words = ("get", "deployment", name, "-n", GAUGED, "--show-managed-fields")
    text = kube.run(*words, "-o", "jsonpath={.metadata.managedFields[*].manager}")
    return set(text.split())


def test_a_real_hpa_follows_our_gauge_up_and_down(kube: Kube) -> None:
    until(
        lambda: replicas(kube, GAUGED, "chat"), lambda it: it == 2, "the HPA scales to the least of the variant", HPA_S
    )
    found = status(kube, GAUGED, "chat")
    assert desired(found) == 2
    assert found["actuation"] == {"applied": True, "mode": "Metrics"}
    assert condition(found, "ScalingActive") == ("True", "GaugePublished")

    kube.patch("va", "chat", {"spec": {"minReplicas": 1}}, GAUGED)

    until(lambda: replicas(kube, GAUGED, "chat"), lambda it: it == 1, "the HPA follows downwards", HPA_S)
    assert "penstock" not in managers(kube, "chat"), "the operator leaves the replicas to the HPA"


def test_an_annotated_hpa_is_all_that_a_variant_needs(kube: Kube) -> None:
    labels = {"variant_name": "code", "exported_namespace": GAUGED}

    until(lambda: values(kube, "wva_desired_replicas", **labels), lambda it: it == [3.0], "the gauge at its most", 60)
    until(lambda: replicas(kube, GAUGED, "code"), lambda it: it == 3, "the HPA follows", HPA_S)
    until(lambda: told(kube, "HorizontalPodAutoscaler", "code-scaler"), lambda it: "Scaled" in it, "event Scaled", 30)
    assert [body["metadata"]["name"] for body in kube.list("va", GAUGED)] == ["chat"], "no object was made for it"
    assert "penstock" not in managers(kube, "code")


def field(number: int, text: bytes) -> bytes:
    """Return a length-delimited field as protobuf writes it."""
    return bytes([number << 3 | 2, len(text)]) + text


def trigger(variant: str) -> bytes:
    """Return a ScaledObjectRef, byte by byte, as KEDA's externalscaler.proto lays it out."""
    entry = field(1, b"variant") + field(2, variant.encode())
    return field(1, b"scaled-object") + field(2, GAUGED.encode()) + field(3, entry)


def test_keda_asks_and_is_answered(kube: Kube) -> None:
    wanted = desired(status(kube, GAUGED, "chat"))
    assert wanted is not None

    with (
        kube.forward("service/penstock-operator", 9005, "penstock-system") as url,
        grpc.insecure_channel(urlsplit(url).netloc) as channel,
    ):
        spec = channel.unary_unary(f"{KEDA}GetMetricSpec")(trigger("chat"), timeout=30)
        active = channel.unary_unary(f"{KEDA}IsActive")(trigger("chat"), timeout=30)
        pushed = next(channel.unary_stream(f"{KEDA}StreamIsActive")(trigger("chat"), timeout=30))
        request = field(1, trigger("chat")) + field(2, b"penstock-desired-replicas")
        metrics = channel.unary_unary(f"{KEDA}GetMetrics")(request, timeout=30)
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(f"{KEDA}IsActive")(trigger("nobody"), timeout=30)

    assert field(1, b"penstock-desired-replicas") + b"\x10\x01" in spec, "target 1: as many replicas as it says"
    assert active == pushed == b"\x08\x01"
    assert field(1, b"penstock-desired-replicas") + bytes([0x10, wanted]) in metrics
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
