"""Penstock as installed: where pods are restricted, watched by Prometheus, and from the chart as well."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.e2e.images import PENSTOCK, Images
from tests.e2e.kube import CommandError, Kube, until
from tests.e2e.prometheus import values
from tests.needs import missing

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
HOME = "penstock-system"


def pod(name: str, spec: dict[str, object]) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def tried(kube: Kube, manifest: str) -> None:
    """Let the API server judge a pod in the operator's namespace, and keep nothing."""
    kube.run("create", "-n", HOME, "--dry-run=server", "-f", "-", stdin=manifest)


def test_the_namespace_takes_restricted_pods_only(kube: Kube) -> None:
    with pytest.raises(CommandError, match="violates PodSecurity"):
        tried(kube, pod("bold", {"containers": [{"name": "bold", "image": PENSTOCK}]}))


def test_a_router_may_live_in_a_restricted_namespace(kube: Kube) -> None:
    objects = yaml.safe_load_all(kube.run("kustomize", str(ROOT / "tests" / "e2e" / "install" / "router")))
    template = next(body["spec"]["template"] for body in objects if body["kind"] == "Deployment")

    tried(kube, pod("router", {**template["spec"], "serviceAccountName": "penstock-operator"}))


def test_prometheus_sees_the_leader(kube: Kube) -> None:
    until(lambda: values(kube, "penstock_leader"), lambda it: it == [1.0], "penstock_leader", 30)


@pytest.fixture
def release(kube: Kube, images: Images) -> Iterator[str]:
    """A router from the chart, in a namespace of its own."""
    if shutil.which("helm") is None:
        missing("helm", "install it to try the chart")
    chosen = {
        "operator.enabled": "false",
        "router.enabled": "true",
        "router.operatorNamespace": HOME,
        "router.env.PENSTOCK_POOL_NAME": "chat",
        "router.envoy.image": images.envoy,
        "image.repository": PENSTOCK.partition(":")[0],
        "image.tag": PENSTOCK.partition(":")[2],
    }
    flags = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
    helm = ["helm", "--kubeconfig", str(kube.kubeconfig), "--namespace", "charted"]
    chart = str(ROOT / "charts" / "penstock")
    installed = [*helm, "install", "penstock", chart, "--create-namespace", "--wait", "--timeout", "180s", *flags]
    done = subprocess.run(installed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield "charted"
    subprocess.run([*helm, "uninstall", "penstock"], capture_output=True, check=True)
    kube.delete_namespaces("charted")


def test_the_chart_installs_a_router_that_is_ready(kube: Kube, release: str) -> None:
    found = kube.list("pods", release, "app.kubernetes.io/component=router")

    assert [one["status"]["phase"] for one in found] == ["Running"]
    assert "router serves" in kube.logs("deployment/penstock-router", release, "-c", "router")
