"""scripts/ci_diagnostics.sh on one cluster: all is well, then each of its thirteen links broken in turn, and mended.

The last link is broken first: what a mended one leaves behind for a moment shows in later checks only.
"""

import functools
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.diagnosis import Finding, Report, diagnose, machine
from tests.e2e.engines import engine
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.variants import A100, ENGINE, desired, status, variant

pytestmark = pytest.mark.e2e
ROOM = "links"
MODEL = "links/model"
PENSTOCK = "penstock-system"
CHECKS = range(1, 14)
MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "chat"},
    "spec": {"selector": {"matchLabels": {"app": "chat"}}, "endpoints": [{"port": "http"}]},
}
VARIANT = variant("chat", MODEL, "chat", modelProfile={"accelerators": [A100]})


def classes(model: str) -> dict[str, Any]:
    rows = f"name: Premium\npriority: 1\ndata:\n  - model: {model}\n    slo-tpot: 24\n    slo-ttft: 500\n"
    meta = {"name": "service-classes-config"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"premium.yaml": rows}}


@dataclass(frozen=True, slots=True)
class Links:
    """The chain under test."""

    kube: Kube
    path: Path
    out: Path
    penstock: str
    deployment: dict[str, Any]
    service: dict[str, Any]

    def diagnose(self, *flags: str, **environ: str) -> Report:
        flags = flags or ("--namespace", ROOM)
        return diagnose(self.path, self.kube.kubeconfig, *flags, "--out", str(self.out), **environ)

    def redeploy(self, deployment: dict[str, Any]) -> None:
        self.kube.run("replace", "-n", ROOM, "-f", "-", stdin=yaml.safe_dump(deployment))

    def rolled_out(self) -> None:
        self.kube.rolled_out("deployment", "chat", ROOM)

    def with_container(self, **changes: Any) -> dict[str, Any]:
        """Return the Deployment with another container in it."""
        copy: dict[str, Any] = json.loads(json.dumps(self.deployment))
        copy["spec"]["template"]["spec"]["containers"][0].update(changes)
        return copy


@pytest.fixture(scope="module")
def links(kube: Kube, images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Links]:
    """Put up one healthy chain: engine, Service, monitor, class, variant."""
    home = tmp_path_factory.mktemp("diagnostics")
    deployment, service = engine(images, "chat", model=MODEL, arguments=ENGINE)
    kube.new_namespaces(ROOM)
    kube.apply(classes(MODEL), namespace=PENSTOCK)
    kube.apply(deployment, service, MONITOR, VARIANT, namespace=ROOM)
    kube.rolled_out("deployment", "chat", ROOM)
    until(lambda: status(kube, ROOM, "chat"), lambda it: desired(it) == 1, "a decision", 60)
    yield Links(kube, machine(home / "bin", kube.kubectl), home / "out", images.penstock, deployment, service)
    kube.delete("configmap", "service-classes-config", PENSTOCK)
    kube.delete_namespaces(ROOM)


def healthy(links: Links, *flags: str, **environ: str) -> Report:
    see = functools.partial(links.diagnose, *flags, **environ)
    return until(see, lambda it: it.passed == tuple(CHECKS), "all thirteen checks pass", 120)


def test_a_healthy_chain_passes_all_thirteen(links: Links) -> None:
    report = healthy(links, "--namespace", ROOM, GITHUB_ACTIONS="1")

    assert report.code == 0
    assert "13 of 13 checks pass" in report.output
    assert report.output.count("::group::") == report.output.count("::endgroup::") == 2
    kept = {file.name for file in links.out.iterdir()}
    pod = links.kube.list("pods", ROOM, "app=chat")[0]["metadata"]["name"]
    assert {f"03-metrics-{ROOM}-{pod}.txt", f"11-va-{ROOM}-chat.yaml", "12-operator.log", "21-pods.txt"} <= kept
    assert {"06-prometheus.txt", f"09-query-{ROOM}-chat.txt", "22-events.txt", "24-configmaps.yaml"} <= kept
    assert "vllm:num_requests_running{" in (links.out / f"03-metrics-{ROOM}-{pod}.txt").read_text()


@contextmanager
def no_class(links: Links) -> Iterator[None]:
    links.kube.apply(classes("another/model"), namespace=PENSTOCK)
    try:
        yield
    finally:
        links.kube.apply(classes(MODEL), namespace=PENSTOCK)


@contextmanager
def no_operator(links: Links) -> Iterator[None]:
    links.kube.run("scale", "deployment/penstock-operator", "-n", PENSTOCK, "--replicas=0")
    try:
        yield
    finally:
        links.kube.run("scale", "deployment/penstock-operator", "-n", PENSTOCK, "--replicas=1")
        links.kube.rolled_out("deployment", "penstock-operator", PENSTOCK)


@contextmanager
def excluded(links: Links) -> Iterator[None]:
    links.kube.run("annotate", "namespace", ROOM, "wva.llmd.ai/exclude=true")
    try:
        yield
    finally:
        links.kube.run("annotate", "namespace", ROOM, "wva.llmd.ai/exclude-")


@contextmanager
def no_variant(links: Links) -> Iterator[None]:
    links.kube.delete("va", "chat", ROOM)
    try:
        yield
    finally:
        links.kube.apply(VARIANT, namespace=ROOM)


@contextmanager
def not_scraped(links: Links) -> Iterator[None]:
    links.kube.run("label", "pods", "-n", ROOM, "-l", "app=chat", "scrape=no")
    try:
        yield
    finally:
        links.kube.run("label", "pods", "-n", ROOM, "-l", "app=chat", "scrape-")


@contextmanager
def no_prometheus(links: Links) -> Iterator[None]:
    label = "app.kubernetes.io/name"
    links.kube.patch("service", "prometheus", {"spec": {"selector": {label: "nobody"}}}, "monitoring")
    try:
        yield
    finally:
        links.kube.patch("service", "prometheus", {"spec": {"selector": {label: "prometheus"}}}, "monitoring")


@contextmanager
def no_monitor(links: Links) -> Iterator[None]:
    links.kube.delete("servicemonitor", "chat", ROOM)
    try:
        yield
    finally:
        links.kube.apply(MONITOR, namespace=ROOM)


@contextmanager
def no_service(links: Links) -> Iterator[None]:
    links.kube.delete("service", "chat", ROOM)
    try:
        yield
    finally:
        links.kube.apply(links.service, namespace=ROOM)


@contextmanager
def another_model(links: Links) -> Iterator[None]:
    links.kube.patch("va", "chat", {"spec": {"modelID": "Links/Model"}}, ROOM)
    try:
        yield
    finally:
        links.kube.patch("va", "chat", {"spec": {"modelID": MODEL}}, ROOM)


@contextmanager
def redeployed(links: Links, *, ready: bool = True, **container: Any) -> Iterator[None]:
    links.redeploy(links.with_container(**container))
    if ready:
        links.rolled_out()
    try:
        yield
    finally:
        links.redeploy(links.deployment)
        links.rolled_out()


def no_series(links: Links) -> AbstractContextManager[None]:
    """A container that has metrics, and none of vLLM's."""
    program = "import prometheus_client as p, threading; p.start_http_server(8000); threading.Event().wait()"
    probe = {"httpGet": {"path": "/metrics", "port": "http"}, "periodSeconds": 1}
    command = ["/opt/penstock/bin/python", "-c", program]
    return redeployed(links, image=links.penstock, command=command, args=[], readinessProbe=probe)


def wrong_port(links: Links) -> AbstractContextManager[None]:
    probe = {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1}
    return redeployed(links, ports=[{"name": "http", "containerPort": 9999}], readinessProbe=probe)


def no_image(links: Links) -> AbstractContextManager[None]:
    return redeployed(links, ready=False, image="penstock:nowhere", imagePullPolicy="Never")


@pytest.mark.parametrize(
    ("number", "broken", "says", "remedy"),
    [
        pytest.param(13, no_class, MODEL, "edit configmap service-classes-config", id="13-class"),
        pytest.param(
            12, no_operator, "no log of an operator", "rollout status deployment/penstock-operator", id="12-log"
        ),
        pytest.param(11, excluded, "SkippedProcessing", f"kubectl -n {ROOM} describe va chat", id="11-status"),
        pytest.param(10, no_variant, "no VariantAutoscaling", "kubectl apply", id="10-objects"),
        pytest.param(9, not_scraped, MODEL, f"kubectl -n {ROOM} get pods --show-labels", id="09-series"),
        pytest.param(8, no_monitor, f"{ROOM}/chat", "kubectl get servicemonitors", id="08-monitor"),
        pytest.param(7, no_service, "no Service", f"kubectl -n {ROOM} expose Deployment chat", id="07-service"),
        pytest.param(6, no_prometheus, "http://prometheus.monitoring.svc:9090", "edit configmap", id="06-prometheus"),
        pytest.param(5, another_model, f'model_name="{MODEL}"', f"kubectl -n {ROOM} patch va chat", id="05-model"),
        pytest.param(4, no_series, "exports no vllm:* series", f"kubectl -n {ROOM} edit Deployment chat", id="04-vllm"),
        pytest.param(3, wrong_port, ":9999/metrics", f"kubectl -n {ROOM} edit Deployment chat", id="03-endpoint"),
        pytest.param(2, no_image, "is not ready", f"kubectl -n {ROOM} describe pod", id="02-pods"),
    ],
)
def test_the_broken_link_is_the_first_to_fail(links: Links, number: int, broken: Any, says: str, remedy: str) -> None:
    with broken(links):
        report = until(links.diagnose, lambda it: it.first_failed == number, f"check {number} fails first", 60)

    assert report.code == 1
    assert report.passed[: number - 1] == tuple(range(1, number))
    assert says in report.failed[number].text
    assert remedy in report.failed[number].remedy


def test_a_namespace_that_is_not_there_fails_first(links: Links) -> None:
    report = links.diagnose("--namespace", "nowhere", GITHUB_ACTIONS="1")

    assert report.code == 1
    assert report.failed[1] == Finding(
        "namespaces                  namespace nowhere does not exist",
        "kubectl create namespace nowhere, or name the right one with --namespace or --operator-namespace: "
        "kubectl get namespaces",
    )
    assert "::error title=check 1, namespaces::namespace nowhere does not exist" in report.output


def test_the_printed_command_mends_the_link(links: Links) -> None:
    links.kube.patch("va", "chat", {"spec": {"modelID": "Links/Model"}}, ROOM)
    remedy = links.diagnose().failed[5].remedy

    subprocess.run(
        ["bash", "-c", remedy],
        env={**os.environ, "KUBECONFIG": str(links.kube.kubeconfig)},
        check=True,
        capture_output=True,
    )

    assert links.kube.get("va", "chat", ROOM)["spec"]["modelID"] == MODEL
    assert 5 in links.diagnose().passed


def test_all_is_mended(links: Links) -> None:
    healthy(links)


def test_without_a_cluster_it_says_so(tmp_path: Path, kube: Kube) -> None:
    report = diagnose(machine(tmp_path / "bin", kube.kubectl), tmp_path / "none", "--out", str(tmp_path / "out"))

    assert report.code == 3
    assert "fix: set KUBECONFIG" in report.output
