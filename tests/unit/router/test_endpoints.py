"""Which pods serve, on which ports; what an endpoints file may hold; what Envoy is told."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from penstock.api.kinds import PODS, Kind
from penstock.domain.errors import InvalidField
from penstock.domain.requests import Endpoint
from penstock.router.eds import EdsFile
from penstock.router.endpoints import PoolEndpoints, SelectedEndpoints, of_pods
from penstock.router.endpoints_file import FileEndpoints, parse

Body = Mapping[str, Any]


def pod(name: str = "chat-1", ip: str = "10.0.0.1", ready: str = "True", **metadata: object) -> Body:
    status = {
        "podIP": ip,
        "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}],
    }
    return {"metadata": {"name": name, **metadata}, "status": status}


def pool(labels: Mapping[str, str], *ports: int) -> Body:
    spec = {"selector": {"matchLabels": dict(labels)}, "targetPorts": [{"number": port} for port in ports]}
    return {"metadata": {"name": "chat", "namespace": "llm"}, "spec": spec}


def addresses(endpoints: tuple[Endpoint, ...]) -> list[str]:
    return [endpoint.address for endpoint in endpoints]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(pod(), ["10.0.0.1:8000", "10.0.0.1:8001"], id="ready, all ports"),
        pytest.param(pod(ready="False"), [], id="not ready"),
        pytest.param(pod(ready="Unknown"), [], id="nobody knows"),
        pytest.param(pod(deletionTimestamp="2026-11-20T09:14:30Z"), [], id="being deleted"),
        pytest.param(pod(ip=""), [], id="no address yet"),
        pytest.param({"metadata": {"name": "new"}}, [], id="no status at all"),
        pytest.param(pod(annotations={"llm-d.ai/active-ports": "8001"}), ["10.0.0.1:8001"], id="one port active"),
        pytest.param(pod(annotations={"llm-d.ai/active-ports": " 8000 , 9999"}), ["10.0.0.1:8000"], id="one unknown"),
        pytest.param(
            pod(annotations={"inference.networking.k8s.io/active-ports": "8001"}), ["10.0.0.1:8001"], id="old name"
        ),
        pytest.param(pod(annotations={"penstock.dev/draining": "true"}), [], id="draining"),
        pytest.param(pod(annotations={"penstock.dev/draining": ""}), ["10.0.0.1:8000", "10.0.0.1:8001"], id="no more"),
        pytest.param(pod(ip="fd00::7"), ["[fd00::7]:8000", "[fd00::7]:8001"], id="IPv6"),
    ],
)
def test_which_pods_serve_where(body: Body, expected: list[str]) -> None:
    assert addresses(of_pods([body], (8000, 8001))) == expected


class World:
    """Stands for the API server: lists per kind, pushed by the test; `asked` is what was followed how."""

    def __init__(self) -> None:
        self.queues: dict[str, asyncio.Queue[tuple[Body, ...]]] = {}
        self.asked: list[tuple[str, str, str]] = []

    async def follow(
        self, kind: Kind, namespace: str, *, selector: str = "", name: str = ""
    ) -> AsyncIterator[tuple[Body, ...]]:
        self.asked.append((kind.plural, namespace, selector or name))
        queue = self.queues.setdefault(f"{kind.plural} {selector or name}", asyncio.Queue())
        while True:
            yield await queue.get()

    def say(self, what: str, *objects: Body) -> None:
        self.queues.setdefault(what, asyncio.Queue()).put_nowait(objects)


class Published:
    """What a source published, one set after the other."""

    def __init__(self) -> None:
        self.sets: asyncio.Queue[tuple[Endpoint, ...]] = asyncio.Queue()

    def __call__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.sets.put_nowait(endpoints)

    async def next(self) -> list[str]:
        return addresses(await asyncio.wait_for(self.sets.get(), 5))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def published() -> Published:
    return Published()


async def test_a_selector_follows_its_pods(world: World, published: Published) -> None:
    task = asyncio.create_task(SelectedEndpoints(world, "llm", "app=vllm", (8000,)).run(published))

    world.say("pods app=vllm", pod())
    first = await published.next()
    world.say("pods app=vllm", pod(), pod("chat-2", "10.0.0.2"))
    second = await published.next()

    assert (first, second) == (["10.0.0.1:8000"], ["10.0.0.1:8000", "10.0.0.2:8000"])
    assert world.asked == [(PODS.plural, "llm", "app=vllm")]
    task.cancel()


async def test_a_pool_leads_to_its_pods_and_may_change_its_mind(world: World, published: Published) -> None:
    group = "inference.networking.k8s.io"
    task = asyncio.create_task(PoolEndpoints(world, "llm", "chat", group).run(published))

    world.say("inferencepools chat", pool({"app": "vllm"}, 8000))
    world.say("pods app=vllm", pod())
    first = await published.next()
    world.say("inferencepools chat", pool({"app": "vllm", "tier": "a"}, 8000, 8001))
    world.say("pods app=vllm,tier=a", pod(ip="10.0.0.3"))
    second = await published.next()

    assert (first, second) == (["10.0.0.1:8000"], ["10.0.0.3:8000", "10.0.0.3:8001"])
    task.cancel()


async def test_a_pool_that_is_not_there_means_no_endpoint_until_it_comes(world: World, published: Published) -> None:
    task = asyncio.create_task(PoolEndpoints(world, "llm", "chat", "inference.networking.k8s.io").run(published))

    world.say("inferencepools chat")
    none = await published.next()
    world.say("inferencepools chat", pool({"app": "vllm"}, 8000))
    world.say("pods app=vllm", pod())

    assert (none, await published.next()) == ([], ["10.0.0.1:8000"])
    task.cancel()


async def test_a_pool_that_vanishes_takes_its_endpoints_along(world: World, published: Published) -> None:
    task = asyncio.create_task(PoolEndpoints(world, "llm", "chat", "inference.networking.k8s.io").run(published))
    world.say("inferencepools chat", pool({"app": "vllm"}, 8000))
    world.say("pods app=vllm", pod())
    await published.next()

    world.say("inferencepools chat")
    gone = await published.next()
    world.say("pods app=vllm", pod("late", "10.0.0.9"))
    for _ in range(5):
        await asyncio.sleep(0)

    assert gone == []
    assert published.sets.empty(), "pods of a pool that is gone must not come back"
    task.cancel()


async def test_a_broken_pool_leaves_the_last_good_one(world: World, published: Published) -> None:
    task = asyncio.create_task(PoolEndpoints(world, "llm", "chat", "inference.networking.k8s.io").run(published))
    world.say("inferencepools chat", pool({"app": "vllm"}, 8000))
    world.say("pods app=vllm", pod())
    await published.next()

    world.say("inferencepools chat", {"metadata": {"name": "chat"}, "spec": {}})
    world.say("pods app=vllm", pod(ip="10.0.0.4"))

    assert await published.next() == ["10.0.0.4:8000"]
    task.cancel()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("endpoints: [10.0.0.7:8000]", [("10.0.0.7:8000", "")], id="address"),
        pytest.param("[10.0.0.7:8000, 10.0.0.7:8000]", [("10.0.0.7:8000", "")], id="bare list, each once"),
        pytest.param('{"endpoints": [{"address": "10.0.0.8:8000", "pod": "chat-1"}]}',
                     [("10.0.0.8:8000", "chat-1")], id="JSON with a pod"),
        pytest.param('endpoints: [{name: chat-2, namespace: llm, address: 10.0.0.9, port: "8000", labels: {a: b}}]',
                     [("10.0.0.9:8000", "chat-2")], id="file discovery of llm-d-router"),
        pytest.param('endpoints: ["[FD00::1]:8000", {address: "fd00::2", port: 80}]',
                     [("[fd00::1]:8000", ""), ("[fd00::2]:80", "")], id="IPv6"),
        pytest.param("endpoints: []", [], id="none"),
    ],
)  # fmt: skip
def test_endpoint_files(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(endpoint.address, endpoint.pod) for endpoint in parse(text)] == expected


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("endpoints: [", "endpoints", id="no YAML"),
        pytest.param("", "endpoints", id="empty"),
        pytest.param("endpoints: {a: b}", "endpoints", id="no list"),
        pytest.param("[10.0.0.1:1, 7]", "endpoints[1]", id="a number"),
        pytest.param("[engine.local:8000]", "endpoints[0]", id="a name"),
        pytest.param("[10.0.0.1]", "endpoints[0]", id="no port"),
        pytest.param("[10.0.0.1:0]", "endpoints[0]", id="port 0"),
        pytest.param("[{address: 10.0.0.1, port: http}]", "endpoints[0].address", id="a port by name"),
        pytest.param("[{adress: 10.0.0.1:8000}]", "endpoints[0].adress", id="a slip of the pen"),
    ],
)
def test_endpoint_files_that_cannot_be(text: str, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse(text)

    assert caught.value.field == field


@pytest.mark.looptime
async def test_a_file_is_followed_and_a_bad_one_changes_nothing(tmp_path: Path, published: Published) -> None:
    path = tmp_path / "endpoints.yaml"
    task = asyncio.create_task(FileEndpoints(path).run(published))
    await asyncio.sleep(1)
    missing = published.sets.qsize()

    seen = []
    large = "[10.0.0.3:80]" + " " * (1 << 20)
    for stamp, text in enumerate(("[10.0.0.1:80]", "[10.0.0.1:80]   ", "[broken", large, "[10.0.0.2:80]")):
        path.write_text(text)
        os.utime(path, (stamp, stamp))
        await asyncio.sleep(1)
        seen.append(published.sets.qsize())

    assert (missing, seen) == (0, [1, 1, 1, 1, 2])
    assert [await published.next(), await published.next()] == [["10.0.0.1:80"], ["10.0.0.2:80"]]
    task.cancel()


def told(path: Path) -> list[str]:
    (assignment,) = json.loads(path.read_text())["resources"]
    sockets = [
        one["endpoint"]["address"]["socket_address"]
        for group in assignment["endpoints"]
        for one in group["lb_endpoints"]
    ]
    return [f"{socket['address']}:{socket['port_value']}" for socket in sockets]


def test_envoy_is_told_the_endpoints_by_a_new_file_each_time(tmp_path: Path) -> None:
    path = tmp_path / "shared" / "eds.json"
    eds = EdsFile(path)
    eds.prepare()
    empty, first = told(path), path.stat().st_ino

    eds.write([Endpoint(address="10.0.0.1:8000")])

    assert (empty, told(path)) == ([], ["10.0.0.1:8000"])
    assert path.stat().st_ino != first
    assert [one.name for one in path.parent.iterdir()] == ["eds.json"]


def test_an_unchanged_set_and_a_file_of_the_process_before_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "eds.json"
    EdsFile(path).write([Endpoint(address="10.0.0.1:8000")])
    inode = path.stat().st_ino

    eds = EdsFile(path)
    eds.prepare()
    kept = path.stat().st_ino
    eds.write([Endpoint(address="10.0.0.1:8000")])
    again = path.stat().st_ino
    eds.write([Endpoint(address="10.0.0.1:8000", pod="renamed")])

    assert kept == inode
    assert path.stat().st_ino == again


def test_a_folder_that_cannot_be_written_is_survived(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    eds = EdsFile(blocked / "eds.json")

    eds.write([Endpoint(address="10.0.0.1:8000")])

    assert blocked.read_text() == ""
