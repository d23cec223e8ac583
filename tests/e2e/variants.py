"""VariantAutoscaling objects for the stories, and how to read them."""

from typing import Any

from tests.e2e.kube import Kube

A100 = {
    "acc": "A100",
    "accCount": 1,
    "maxBatchSize": 4,
    "perfParms": {
        "decodeParms": {"alpha": "20.58", "beta": "0.41"},
        "prefillParms": {"gamma": "20.58", "delta": "0.041"},
    },
}
# about as fast as the profile says: 20 ms a token, four at a time
ENGINE = ("--max-num-seqs", "4", "--time-to-first-token", "25ms", "--inter-token-latency", "20ms")


def old_shape(name: str, model: str) -> dict[str, Any]:
    """The October 2025 shape: the target is the Deployment of the same name."""
    return {
        "apiVersion": "llmd.ai/v1alpha1",
        "kind": "VariantAutoscaling",
        "metadata": {"name": name, "labels": {"inference.optimization/acceleratorName": "A100"}},
        "spec": {
            "modelID": model,
            "sloClassRef": {"name": "service-classes-config", "key": "premium.yaml"},
            "modelProfile": {"accelerators": [A100]},
        },
    }


def new_shape(name: str, model: str, target: str, **more: Any) -> dict[str, Any]:
    """The 2026 shape: the target is named; `more` goes into the spec."""
    return {
        "apiVersion": "llmd.ai/v1alpha1",
        "kind": "VariantAutoscaling",
        "metadata": {"name": name, "labels": {"inference.optimization/acceleratorName": "A100"}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target},
            "modelID": model,
            "variantCost": "40.0",
            **more,
        },
    }


def status(kube: Kube, name: str, namespace: str) -> dict[str, Any]:
    """Return the status of a variant; empty before the first pass."""
    found: dict[str, Any] = kube.get("va", name, namespace).get("status", {})
    return found


def condition(found: dict[str, Any], kind: str) -> tuple[str, str]:
    """Return status and reason of one condition."""
    return next(
        ((row["status"], row["reason"]) for row in found.get("conditions", []) if row["type"] == kind), ("", "")
    )


def desired(found: dict[str, Any]) -> int | None:
    """Return the decided replicas; None before the first decision."""
    number: int | None = found.get("desiredOptimizedAlloc", {}).get("numReplicas")
    return number


def events(kube: Kube, name: str, namespace: str) -> set[str]:
    """Return the reasons of all events about one variant."""
    return {
        event["reason"]
        for event in kube.list("events", namespace)
        if event.get("involvedObject", event.get("regarding", {})).get("name") == name
    }
