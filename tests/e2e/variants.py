"""VariantAutoscaling objects for the stories, and how to read them."""

from typing import Any

from tests.e2e.kube import Kube


def _profile(accelerator: str, max_batch: int, decode: tuple[str, str], prefill: tuple[str, str]) -> dict[str, Any]:
    """Return a profile as of October 2025: milliseconds a step, and more for each request in it."""
    parameters = {
        "decodeParms": {"alpha": decode[0], "beta": decode[1]},
        "prefillParms": {"gamma": prefill[0], "delta": prefill[1]},
    }
    return {"acc": accelerator, "accCount": 1, "maxBatchSize": max_batch, "perfParms": parameters}


A100 = _profile("A100", 4, ("20.58", "0.41"), ("20.58", "0.041"))
H100 = _profile("H100", 2, ("15.0", "0.1"), ("15.0", "0.01"))
# about as fast as the profiles say: 20 ms a token, four at a time; and 15 ms, two at a time
ENGINE = ("--max-num-seqs", "4", "--time-to-first-token", "25ms", "--inter-token-latency", "20ms")
QUICK_ENGINE = ("--max-num-seqs", "2", "--time-to-first-token", "20ms", "--inter-token-latency", "15ms")
Status = dict[str, Any]


def variant(name: str, model: str, target: str, **more: Any) -> dict[str, Any]:
    """A variant that names its target; `more` goes into the spec."""
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


def status(kube: Kube, namespace: str, name: str) -> Status:
    """Return the status of a variant; empty before the first pass."""
    found: Status = kube.get("va", name, namespace).get("status", {})
    return found


def condition(found: Status, kind: str) -> tuple[str, str]:
    """Return status and reason of one condition."""
    return next(
        ((row["status"], row["reason"]) for row in found.get("conditions", []) if row["type"] == kind), ("", "")
    )


def message(found: Status, kind: str) -> str:
    """Return the message of one condition."""
    return next(str(row["message"]) for row in found["conditions"] if row["type"] == kind)


def desired(found: Status) -> int | None:
    """Return the decided replicas; None before the first decision."""
    number: int | None = found.get("desiredOptimizedAlloc", {}).get("numReplicas")
    return number


def replicas(kube: Kube, namespace: str, name: str) -> int:
    """Return how many replicas a Deployment shall have."""
    return int(kube.get("deployment", name, namespace)["spec"]["replicas"])


def events(kube: Kube, namespace: str, name: str) -> set[str]:
    """Return the reasons of all events about one variant."""
    return {
        event["reason"]
        for event in kube.list("events", namespace)
        if event.get("involvedObject", event.get("regarding", {})).get("name") == name
    }
