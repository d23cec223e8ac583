"""Engines for the stories: Deployments of the simulator's image, or of our drop-in; nobody can tell from outside."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.e2e.images import Images


def engine(  # the fields of one Deployment, each with its usual value
    images: Images,
    name: str,
    *,
    model: str,
    arguments: Sequence[str] = (),
    replicas: int = 1,
    labels: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Return the Deployment and the Service of one engine; `arguments` come after --model and --port."""
    pod_labels = {"app": name, **(labels or {})}
    container = {
        "name": "engine",
        "image": images.sim,
        "imagePullPolicy": "IfNotPresent",
        **({"command": list(images.sim_command)} if images.sim_command else {}),
        "args": ["--model", model, "--port", "8000", *arguments],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
        # the Service leads to a pod for a moment after it was told to go
        "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": pod_labels},
                "spec": {"terminationGracePeriodSeconds": 10, "containers": [container]},
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 8000, "targetPort": "http"}]},
    }
    return [deployment, service]
