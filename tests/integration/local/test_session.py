"""The local world for real: engines, router and Envoy as processes, files edited while they run."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from penstock.__main__ import run as penstock
from penstock.domain.errors import Unreachable
from penstock.domain.variants import ObjectKey
from penstock.local.load import Call, Load
from penstock.local.recorder import Recorder
from penstock.local.script import BURST_EACH
from penstock.local.session import Session
from penstock.wiring import local

pytestmark = pytest.mark.usefixtures("unmeasured_children")
KEY = ObjectKey("default", "chat")
ENGINE = """
kind: Deployment
metadata: {name: chat}
spec:
  template: {spec: {containers: [{command: [penstock, engine], args: [--model=m, --max-model-len=16384]}]}}
"""
VARIANT = """
kind: VariantAutoscaling
apiVersion: llmd.ai/v1alpha1
metadata: {name: chat}
spec: {modelID: m, scaleTargetRef: {kind: Deployment, name: chat}, minReplicas: %d, maxReplicas: 2}
"""
POLICY = """
kind: WorkloadPolicy
apiVersion: penstock.dev/v1alpha1
metadata: {name: chat}
spec:
  targetRef: {group: inference.networking.k8s.io, kind: InferencePool, name: chat}
  weights: {waitTime: %s}
"""
CONFIG = """
kind: ConfigMap
apiVersion: v1
metadata: {name: penstock-config}
data: {interval: 200ms, scaleDownWindow: 1s}
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in (("e", ENGINE), ("v", VARIANT % 1), ("p", POLICY % "0.5"), ("c", CONFIG)):
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
async def world(files: Path, tmp_path: Path) -> AsyncIterator[tuple[Session, Recorder]]:
    recorder = Recorder()
    async with local.session(files, tmp_path / "run", local.ports(), recorder) as session:
        recorder.begin()
        yield session, recorder
    assert not session.fleet.engines
    assert all(not child.alive for child in session._children)


async def soon(reached: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.05)


async def test_files_rule_while_it_runs(world: tuple[Session, Recorder], files: Path) -> None:
    session, recorder = world
    load = Load(f"http://127.0.0.1:{session.ports.proxy}", session.http, recorder.heard)
    calls = [
        Call(at_s=i / 50, model="m", input_tokens=5, output_tokens=5, request_id=f"r{i}", workload="w", criticality=5)
        for i in range(10)
    ]

    await load.send(calls)
    await load.settle(10)
    assert [(answer.status, answer.chunks) for answer in recorder.answers] == [(200, 5)] * 10
    log = (session.folder / "router.log").read_text()
    assert "[WA-ROUTING] Request dispatched request_id=r0 workload_id=w" in log

    (files / "p.yaml").write_text(POLICY % "0.9")
    await soon(lambda: len(recorder.flips) == 2, "the edited policy in force")
    assert recorder.flips[1].document.policy.weights.wait_time == 0.9

    (files / "p.yaml").write_text(POLICY % "lots")
    await soon(lambda: bool(recorder.troubles), "the mistake is told")
    assert "weights.waitTime" in recorder.troubles[0][1]
    assert len(recorder.flips) == 2, "the last good policy stays"

    (files / "p.yaml").write_text(POLICY % "0.9")
    (files / "v.yaml").write_text(VARIANT % 2)
    await soon(lambda: sum(engine.ready for engine in session.fleet.of(KEY)) == 2, "two engines")
    endpoints = json.loads((session.folder / "endpoints.json").read_text())
    assert len(endpoints["endpoints"]) == 2
    assert all(one.ready_at_s is not None and one.ready_at_s > one.created_at_s for one in session.fleet.of(KEY))

    (files / "v.yaml").write_text(VARIANT % 1)
    await soon(lambda: len(session.fleet.engines) == 1, "the second engine drained and ended")
    await load.send(calls)
    await load.settle(10)
    assert [answer.status for answer in recorder.answers[10:]] == [200] * 10


async def test_an_engine_that_dies_is_told_and_replaced(world: tuple[Session, Recorder]) -> None:
    session, recorder = world
    victim = session.fleet.of(KEY)[0]

    victim.child.process.kill()

    await soon(lambda: bool(recorder.troubles), "its end is told")
    assert victim.name in recorder.troubles[0][1]
    await soon(lambda: [engine.ready for engine in session.fleet.of(KEY)] == [True], "another one serves")
    assert session.fleet.of(KEY)[0].name != victim.name


async def test_a_process_that_ends_is_named(files: Path, tmp_path: Path) -> None:
    (files / "e.yaml").write_text(ENGINE.replace("--model=m", "--no-such-flag"))

    with pytest.raises(Unreachable) as told:
        async with local.session(files, tmp_path / "run", local.ports(), Recorder()):
            pass

    assert "chat-1" in str(told.value)
    assert "no-such-flag" in str(told.value)


def test_the_demo_writes_its_page(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "p.yaml").rename(files / "policy.yaml")

    code = penstock(["demo", "--duration", "3s", "--files", str(files), "--out", str(tmp_path / "out")])

    printed = capsys.readouterr()
    assert code == 0, printed.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    lost = next(fact for fact in report["facts"] if fact["label"] == "lost")
    assert lost["value"] == "0"
    assert [len(order["dispatched"]) for order in report["orders"]] == [3 * BURST_EACH] * 2
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Penstock demo" in page
    assert "http://" not in page.replace("http://www.w3.org", ""), "nothing is loaded from elsewhere"
    assert "policy chat generation 2 in force" in printed.out
