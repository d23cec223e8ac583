"""What a pass on the cluster decided is decided again, to the bit, on another machine."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.e2e.fleet import COSTS
from tests.e2e.history import History
from tests.e2e.kube import Kube

pytestmark = pytest.mark.e2e
OPERATOR = "app.kubernetes.io/name=penstock,app.kubernetes.io/component=operator"
AGES_S = (0, 30, 60)


def test_records_of_the_operator_replay_to_the_bit(kube: Kube, fleet: History, tmp_path: Path) -> None:
    assert fleet.statuses(COSTS, "cheap"), "there was something to decide"
    pod = next(one["metadata"]["name"] for one in kube.list("pods", "penstock-system", OPERATOR))
    path = f"/api/v1/namespaces/penstock-system/pods/{pod}:8080/proxy/records"
    for age_s in AGES_S:
        (tmp_path / f"{age_s}.json.gz").write_bytes(kube.raw(f"{path}?at={time.time() - age_s:.0f}"))

    done = subprocess.run(
        [sys.executable, "-m", "penstock", "replay", str(tmp_path)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(AGES_S)} of {len(AGES_S)} passes decided again to the bit" in done.stdout
