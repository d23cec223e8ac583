"""One kind cluster for all stories: Penstock from its manifests, Prometheus, and whatever a story adds."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_kind import KindCluster
from tests.e2e.fleet import put_up
from tests.e2e.history import History
from tests.e2e.images import Build, Images, choose
from tests.e2e.kube import Kube
from tests.e2e.prices import put_up as prices_put_up
from tests.e2e.setup import definitions, install
from tests.needs import missing

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out" / "e2e"
_LATE = 3
# The rest is 1. Loads that take minutes to be forgotten begin first, stories that are about no load at all are told
# meanwhile, and links that everything else stands on are broken last.
_TURNS = {"test_variants": 0, "test_install": 2, "test_ordering": 2, "test_diagnostics": _LATE + 1}
_PAUSE = re.compile(r"(\d+)([smh])")
_KUBE = pytest.StashKey[Kube]()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a pause that cannot be read, before a cluster is made."""
    config.addinivalue_line("markers", "late: waits until a load is forgotten, so whatever else there is comes before")
    if not _PAUSE.fullmatch(os.environ.get("E2E_PAUSE_ON_EXIT", "0s")):
        raise pytest.UsageError("E2E_PAUSE_ON_EXIT: write a number of s, m or h, such as 30m")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let as much as possible be told while loads are forgotten, so that nobody only waits."""
    items.sort(key=lambda item: _LATE if item.get_closest_marker("late") else _TURNS.get(item.path.stem, 1))


@pytest.fixture(scope="session")
def programs() -> None:
    """The programs that a kind cluster needs."""
    for program in ("docker", "kind", "kubectl"):
        if shutil.which(program) is None:
            missing(program, "install it to run the stories on kind")
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        missing("a docker engine", "start it to run the stories on kind")


@pytest.fixture(scope="session")
def images(programs: None, request: pytest.FixtureRequest) -> Images:
    """The images of this run."""
    del programs
    chosen = choose()
    _say(request.config, chosen.engines)
    return chosen


@pytest.fixture(scope="session")
def kube(request: pytest.FixtureRequest, images: Images) -> Iterator[Kube]:
    """A ready cluster with Penstock on it; held open by E2E_PAUSE_ON_EXIT, kept by --keep-cluster."""
    build = Build(ROOT, OUT / "image.log")
    _adopt(request.config)
    cluster: KindCluster = request.getfixturevalue("kind_cluster")
    kube = Kube(Path(cluster.kubectl_path).absolute(), Path(cluster.kubeconfig_path).absolute())
    request.config.stash[_KUBE] = kube
    kube.run("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s", timeout_s=200)
    definitions(kube, ROOT)
    _load(cluster, *images.foreign)
    build.done()
    _load(cluster, images.penstock)
    install(kube, ROOT, images)
    yield kube
    _pause(request.config)


@pytest.fixture(scope="session")
def fleet(kube: Kube, images: Images) -> Iterator[History]:
    """The rooms of the scaling stories, with everything that their variants went through."""
    with put_up(kube, images) as history:
        yield history


@pytest.fixture(scope="session")
def prices(kube: Kube, images: Images) -> Iterator[History]:
    """The room of the story of two prices, likewise."""
    with prices_put_up(kube, images) as history:
        yield history


def _adopt(config: pytest.Config) -> None:
    """Get the credentials of a cluster that an earlier run left under this name; pytest-kind takes them for granted."""
    name, kind = config.getoption("cluster_name"), config.getoption("kind_bin") or "kind"
    existing = subprocess.run([kind, "get", "clusters"], capture_output=True, text=True, check=True).stdout.split()
    kubeconfig = Path(".pytest-kind") / name / "kubeconfig"
    if name in existing and not (kubeconfig.is_file() and kubeconfig.stat().st_size):
        kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        command = [kind, "export", "kubeconfig", "--name", name, "--kubeconfig", str(kubeconfig)]
        subprocess.run(command, check=True, capture_output=True)


def _load(cluster: KindCluster, *names: str) -> None:
    command = [str(cluster.kind_path), "load", "docker-image", "--name", cluster.name, *names]
    subprocess.run(command, check=True, capture_output=True)


def _pause(config: pytest.Config) -> None:
    """Hold the cluster for whoever wants to look at it."""
    match = _PAUSE.fullmatch(os.environ.get("E2E_PAUSE_ON_EXIT", "0s"))
    if match is None or match[1] == "0":
        return
    _say(config, f"Pausing for {match[0]}... KUBECONFIG={config.stash[_KUBE].kubeconfig}; Ctrl-C ends the pause")
    signal.setitimer(signal.ITIMER_REAL, 0)  # the time limit of the last story is none of the pause
    try:
        time.sleep(int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]])
    except KeyboardInterrupt:
        _say(config, "The pause is over")


def _say(config: pytest.Config, line: str) -> None:
    """Tell whoever watches the run; pytest keeps everything else to itself until a story fails."""
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        config.get_terminal_writer().line(f"\n{line}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """When a story fails, or the cluster was not to be had, gather what a person needs to understand it."""
    report = yield
    kube = item.config.stash.get(_KUBE, None)
    if kube is not None and report.failed and report.when in {"setup", "call"}:
        folder = OUT / "diagnostics" / re.sub(r"\W+", "-", item.name).strip("-")
        done = subprocess.run(
            ["bash", str(ROOT / "scripts" / "ci_diagnostics.sh"), "--out", str(folder)],
            env={**os.environ, "KUBECONFIG": str(kube.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        report.sections.append(("ci_diagnostics.sh", done.stdout + done.stderr))
    return report
