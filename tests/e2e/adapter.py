"""Puts up the external.metrics.k8s.io server of the stories, and HPAs that read our gauge through it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.images import Images
from tests.e2e.kube import Kube, until

ROOM = "adapter"
GROUP = "external.metrics.k8s.io"
_NAMED = {"metadata": {"name": "adapter"}}
_LABELS = {"app": "adapter"}


def put_up(kube: Kube, images: Images) -> None:
    """Run the server and register it at the API server; the namespace is there already."""
    container = {
        "name": "adapter",
        "image": images.penstock,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/opt/penstock/bin/python", "-c", Path(__file__).with_name("adapter_server.py").read_text()],
        "args": ["http://prometheus.monitoring.svc:9090/api/v1/query"],
        "readinessProbe": {"tcpSocket": {"port": 6443}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": _LABELS}, "spec": {"containers": [container]}}
    service_spec = {"selector": _LABELS, "ports": [{"port": 443, "targetPort": 6443}]}
    kube.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            **_NAMED,
            "spec": {"selector": {"matchLabels": _LABELS}, "template": template},
        },
        {"apiVersion": "v1", "kind": "Service", **_NAMED, "spec": service_spec},
        *_registered(),
        namespace=ROOM,
    )


def answers(kube: Kube) -> None:
    """Wait until the API server finds the server behind the group."""
    until(lambda: kube.run("get", "--raw", f"/apis/{GROUP}/v1beta1"), lambda it: "APIResourceList" in it, GROUP, 90)


def take_down(kube: Kube) -> None:
    """Unregister it first: a group that nobody answers for would keep every namespace from going."""
    kube.run("delete", "apiservice", f"v1beta1.{GROUP}", "--ignore-not-found")


def _registered() -> list[dict[str, Any]]:
    rbac = "rbac.authorization.k8s.io"
    hpas = {"kind": "ServiceAccount", "name": "horizontal-pod-autoscaler", "namespace": "kube-system"}
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": "adapter"}
    return [
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1beta1.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": "adapter", "namespace": ROOM},
            },
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            **_NAMED,
            "rules": [{"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list"]}],
        },
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", **_NAMED, "roleRef": role, "subjects": [hpas]},
    ]


def hpa(
    name: str, deployment: str, *, room: str, most: int, annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return an HPA that makes a Deployment what the gauge of the variant called like it says."""
    labels = {"variant_name": deployment, "exported_namespace": room}
    metric = {"name": "wva_desired_replicas", "selector": {"matchLabels": labels}}
    target = {"type": "AverageValue", "averageValue": "1"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "annotations": dict(annotations or {})},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
            "minReplicas": 1,
            "maxReplicas": most,
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
            "metrics": [{"type": "External", "external": {"metric": metric, "target": target}}],
        },
    }
