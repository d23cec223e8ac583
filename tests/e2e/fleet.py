"""The rooms of the scaling stories: all are put up at once, so that one story's waiting is another's time.

costs: a cheap and a dear variant of one model, loaded from the beginning. sleepy: the same of a model that may go to
zero, behind a router. stuck: the cheap one fits on no node. gauged: HPAs that read our gauge through the adapter.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e import adapter
from tests.e2e.engines import engine
from tests.e2e.history import History, recorded
from tests.e2e.images import Images
from tests.e2e.kube import Kube
from tests.e2e.load import job
from tests.e2e.setup import kustomized
from tests.e2e.variants import A100, ENGINE, variant

from penstock.api.names import LABEL_CONFIG_ENABLED

COSTS, GAUGED, SLEEPY, STUCK = ROOMS = ("costs", "gauged", "sleepy", "stuck")
MODEL = "fleet/model"
SCARCE = "e2e.penstock.dev/scarce"  # a label that no node has
PRICES = {"cheap": "10.0", "dear": "40.0"}
LOAD_S = 75
LOAD_PER_S = 4.0
_PROFILE = {"modelProfile": {"accelerators": [A100]}}
_FULL = json.dumps({"running-requests": 4, "waiting-requests": 10, "kv-cache-usage": 0.95})
_ZERO = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "wva-model-scale-to-zero-config"},
    "data": {"default": "enable_scale_to_zero: true\nretention_period: 10s\n"},
}
_POOL = {
    "apiVersion": "inference.networking.k8s.io/v1",
    "kind": "InferencePool",
    "metadata": {"name": "chat"},
    "spec": {
        "selector": {"matchLabels": {"served": SLEEPY}},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"kind": "Service", "name": "penstock-router", "port": {"number": 9002}},
    },
}


@contextmanager
def put_up(kube: Kube, images: Images) -> Iterator[History]:
    """Put everything up, begin the load of `costs`, and record what all variants go through."""
    kube.run("label", "nodes", "--all", f"{SCARCE}-")
    adapter.take_down(kube)
    kube.new_namespaces(*ROOMS, adapter.ROOM)
    adapter.put_up(kube, images)
    with recorded(kube, "va") as history:
        kube.run("label", "namespace", SLEEPY, f"{LABEL_CONFIG_ENABLED}=true")
        kube.apply(_ZERO, _POOL, namespace=SLEEPY)
        kube.apply(kustomized(kube, Path(__file__).parent / "install" / "sleeper", images), namespace=SLEEPY)
        kube.apply(*_pair(images, COSTS, cheap=1, dear=0), *_priced(maxReplicas=2), namespace=COSTS)
        kube.apply(*_pair(images, SLEEPY, cheap=1, dear=1), *_priced(), namespace=SLEEPY)
        kube.apply(*_unplaceable(_pair(images, STUCK, cheap=0, dear=1)), namespace=STUCK)
        kube.apply(*_gauged(images), namespace=GAUGED)
        for room, name in ((COSTS, "cheap"), (GAUGED, "chat"), (GAUGED, "code"), (STUCK, "dear")):
            kube.rolled_out("deployment", name, room)
        begin_load(kube, images, COSTS, per_s=LOAD_PER_S, seconds=LOAD_S)
        yield history
    adapter.take_down(kube)
    kube.delete_namespaces(*ROOMS, adapter.ROOM)


def begin_load(kube: Kube, images: Images, room: str, *, per_s: float, seconds: float) -> None:
    """Send requests to all replicas of a room's pair, through one Service."""
    asked = {"url": f"http://{room}:8000", "model": MODEL, "per_s": per_s, "seconds": seconds, "tokens": 128}
    kube.apply(job(images, "load", **asked), namespace=room)


def priced(name: str, **more: Any) -> dict[str, Any]:
    """Return one variant of a pair, at its price."""
    return variant(name, MODEL, name, **{"variantCost": PRICES[name], **_PROFILE, **more})


def _priced(**cheap: int) -> list[dict[str, Any]]:
    return [priced("cheap", **cheap), priced("dear", maxReplicas=3, minReplicas=0)]


def _pair(images: Images, room: str, **replicas: int) -> list[dict[str, Any]]:
    """Return both engines of a room, and a Service that leads to either."""
    both = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": room},
        "spec": {"selector": {"served": room}, "ports": [{"name": "http", "port": 8000, "targetPort": "http"}]},
    }
    engines = [
        body
        for name, count in replicas.items()
        for body in engine(images, name, model=MODEL, arguments=ENGINE, replicas=count, labels={"served": room})
    ]
    return [*engines, both]


def _unplaceable(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let the pods of the first Deployment ask for a node that does not exist."""
    bodies[0]["spec"]["template"]["spec"]["nodeSelector"] = {SCARCE: "yes"}
    return bodies


def _gauged(images: Images) -> list[dict[str, Any]]:
    """Return a variant whose HPA acts, and an HPA that declares one, over an engine that is always full."""
    annotations = {"llm-d.ai/managed": "true", "llm-d.ai/model-id": "declared/model", "llm-d.ai/variant-cost": "10.0"}
    return [
        *engine(images, "chat", model="gauged/model", arguments=ENGINE),
        *engine(images, "code", model="declared/model", arguments=(*ENGINE, "--fake-metrics", _FULL)),
        variant("chat", "gauged/model", "chat", minReplicas=2, maxReplicas=4, actuation="Metrics"),
        adapter.hpa("chat-scaler", "chat", room=GAUGED, most=4),
        adapter.hpa("code-scaler", "code", room=GAUGED, most=3, annotations=annotations),
    ]
