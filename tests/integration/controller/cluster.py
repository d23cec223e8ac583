"""A small world for the operator: its own namespace, a namespace to watch, and what controllers would make in it."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer, Series, steady
from tests.waiting import eventually

from penstock.api.names import LEARNED_CONFIGMAP, LEASE, OPERATOR_ACCOUNT
from penstock.cluster.connection import Login
from penstock.cluster.lease import Timing
from penstock.controller.process import Operator
from penstock.settings.operator import OperatorOptions
from penstock.wiring.operator import Command, joined

MODEL = "m/m"
FAST = Timing(lease_s=1.0, renew_s=0.8, retry_s=0.1)
Body = dict[str, Any]


@dataclass(slots=True)
class Cluster:
    """Two namespaces of one API server: `home` is the operator's, `work` holds what it looks after."""

    api: KubeApi
    home: str = field(init=False)
    work: str = field(init=False)
    kubeconfig: Path = field(init=False)  # the operator's; the administrator's, unless a test says otherwise

    def __post_init__(self) -> None:
        self.kubeconfig = self.api.kubeconfig
        self.home, self.work = self.api.namespace("home"), self.api.namespace("work")
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {}}
        self.apply(lease | {"metadata": {"name": LEASE, "namespace": self.home}})
        learned = {"apiVersion": "v1", "kind": "ConfigMap"}
        self.apply(learned | {"metadata": {"name": LEARNED_CONFIGMAP, "namespace": self.home}})
        self.api.service_account_token(self.home, OPERATOR_ACCOUNT)

    def apply(self, manifest: Body) -> None:
        reply = self.api.apply(manifest)
        assert reply.ok, reply.message

    def deployment(self, name: str = "chat", replicas: int = 1, product: str = "H100", gpus: int = 0) -> None:
        labels = {"app": name}
        container: Body = {"name": "engine", "image": "none", "args": ["--max-num-seqs", "64"]}
        if gpus:
            container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
        where = {"nodeSelector": {"nvidia.com/gpu.product": product}} if product else {}
        self.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": self.work},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [container]} | where,
                    },
                },
            }
        )

    def variant(self, name: str = "chat", model: str = MODEL, **spec: Any) -> None:
        self.apply(
            {
                "apiVersion": "llmd.ai/v1alpha1",
                "kind": "VariantAutoscaling",
                "metadata": {"name": name, "namespace": self.work},
                "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "chat"}, "modelID": model} | spec,
            }
        )

    def node(self, name: str, product: str, gpus: int = 0) -> str:
        """Create a node with an accelerator, and return its name, which no other test uses; with `gpus` it is Ready."""
        name = f"{name}.{self.work}"
        labels = {"nvidia.com/gpu.product": product}
        self.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
        if gpus:
            has = {"nvidia.com/gpu": str(gpus)}
            status = {"allocatable": has, "capacity": has, "conditions": [{"type": "Ready", "status": "True"}]}
            path = f"/api/v1/nodes/{name}/status"
            self.api.must("PATCH", path, {"status": status}, content="application/merge-patch+json")
        return name

    def pod(
        self,
        name: str,
        labels: dict[str, str],
        *,
        ready: bool = True,
        ports: list[Body] | None = None,
        node: str | None = None,
        gpus: int = 0,
    ) -> str:
        """Create a pod as a controller, a scheduler and a kubelet would, and return its uid."""
        container: Body = {"name": "main", "image": "none", "ports": ports or []}
        if gpus:
            container["resources"] = {"limits": {"nvidia.com/gpu": str(gpus)}}
        body = {"metadata": {"name": name, "labels": labels}, "spec": {"containers": [container], "nodeName": node}}
        made = self.api.must("POST", f"/api/v1/namespaces/{self.work}/pods", body)
        self.ready(name, ready=ready)
        return str(made["metadata"]["uid"])

    def ready(self, name: str, *, ready: bool = True) -> None:
        conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
        status = {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}], "conditions": conditions}
        path = f"/api/v1/namespaces/{self.work}/pods/{name}/status"
        self.api.must("PATCH", path, {"status": status}, content="application/merge-patch+json")

    def delete(self, plural: str, name: str, group: str = "") -> None:
        root = f"/apis/{group}" if group else "/api/v1"
        query = "?gracePeriodSeconds=0" if plural == "pods" else ""
        self.api.must("DELETE", f"{root}/namespaces/{self.work}/{plural}/{name}{query}")

    def body(self, name: str = "chat", plural: str = "variantautoscalings", group: str = "llmd.ai/v1alpha1") -> Body:
        found: Body = self.api.must("GET", f"/apis/{group}/namespaces/{self.work}/{plural}/{name}")
        return found

    def status(self, name: str = "chat") -> Body:
        found: Body = self.body(name).get("status", {})
        return found

    def reason(self, kind: str, name: str = "chat") -> str:
        """Return the reason of one condition of a variant, empty before there is any."""
        rows = self.status(name).get("conditions", [])
        return next((str(row["reason"]) for row in rows if row["type"] == kind), "")

    def policy(self, name: str = "chat", plural: str = "workloadpolicies") -> Body:
        return self.body(name, plural, "penstock.dev/v1alpha1")

    def replicas(self, name: str = "chat") -> int:
        return int(self.body(name, "deployments", "apps/v1")["spec"]["replicas"])

    def events(self, about: str, namespace: str = "") -> list[tuple[str, str]]:
        """Return (reason, message) of the events about an object."""
        listing = self.api.must("GET", f"/api/v1/namespaces/{namespace or self.work}/events")
        return [(one["reason"], one["message"]) for one in listing["items"] if one["involvedObject"]["name"] == about]

    def settings(self, **data: str) -> None:
        meta = {"name": "penstock-config", "namespace": self.home}
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})

    @contextlib.asynccontextmanager
    async def operating(
        self, relist_s: float = 300.0, *, address: str = "127.0.0.1", **flags: str
    ) -> AsyncIterator[Operator]:
        """Run an operator in this process, on the namespace `work` alone, until the context ends."""
        records = tempfile.TemporaryDirectory()  # of the run: it goes when nobody holds it any more
        told = {"watchNamespaces": self.work, "interval": "100ms", "startupPrior": "1s", "logLevel": "info"}
        told |= {"recordDir": records.name} | flags
        command = Command(
            login=Login(kubeconfig=str(self.kubeconfig)),
            options=OperatorOptions(flags=told, environ={}, operator_namespace=self.home),
            metrics_port=0,
            health_port=0,
            keda_port=0,
            address=address,
            timing=FAST,
            relist_s=relist_s,
        )
        async with joined(command) as operator:
            stop = asyncio.Event()
            running = asyncio.create_task(operator.run(stop))
            try:
                await eventually(lambda: running.done() or operator.world.complete, "the first lists")
                yield operator
            finally:
                stop.set()
                await running
                records.cleanup()


def idle(server: PrometheusServer, namespace: str, *pods: str, model: str = MODEL) -> None:
    """Make Prometheus know engines that serve nothing: gauges, no counters."""
    server.write([series for pod in pods for series in _gauges(namespace, pod, model, running=0.0, kv=0.0)])


def busy(server: PrometheusServer, namespace: str, *pods: str, model: str = MODEL) -> None:
    """Make Prometheus know engines that are full."""
    server.write([series for pod in pods for series in _gauges(namespace, pod, model, running=64.0, kv=0.95)])


def _gauges(namespace: str, pod: str, model: str, *, running: float, kv: float) -> list[Series]:
    labels = {"namespace": namespace, "pod": pod, "model_name": model}
    waiting = 20.0 if running else 0.0
    values = {
        "vllm:num_requests_running": running,
        "vllm:num_requests_waiting": waiting,
        "vllm:kv_cache_usage_perc": kv,
    }
    return [steady(name, labels, time.time(), value=value) for name, value in values.items()]
