"""Where somebody sits who asks about a cluster."""

import asyncio
from dataclasses import dataclass

import pytest
from tests.addresses import own_address
from tests.integration.controller.cluster import Cluster
from tests.kubeapi import KubeApi

from penstock.api.names import LABEL_APP, LABEL_COMPONENT
from penstock.cli.app import run
from penstock.cli.faults import FINE

LABELS = {LABEL_APP: "penstock", LABEL_COMPONENT: "operator"}


@dataclass(slots=True)
class Desk:
    """A cluster, and the command line with its kubeconfig."""

    cluster: Cluster
    capsys: pytest.CaptureFixture[str]

    def operator(self, port: int, *, name: str = "penstock-operator-1") -> None:
        """Show a pod of the operator at this machine, with its metrics on a port."""
        pods = f"/api/v1/namespaces/{self.cluster.home}/pods"
        ports = [{"name": "metrics", "containerPort": port}]
        spec = {"containers": [{"name": "operator", "image": "none", "ports": ports}]}
        self.cluster.api.must("POST", pods, {"metadata": {"name": name, "labels": LABELS}, "spec": spec})
        ready = [{"type": "Ready", "status": "True"}]
        address = {"podIP": own_address(), "podIPs": [{"ip": own_address()}]}
        status = {"status": {"phase": "Running", "conditions": ready, **address}}
        self.cluster.api.must("PATCH", f"{pods}/{name}/status", status, content="application/merge-patch+json")

    def no_operator(self, name: str = "penstock-operator-1") -> None:
        path = f"/api/v1/namespaces/{self.cluster.home}/pods/{name}?gracePeriodSeconds=0"
        self.cluster.api.must("DELETE", path)

    async def asks(self, *words: str, namespace: str = "") -> tuple[int, str]:
        """Return the exit code, and what was printed."""
        places = ["-n", namespace or self.cluster.work, "--operator-namespace", self.cluster.home]
        code = await asyncio.to_thread(run, ["explain", *words, *places])
        printed = self.capsys.readouterr()
        return code, printed.out if code == FINE else printed.err


@pytest.fixture
def desk(kube_api: KubeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("KUBECONFIG", str(kube_api.kubeconfig))
    return Desk(Cluster(kube_api), capsys)
