"""One kind cluster for all stories: Penstock from its manifests, Prometheus, and whatever a story adds."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_kind import KindCluster
from tests.e2e.images import Images, provide
from tests.e2e.kube import Kube
from tests.e2e.setup import install
from tests.needs import missing

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out" / "e2e"
_PAUSE = re.compile(r"(\d+)(s|m|h)")


@pytest.fixture(scope="session")
def programs() -> None:
    """The programs that a kind cluster needs."""
    for program in ("docker", "kind", "kubectl"):
        if shutil.which(program) is None:
            missing(program, "install it to run the stories on kind")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        missing("a docker engine", "start it to run the stories on kind")


@pytest.fixture(scope="session")
def images(programs: None) -> Images:
    """The images of this run, built or pulled."""
    del programs
    return provide(ROOT)


@pytest.fixture(scope="session")
def kube(request: pytest.FixtureRequest, images: Images) -> Iterator[Kube]:
    """A ready cluster with Penstock on it; held open by E2E_PAUSE_ON_EXIT, kept by --keep-cluster."""
    cluster: KindCluster = request.getfixturevalue("kind_cluster")
    kube = Kube(Path(cluster.kubectl_path).absolute(), Path(cluster.kubeconfig_path).absolute())
    kube.run("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s", timeout_s=200)
    kube.rolled_out("deployment", "coredns", "kube-system")
    names = [images.penstock, images.prometheus, images.envoy, *([images.sim] if images.sim != images.penstock else [])]
    subprocess.run([str(cluster.kind_path), "load", "docker-image", "--name", cluster.name, *names], check=True)
    install(kube, ROOT)
    yield kube
    _pause()


def _pause() -> None:
    """Hold the cluster for whoever wants to look at it (seed: E2E_PAUSE_ON_EXIT=30m)."""
    match = _PAUSE.fullmatch(os.environ.get("E2E_PAUSE_ON_EXIT", ""))
    if match:
        print(f"Pausing for {match[0]}; end it with Ctrl-C")
        time.sleep(int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """On the first failure of a story, gather what a person needs to understand it."""
    report = yield
    if report.failed and report.when in {"setup", "call"} and "kube" in getattr(item, "funcargs", {}):
        folder = OUT / "diagnostics" / re.sub(r"\W+", "-", item.name)
        kube: Kube = item.funcargs["kube"]  # type: ignore[attr-defined]  # pytest sets it on functions
        done = subprocess.run(
            ["bash", str(ROOT / "scripts" / "ci_diagnostics.sh"), "--out", str(folder)],
            env={**os.environ, "KUBECONFIG": str(kube.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        report.sections.append(("ci_diagnostics.sh", done.stdout + done.stderr))
    return report
