"""The real process: it starts from flags and environment, leads, ends at once on SIGTERM, and gives the Lease back."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.integration.controller.cluster import Cluster
from tests.kubeapi import KubeApi, wait_until
from tests.ports import free_ports

from penstock.api.names import LEASE
from penstock.records.record import unpack
from penstock.records.replay import replay


def holder(cluster: Cluster) -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.home}/leases/{LEASE}"
    return str(cluster.api.must("GET", path)["spec"].get("holderIdentity") or "")


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - of a process that this test started
        return bytes(answer.read())


def start(cluster: Cluster, log: Path, *ports: int, **environ: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "penstock", "operator", "--kubeconfig", str(cluster.api.kubeconfig)]
    flags = ["--namespace", cluster.home, "--watch-namespaces", cluster.work, "--interval", "200ms"]
    given = ["--metrics-port", str(ports[0]), "--health-port", str(ports[1])]
    with log.open("ab") as sink:
        return subprocess.Popen([*command, *flags, *given], stderr=sink, env=os.environ | environ)


def test_process_leads_and_ends_in_order(kube_api: KubeApi, tmp_path: Path) -> None:
    cluster, log, ports = Cluster(kube_api), tmp_path / "log", free_ports(2)
    cluster.deployment()
    cluster.variant()
    records = {"PENSTOCK_RECORD_DIR": str(tmp_path / "records"), "PENSTOCK_RECORD_LIMITS": "1Mi"}
    process = start(cluster, log, *ports, POD_NAME="penstock-operator-0", PENSTOCK_LOG_FORMAT="text", **records)
    try:
        wait_until(lambda: answers(ports[1], "/readyz"), "readiness")
        wait_until(lambda: cluster.reason("Ready") == "PrometheusUnreachable", "a status")
        record = unpack(fetched(f"http://127.0.0.1:{ports[0]}/records"))
        led = holder(cluster)
        healthy = answers(ports[1], "/healthz")
        shown = answers(ports[0], "/metrics")
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)
    finally:
        process.kill()
        process.wait()

    assert led.startswith("penstock-operator-0")
    assert healthy
    assert shown
    assert code == 0, log.read_text()[-2000:]
    assert holder(cluster) == ""
    assert [str(decision.key) for decision in record.decisions] == [f"{cluster.work}/chat"]
    assert replay(record) == ()
    assert list((tmp_path / "records").iterdir())
    assert "Traceback" not in log.read_text()
    assert "nobody reads this; write PENSTOCK_RECORD_LIMIT" in log.read_text()
    assert "Metrics unavailable, skipping optimization for variant" in log.read_text()


def test_bad_flag_stops_the_start(tmp_path: Path) -> None:
    del tmp_path
    command = [sys.executable, "-m", "penstock", "operator", "--stale-after", "soon"]

    done: Any = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "--stale-after = 'soon'" in done.stderr


def test_no_cluster_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "penstock", "operator", "--kubeconfig", str(tmp_path / "none")]

    done: Any = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 2
    assert "--kubeconfig" in done.stderr
