"""Stories of ordering: requests that wait are dispatched in the order that a policy says, live and provably."""

import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.engines import engine
from tests.e2e.explained import explained
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.load import answers, enough, job
from tests.e2e.requests import MODEL, Ask, Line, blockers, context, lines, order, send
from tests.e2e.setup import kustomized

pytestmark = pytest.mark.e2e
ROOM = "order"
ROUTER = "app.kubernetes.io/component=router"
INTERVAL_S = 5.0  # of the operator, as installed for the stories
PER_S = 8
NOTICED_S = 2  # until nobody is sent to the address of a pod that was killed
GATE: dict[str, Any] = {"saturation": {"detector": "Concurrency", "maxConcurrency": 5}}
CONTAINERS = ("initContainerStatuses", "containerStatuses")
PUBLISHED = {"waitTime": 0.4, "criticality": 0.4, "requestRate": 0.2}
TARGET = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "chat"}
POOL = {
    "apiVersion": "inference.networking.k8s.io/v1",
    "kind": "InferencePool",
    "metadata": {"name": "chat"},
    "spec": {
        "selector": {"matchLabels": {"app": "llama"}},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"kind": "Service", "name": "penstock-router", "port": {"number": 9002}},
    },
}


def policy(weights: dict[str, float]) -> dict[str, Any]:
    return {
        "apiVersion": "penstock.dev/v1alpha1",
        "kind": "WorkloadPolicy",
        "metadata": {"name": "chat"},
        "spec": {"targetRef": TARGET, "weights": weights, "queue": GATE},
    }


@pytest.fixture(scope="module")
def room(kube: Kube, images: Images) -> Iterator[Kube]:
    """One pool of one pod, a router with Envoy for it, and the published weights in force."""
    kube.new_namespaces(ROOM)
    arguments = ("--max-num-seqs", "8", "--max-model-len", "8192")
    pace = ("--time-to-first-token", "20ms", "--inter-token-latency", "20ms")
    kube.apply(*engine(images, "llama", model=MODEL, arguments=(*arguments, *pace)), POOL, namespace=ROOM)
    kube.apply(kustomized(kube, Path(__file__).parent / "install" / "router", images), namespace=ROOM)
    kube.rolled_out("deployment", "llama", ROOM)
    kube.rolled_out("deployment", "penstock-router", ROOM)
    put_in_force(kube, PUBLISHED)
    yield kube
    kube.delete_namespaces(ROOM)


@pytest.fixture(scope="module")
def url(room: Kube) -> Iterator[str]:
    """Envoy of the router's pod, on loopback."""
    with room.forward("service/penstock-router", 8081, ROOM) as forwarded:
        yield forwarded


@pytest.fixture
def tag(request: pytest.FixtureRequest) -> str:
    """Fresh ids for each scenario: what one did must not weigh on the next."""
    return re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")


def put_in_force(kube: Kube, weights: dict[str, float]) -> dict[str, Any]:
    """Apply weights and wait for the proof: every router has applied this very generation."""
    kube.apply(policy(weights), namespace=ROOM)

    def proven(body: dict[str, Any]) -> bool:
        rows = body.get("status", {}).get("routers", [])
        generation = body["metadata"]["generation"]
        return bool(rows) and all(row.get("appliedGeneration") == generation and not row.get("error") for row in rows)

    return until(lambda: kube.get("wp", "chat", ROOM), proven, "status.routers[] shows this generation", 30)


def router_log(kube: Kube) -> list[Line]:
    return lines(kube.logs(f"--selector={ROUTER}", ROOM, "-c", "router"))


def dispatched(kube: Kube, ids: list[str]) -> list[str]:
    """Return these requests in the order of their dispatch, once all of them are in the log."""
    return until(lambda: order(router_log(kube), ids), lambda it: len(it) == len(ids), f"dispatch of {ids}", 15)


@contextmanager
def full(kube: Kube, url: str, tag: str, longest_s: float = 8.0) -> Iterator[None]:
    """Let requests fill the gate, and go on once all of them are in it; it takes them some seconds to leave."""
    asks = blockers(tag, longest_s=longest_s)
    with ThreadPoolExecutor(1) as beside:
        sent = beside.submit(send, url, asks)
        dispatched(kube, [ask.request_id for ask in asks])
        yield
        assert set(sent.result().values()) == {200}


def test_1_the_more_critical_goes_first(room: Kube, url: str, tag: str) -> None:
    asks = [Ask(f"{tag}-{name}", context(f"{tag}-{name}", crit), after_s=i / 10) for i, (name, crit) in
            enumerate((("A", 1), ("B", 3), ("C", 5)))]  # fmt: skip

    with full(room, url, tag):
        statuses = send(url, asks)

    assert set(statuses.values()) == {200}
    assert dispatched(room, [ask.request_id for ask in asks]) == [f"{tag}-C", f"{tag}-B", f"{tag}-A"]


def test_2_waiting_counts(room: Kube, url: str, tag: str) -> None:
    old = Ask(f"{tag}-A", context(f"{tag}-waiting", 2))
    new = Ask(f"{tag}-B", context(f"{tag}-new", 4), after_s=30)

    with full(room, url, tag, longest_s=39.0):
        statuses = send(url, [old, new])

    assert set(statuses.values()) == {200}
    assert dispatched(room, [old.request_id, new.request_id]) == [old.request_id, new.request_id]


@pytest.mark.parametrize("many", [10, 50])
def test_3_a_flood_does_not_drown_others(room: Kube, url: str, tag: str, many: int) -> None:
    flood = [Ask(f"{tag}-flood-{i}", context(f"{tag}-flood", 4), tokens=2, after_s=i / 100) for i in range(many)]
    fair = Ask(f"{tag}-fair", context(f"{tag}-fair", 4), tokens=2, after_s=0.1 + many / 100)

    with full(room, url, tag):
        statuses = send(url, [*flood, fair])

    assert set(statuses.values()) == {200}
    assert dispatched(room, [ask.request_id for ask in (*flood, fair)])[0] == fair.request_id


@pytest.mark.parametrize("header", [None, "{invalid-json", '{"criticality": "high"}', "[]", '{"workload_id": 7}'])
def test_4_and_5_no_context_or_a_broken_one_is_the_default(room: Kube, url: str, header: str | None) -> None:
    request_id = f"default-{abs(hash(header)) % 10**8}"

    statuses = send(url, [Ask(request_id, header)])

    assert statuses == {request_id: 200}
    seen = until(
        lambda: [line.facts for line in router_log(room) if line.facts.get("request_id") == request_id],
        lambda rows: any("workload_id" in row for row in rows),
        "the request in the log",
        15,
    )
    assert {(row["workload_id"], row["criticality"]) for row in seen if "criticality" in row} == {("default", "3")}


def test_6_a_mixed_crowd_loses_nobody(room: Kube, url: str, tag: str) -> None:
    chance = random.Random(7)
    crowd = [
        Ask(f"{tag}-{i}-c{crit}", context(f"{tag}-w{crit}", crit), tokens=chance.randint(2, 20), after_s=i / 50)
        for i, crit in enumerate(chance.choices((1, 3, 5), k=90))
    ]

    with full(room, url, tag):
        statuses = send(url, crowd)

    assert set(statuses.values()) == {200}
    places = dispatched(room, [ask.request_id for ask in crowd])
    assert len(set(places)) == len(crowd), "each exactly once"
    mean = {
        crit: sum(i for i, name in enumerate(places) if name.endswith(f"c{crit}"))
        / sum(name.endswith(f"c{crit}") for name in places)
        for crit in (1, 3, 5)
    }
    assert mean[5] < mean[3] < mean[1]


def test_7_the_score_is_the_formula_on_what_is_logged(room: Kube) -> None:
    scored = [line.facts for line in router_log(room) if line.message == "Priority score computed"]

    assert len(scored) > 50
    for row in scored:
        want = 0.4 * float(row["normalized_wait"]) + 0.4 * float(row["normalized_crit"])
        want -= 0.2 * float(row["normalized_rate"])
        assert float(row["final_score"]) == pytest.approx(want, abs=2e-3), row


def test_the_operator_tells_where_a_request_went(room: Kube, url: str, tag: str) -> None:
    assert send(url, [Ask(tag, context("explained", 4))]) == {tag: 200}

    request, policy = explained(room, f"request/{tag}", ROOM), explained(room, "wp/chat", ROOM)

    pod = room.list("pods", ROOM, ROUTER)[0]["metadata"]["name"]
    assert re.match(rf"{tag}  sent to [\d.]+:8000 at [\d:]+ .* by {pod}\n", request), request
    assert "workload explained, criticality 4" in request
    assert f"runs      {pod}: generation " in policy


def test_8_other_weights_turn_the_order_without_a_restart(room: Kube, url: str, tag: str) -> None:
    before = {(pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in
              room.list("pods", ROOM, ROUTER)}  # fmt: skip

    changed = put_in_force(room, {"waitTime": 1.0, "criticality": 0.0, "requestRate": 0.0})
    asks = [Ask(f"{tag}-{name}", context(f"{tag}-{name}", crit), after_s=i / 2) for i, (name, crit) in
            enumerate((("A", 1), ("B", 3), ("C", 5)))]  # fmt: skip
    with full(room, url, tag):
        statuses = send(url, asks)

    assert set(statuses.values()) == {200}
    assert dispatched(room, [ask.request_id for ask in asks]) == [f"{tag}-A", f"{tag}-B", f"{tag}-C"]
    after = {(pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in
             room.list("pods", ROOM, ROUTER)}  # fmt: skip
    assert after == before
    row = changed["status"]["routers"][0]
    assert row["pod"] in {name for name, _ in after}
    assert changed["status"]["programmed"] == "1/1"
    generations = [line.facts.get("policy_generation") for line in router_log(room) if tag in
                   line.facts.get("request_id", "")]  # fmt: skip
    assert str(changed["metadata"]["generation"]) in generations


def test_9_a_killed_router_comes_back_with_the_policy(room: Kube, images: Images) -> None:
    generation = put_in_force(room, PUBLISHED)["metadata"]["generation"]
    two_routers(room)
    victim = room.list("pods", ROOM, ROUTER)[0]["metadata"]["name"]
    load(room, images, "kill", seconds=20)

    room.run("delete", "pod", victim, "-n", ROOM, "--grace-period=0", "--force")
    room.rolled_out("deployment", "penstock-router", ROOM)

    def healed(body: dict[str, Any]) -> bool:
        rows = {row["pod"]: row.get("appliedGeneration") for row in body["status"].get("routers", [])}
        return len(rows) == 2 and victim not in rows and set(rows.values()) == {generation}

    until(lambda: room.get("wp", "chat", ROOM), healed, "the new pod runs the policy within an interval", INTERVAL_S)
    got = answers(room, "kill", ROOM)
    assert sum(got.values()) == PER_S * 20
    held = GATE["saturation"]["maxConcurrency"] + PER_S * NOTICED_S
    assert got["200"] >= PER_S * 20 - held, f"lost what was not in that pod, nor sent to it at once: {got}"


def two_routers(room: Kube) -> None:
    room.run("scale", "deployment/penstock-router", "-n", ROOM, "--replicas=2")
    room.rolled_out("deployment", "penstock-router", ROOM)
    until(lambda: room.get("wp", "chat", ROOM)["status"], lambda it: it["programmed"] == "2/2", "both run it", 20)


def load(room: Kube, images: Images, name: str, seconds: int) -> None:
    """Send requests at a steady pace through the Service, and wait until the first have come through."""
    url = "http://penstock-router:8081"
    room.apply(job(images, name, url=url, model=MODEL, per_s=PER_S, seconds=seconds, tokens=10), namespace=ROOM)
    before = len(router_log(room))
    until(lambda: len(router_log(room)), lambda count: count > before + PER_S, "the first requests", 30)


def test_10_a_rollout_loses_no_request(room: Kube, images: Images) -> None:
    two_routers(room)
    old = {pod["metadata"]["name"] for pod in room.list("pods", ROOM, ROUTER)}
    load(room, images, "rollout", seconds=150)

    room.run("rollout", "restart", "deployment/penstock-router", "-n", ROOM)
    room.rolled_out("deployment", "penstock-router", ROOM)

    assert "completionTime" not in room.get("job", "rollout", ROOM)["status"], "the load outlasts the rollout"
    enough(room, "rollout", ROOM)
    assert set(answers(room, "rollout", ROOM)) == {"200"}
    pods = [pod for pod in room.list("pods", ROOM, ROUTER) if "deletionTimestamp" not in pod["metadata"]]
    names = {pod["metadata"]["name"] for pod in pods}
    assert not old & names
    restarts = [one["restartCount"] for pod in pods for part in CONTAINERS for one in pod["status"][part]]
    assert set(restarts) == {0}, "nothing crashes on its way up"
    proof = until(lambda: room.get("wp", "chat", ROOM)["status"], lambda it: it["programmed"] == "2/2", "proof", 20)
    assert {row["pod"] for row in proof["routers"]} == names
