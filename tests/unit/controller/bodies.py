"""Objects as an API server returns them, reduced to what tests are about."""

from typing import Any


def meta(name: str, *, namespace: str = "llm", uid: str = "", version: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "uid": uid or name, "resourceVersion": str(version), **more}


def pod(name: str, *, ready: bool = True, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": meta(name, labels=labels or {"app": "chat"}, **more),
        "spec": {"containers": [{"name": "engine"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "conditions": conditions},
    }


def router_labels(**more: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "penstock", "app.kubernetes.io/component": "router", **more}
