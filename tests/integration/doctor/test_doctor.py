"""The doctor on a real API server: engines and Prometheus through its proxies, every link healthy, then broken."""

import asyncio
import contextlib
import copy
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.accounts import kubeconfig_of
from tests.addresses import own_address
from tests.integration.controller.cluster import Cluster
from tests.kubeapi import KubeApi
from tests.prometheus import PrometheusServer, steady
from tests.waiting import eventually

from penstock.api.kinds import DEFINITIONS, Kind
from penstock.api.names import LABEL_APP, LABEL_COMPONENT, OPERATOR_ACCOUNT
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.objects import Objects
from penstock.doctor.examine import Asked, examine
from penstock.doctor.findings import Examination, Level
from penstock.doctor.gather import look_at_operator
from penstock.domain.variants import ObjectKey
from penstock.settings.engine import read
from penstock.wiring.doctor import joined
from penstock.wiring.engine import served

MODEL = "Qwen/Qwen3-32B"
VIEWER = (  # what the role `view` lets its bearer read, and our objects
    {"apiGroups": ["llmd.ai"], "resources": ["variantautoscalings"], "verbs": ["get", "list"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods", "services", "configmaps", "namespaces"], "verbs": ["get", "list"]},
)


@pytest.fixture(scope="module", name="prometheus")
def _prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A Prometheus that the API server's proxy can reach."""
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"), address=own_address())
    try:
        server.open()
        yield server
    finally:
        server.close()


@dataclass(slots=True)
class Clinic:
    """A cluster whose engine really answers, and a doctor for it."""

    cluster: Cluster
    kube: Kube
    address: str

    async def engine(self, stack: contextlib.AsyncExitStack, name: str = "chat-1", model: str = MODEL) -> None:
        """Start an emulated engine behind a ready pod."""
        settings = read([f"--model={model}", f"--host={self.address}", "--port=0"], {})
        host = await stack.enter_async_context(served(settings))
        self.pod(name, {"app": "chat"}, host.port)

    def pod(self, name: str, labels: dict[str, str], port: int) -> None:
        """Create a ready pod that is this machine."""
        self.cluster.pod(name, labels, ports=[{"name": "http", "containerPort": port}])
        status = {"podIP": self.address, "podIPs": [{"ip": self.address}]}
        path = f"/api/v1/namespaces/{self.cluster.work}/pods/{name}/status"
        self.cluster.api.must("PATCH", path, {"status": status}, content="application/merge-patch+json")

    def service(self, name: str, port: int, target: int) -> None:
        """Create a Service that leads to a port of this machine, with the pod and endpoints of such a one."""
        self.pod(name, {"app": name}, target)
        meta = {"name": name, "namespace": self.cluster.work}
        ports = [{"port": port, "targetPort": target, "protocol": "TCP"}]
        self.cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": ports}})
        address = {"ip": self.address, "targetRef": {"kind": "Pod", **meta}}
        subset = {"addresses": [address], "ports": [{"port": target}]}
        self.cluster.apply({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": [subset]})

    def monitor(self, **labels: str) -> None:
        """Create a PodMonitor that selects these labels."""
        self.cluster.apply(
            {
                "apiVersion": "monitoring.coreos.com/v1",
                "kind": "PodMonitor",
                "metadata": {"name": "engines", "namespace": self.cluster.work},
                "spec": {"selector": {"matchLabels": labels}, "podMetricsEndpoints": [{"port": "http"}]},
            }
        )

    def operator_pod(self) -> None:
        """Show the operator that this process runs as the pod that it would be in."""
        labels = {LABEL_APP: "penstock", LABEL_COMPONENT: "operator"}
        container = {"name": "operator", "image": "none", "args": ["operator", "--watch-namespaces", self.cluster.work]}
        body = {"metadata": {"name": "penstock-operator-1", "labels": labels}, "spec": {"containers": [container]}}
        pods = f"/api/v1/namespaces/{self.cluster.home}/pods"
        self.cluster.api.must("POST", pods, body)
        status = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
        path = f"{pods}/penstock-operator-1/status"
        self.cluster.api.must("PATCH", path, status, content="application/merge-patch+json")

    async def examine(self, **what: str) -> list[Examination]:
        asked = Asked(namespace=self.cluster.work, operator_namespace=self.cluster.home, **what)
        return await examine(joined(self.kube), asked, time.time())

    async def variant(self, name: str = "chat") -> dict[str, tuple[Level, str, str]]:
        """Return level, text and fix of each check of one variant."""
        (found,) = await self.examine(variant=name)
        return {one.check: (one.level, one.text, one.fix) for one in found.findings}


@pytest.fixture(name="clinic")
async def _clinic(kube_api: KubeApi) -> AsyncIterator[Clinic]:
    async with Kube(Login(kubeconfig=str(kube_api.kubeconfig))) as kube:
        yield Clinic(Cluster(kube_api), kube, own_address())


def gauges(server: PrometheusServer, namespace: str, pod: str, model: str = MODEL) -> None:
    labels = {"namespace": namespace, "pod": pod, "model_name": model}
    names = ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc")
    server.write([steady(name, labels, time.time(), value=0.0) for name in names])


@contextlib.asynccontextmanager
async def healthy(clinic: Clinic, prometheus: PrometheusServer) -> AsyncIterator[None]:
    """Make everything that a variant needs, with Prometheus behind a Service of the cluster.

    No fixture: kopf cancels every task that began after it, and pytest ends a fixture in such a one.
    """
    async with contextlib.AsyncExitStack() as stack:
        cluster = clinic.cluster
        cluster.deployment(replicas=1)
        await clinic.engine(stack)
        gauges(prometheus, cluster.work, "chat-1")
        clinic.monitor(app="chat")
        clinic.service("prometheus", 9090, prometheus.port)
        clinic.operator_pod()
        cluster.variant(model=MODEL)
        async with cluster.operating(prometheusURL=prometheus.url):
            await eventually(lambda: cluster.reason("Ready"), "a status")
            cluster.settings(prometheusURL=f"http://prometheus.{cluster.work}.svc:9090")
            yield


async def test_all_is_well(clinic: Clinic, prometheus: PrometheusServer) -> None:
    async with healthy(clinic, prometheus):
        found, everything = await clinic.variant(), await clinic.examine()

    assert {check: told for check, told in found.items() if told[0] is not Level.OK} == {}
    assert found["target"] == (Level.OK, "Deployment chat, 1 of 1 ready", "")
    assert found["scraped"][1].startswith("1 of 1 engines fresh")
    assert found["prometheus"][1] == f"http://prometheus.{clinic.cluster.work}.svc:9090 answers"
    assert [one.about for one in everything] == ["operator", "va/chat"]
    assert [one for examined in everything for one in examined.findings if one.is_problem] == []


async def test_wrong_model_is_named_with_its_remedy(clinic: Clinic, prometheus: PrometheusServer) -> None:
    async with healthy(clinic, prometheus):
        cluster = clinic.cluster
        cluster.variant(model="Qwen3-32B")
        await eventually(lambda: cluster.reason("Ready") == "ModelNameMismatch", "the operator's verdict")

        found = await clinic.variant()

    text = f'pods report model_name="{MODEL}", the object says "Qwen3-32B"'
    fix = f"""kubectl -n {cluster.work} patch va chat --type merge -p '{{"spec":{{"modelID":"{MODEL}"}}}}'"""
    assert found["model name"] == (Level.FAIL, text, fix)
    assert [check for check, told in found.items() if told[0] is Level.FAIL] == ["model name"]
    assert found["status"][0] is Level.WARN  # it says the same


async def test_dead_engine_and_lost_prometheus(clinic: Clinic, prometheus: PrometheusServer) -> None:
    async with healthy(clinic, prometheus):
        cluster = clinic.cluster
        cluster.delete("pods", "chat-1")
        with socket.create_server((clinic.address, 0)) as closed:
            port = closed.getsockname()[1]
        clinic.pod("chat-2", {"app": "chat"}, port)
        cluster.settings(prometheusURL=f"http://nowhere.{cluster.work}.svc:9090")

        found = await clinic.variant()

    assert found["endpoint"][0] is Level.FAIL
    assert "connection refused" in found["endpoint"][1]
    assert found["prometheus"][0] is Level.FAIL
    assert '"nowhere" not found' in found["prometheus"][1]


async def test_bare_cluster(clinic: Clinic) -> None:
    found = await clinic.examine(variant="chat")

    assert [one.text for one in found[0].findings if one.is_problem] == [
        f"there is no VariantAutoscaling {clinic.cluster.work}/chat"
    ]


async def test_user_without_rights_is_told_which(
    clinic: Clinic, prometheus: PrometheusServer, kube_api: KubeApi, tmp_path: Path
) -> None:
    async with healthy(clinic, prometheus):
        config = kubeconfig_of(kube_api, tmp_path, clinic.cluster.work, VIEWER)

        async with Kube(Login(kubeconfig=str(config))) as kube:
            found = await Clinic(clinic.cluster, kube, clinic.address).variant()

    assert {check for check, told in found.items() if told[0] is Level.MISS} == {"endpoint", "monitors"}
    assert found["endpoint"][2] == f"kubectl auth can-i get pods/proxy -n {clinic.cluster.work}"
    assert found["prometheus"][0] is Level.WARN


class OfWva(Objects):
    """The cluster's objects, but its definition of variants knows no targets."""

    async def get(self, kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
        found = await super().get(kind, key)
        if found is None or kind != DEFINITIONS:
            return found
        thinned: dict[str, Any] = copy.deepcopy(dict(found))
        del thinned["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["slo"]
        return thinned


@pytest.mark.parametrize(
    ("objects", "dropped"), [pytest.param(Objects, set(), id="ours"), pytest.param(OfWva, {"slo"}, id="of WVA")]
)
async def test_the_definition_is_looked_at(clinic: Clinic, objects: type[Objects], dropped: set[str]) -> None:
    facts = await look_at_operator(objects(clinic.kube), clinic.cluster.home, time.time())

    assert facts.dropped == dropped


async def test_a_key_that_nobody_reads_is_told(clinic: Clinic) -> None:
    clinic.cluster.settings(nosuch="1")

    facts = await look_at_operator(Objects(clinic.kube), clinic.cluster.home, time.time())

    assert [one.field for one in facts.unread] == ["nosuch"]


async def test_a_right_that_a_setting_takes_and_nobody_granted(
    clinic: Clinic, kube_api: KubeApi, tmp_path: Path
) -> None:
    cluster = clinic.cluster
    viewer = Login(kubeconfig=str(kubeconfig_of(kube_api, tmp_path, cluster.work, VIEWER)))
    rbac, name = "rbac.authorization.k8s.io", f"nodes-{cluster.home}"
    subject = {"kind": "ServiceAccount", "name": OPERATOR_ACCOUNT, "namespace": cluster.home}
    lists = {"rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]}
    binds = {"roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": name}, "subjects": [subject]}

    async def lacks(kube: Kube = clinic.kube) -> bool:
        return (await look_at_operator(Objects(kube), cluster.home, time.time())).lacks_nodes

    unasked = await lacks()
    cluster.settings(limitToNodes="true")
    async with Kube(viewer) as kube:
        unseen = await lacks(kube)
    denied = await lacks()
    for kind, body in {"ClusterRole": lists, "ClusterRoleBinding": binds}.items():
        cluster.apply({"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": {"name": name}, **body})
    async with asyncio.timeout(30):
        while await lacks():  # a right that was granted counts a moment later
            pass

    assert (unasked, unseen, denied) == (False, False, True)
