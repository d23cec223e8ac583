"""The shipped roles grant what operator and router ask for, and nothing else: each right is used, nothing is denied."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.audit import Audit, Right, granted, unused
from tests.integration.controller.cluster import Cluster, busy
from tests.integration.controller.fleet import fleet
from tests.integration.manifests.test_install import ROOT, kustomize
from tests.kubeapi import FOREIGN_CRDS, KubeApi, programs
from tests.manifests import documents
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

HOME = "penstock-system"
ACCOUNTS = {  # account -> where its roles stand, and their name
    f"system:serviceaccount:{HOME}:penstock-operator": ("manifests", "penstock-operator"),
    "system:serviceaccount:default:penstock-router": ("manifests/router", "penstock-router"),
}
NODES = "manifests/components/nodes/rbac.yaml"  # what one setting of the operator takes besides
TEMPLATE = {"metadata": {"labels": {"app": "state"}}, "spec": {"containers": [{"name": "engine", "image": "none"}]}}
KINDS = {  # what may be scaled -> its spec, where the pods of `app` are its own
    ("apps/v1", "StatefulSet", "state"): {
        "replicas": 1,
        "serviceName": "state",
        "selector": {"matchLabels": {"app": "state"}},
        "template": TEMPLATE,
    },
    ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "group"): {
        "replicas": 1,
        "leaderWorkerTemplate": {"size": 2, "workerTemplate": TEMPLATE},
    },
}


class Installed(Cluster):
    """A cluster where Penstock was installed from its manifests, and runs as the accounts of these."""

    def __post_init__(self) -> None:
        for folder in ("manifests", "manifests/router"):
            for body in kustomize(folder):
                if body["kind"] not in {"Deployment", "Service"}:
                    self.apply(body)
        for body in documents((ROOT / NODES).read_text()):
            self.apply(body)
        self.home, self.work = HOME, "default"
        self.kubeconfig = self.account(HOME, "penstock-operator")

    def account(self, namespace: str, name: str) -> Path:
        """Return a kubeconfig of a service account."""
        path = self.api.kubeconfig.with_name(f"kubeconfig-{name}")
        self.api.write_kubeconfig(path, self.api.service_account_token(namespace, name))
        return path

    def scaled(self, name: str, model: str, prometheus: PrometheusServer) -> None:
        """Let one pod of a target be full; its node tells the accelerator where the target does not."""
        self.pod(f"{name}-0", {"app": name}, node=self.node(name, "H100"))
        busy(prometheus, self.work, f"{name}-0", model=model)


@pytest.fixture(name="audit", scope="module")
def _audit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KubeApi, Audit]]:
    home = tmp_path_factory.mktemp("audited")
    audit = Audit(home)
    api = KubeApi(programs(), home, *audit.flags)
    try:
        api.open()
        api.install(FOREIGN_CRDS)
        yield api, audit
    finally:
        api.close()


@asynccontextmanager
async def routing(cluster: Installed, port: int, uid: str, home: Path) -> AsyncIterator[None]:
    """Run a router as its own account, behind a pod that is there already."""
    kubeconfig = cluster.account(cluster.work, "penstock-router")
    ports = ("--grpc-port=0", "--grpc-health-port=0", "--metrics-port=0", f"--admin-port={port}")
    origin = ("--pool-name=chat", f"--pool-namespace={cluster.work}", f"--state-dir={home / 'state'}")
    with (home / "router.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it starts in the background
            [sys.executable, "-m", "penstock", "router", *ports, *origin],
            env={**os.environ, "KUBECONFIG": str(kubeconfig), "POD_NAME": "router-0", "POD_UID": uid},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def duties(cluster: Installed, prometheus: PrometheusServer, home: Path) -> None:
    """Make operator and router do everything that they ever do."""
    cluster.deployment()
    old = {"apiVersion": "llmd.ai/v1alpha1", "kind": "VariantAutoscaling", "metadata": {"namespace": cluster.work}}
    old["metadata"]["name"] = "chat"  # type: ignore[index]  # the 2025 shape: the Deployment of this name
    cluster.apply({**old, "spec": {"modelID": "m/chat"}})
    cluster.scaled("chat", "m/chat", prometheus)
    for (version, kind, name), spec in KINDS.items():
        meta = {"name": name, "namespace": cluster.work}
        cluster.apply({"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec})
        cluster.variant(name, f"m/{name}", scaleTargetRef={"apiVersion": version, "kind": kind, "name": name})
        cluster.scaled(name, f"m/{name}", prometheus)
    groups = f"/apis/leaderworkerset.x-k8s.io/v1/namespaces/{cluster.work}/leaderworkersets/group/status"
    found = {"status": {"hpaPodSelector": "app=group", "replicas": 1}}
    cluster.api.must("PATCH", groups, found, content="application/merge-patch+json")

    async with fleet(cluster, home) as made:
        port, uid = made.place("router-0", ready=True)
        made.policy()
        async with routing(cluster, port, uid, home):
            async with cluster.operating(watchNamespaces="", prometheusURL=prometheus.url, limitToNodes="true"):
                await eventually(lambda: made.reason() == "Programmed", "the push")
                for generation, weight in enumerate((2.0, 3.0, 4.0, 3.0), 2):  # a fourth content, and one again
                    made.policy(weights={"criticality": weight})
                    await eventually(lambda: made.revisions()[-1:] == [generation], "the revision")  # noqa: B023
                await eventually(lambda: cluster.replicas() > 1, "a second replica of the Deployment")
                cluster.pod("chat-1", {"app": "chat"})
                # a replica of which no pod was seen yet would go without draining anybody
                await eventually(lambda: cluster.status()["replicas"]["ready"] == 2, "the pod is seen")
                cluster.apply({**old, "spec": {"modelID": "m/chat", "maxReplicas": 1}})
                await eventually(lambda: drains(cluster, "chat-0") or drains(cluster, "chat-1"), "one drains")
                for version, kind, name in KINDS:
                    await eventually(lambda: grown(cluster, version, f"{kind.lower()}s", name), f"{kind} grows")  # noqa: B023
            async with cluster.operating():  # told which namespaces to watch, it reads these one by one
                pass


def drains(cluster: Cluster, name: str) -> bool:
    meta = cluster.api.must("GET", f"/api/v1/namespaces/{cluster.work}/pods/{name}")["metadata"]
    return "penstock.dev/draining" in (meta.get("annotations") or {})


def grown(cluster: Cluster, version: str, plural: str, name: str) -> bool:
    body: dict[str, Any] = cluster.body(name, plural, version)
    return int(body["spec"]["replicas"]) > 1


def roles(folder: str) -> list[dict[str, Any]]:
    return [body for body in kustomize(folder) if body["kind"] in {"Role", "ClusterRole"}]


async def test_every_right_is_used_and_none_is_missing(
    audit: tuple[KubeApi, Audit], prometheus: PrometheusServer, tmp_path: Path
) -> None:
    api, log = audit

    try:
        await duties(Installed(api), prometheus, tmp_path)
    finally:
        denied = {account: log.denied(account) for account in ACCOUNTS}
        assert denied == dict.fromkeys(ACCOUNTS, frozenset()), "add these rights to the role"

    for account, (folder, role) in ACCOUNTS.items():
        assert unused(granted(roles(folder)), log.used(account, role)) == set(), f"take these from the role {role}"
    (nodes,) = (body for body in documents((ROOT / NODES).read_text()) if body["kind"] == "ClusterRole")
    assert unused(granted([nodes]), log.used(next(iter(ACCOUNTS)), nodes["metadata"]["name"])) == set()


def test_a_superfluous_right_would_be_found() -> None:
    needed = {Right("apps", "deployments", "get", "chat"), Right("", "pods", "list")}
    grants = granted(
        [
            {"rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "delete"]}]},
            {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"], "resourceNames": ["other"]}]},
        ]
    )

    assert unused(grants, needed) == {Right("apps", "deployments", "delete"), Right("", "pods", "list", "other")}
