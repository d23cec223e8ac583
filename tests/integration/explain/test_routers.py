"""`penstock explain wp/NAME` and `request/ID` from end to end: through API server and operator to real routers."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.addresses import own_address
from tests.integration.controller.fleet import Fleet, fleet
from tests.integration.explain.conftest import Desk
from tests.integration.router.routers import ENDPOINT
from tests.waiting import eventually

from penstock.cli.faults import FINE, REFUSED, UNREACHABLE, USAGE
from penstock.router.ports import Answer, RequestHead

ONE_AT_A_TIME = {"saturation": {"detector": "Concurrency", "maxConcurrency": 1}}


@pytest.fixture(name="world")
async def _world(desk: Desk, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(desk.cluster, tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def programmed(desk: Desk, world: Fleet) -> AsyncIterator[None]:
    """Run an operator until a policy is in force on a router."""
    await world.add("router-1")
    world.policy(queue=ONE_AT_A_TIME)
    async with desk.cluster.operating(address=own_address()) as operator:
        desk.operator(operator.ports[0])
        await eventually(lambda: world.reason() == "Programmed", "the policy on its router")
        yield


def _unheard(answer: Answer) -> None:
    del answer


def send(world: Fleet, request_id: str) -> None:
    """Bring a request to a router, as Envoy would."""
    context = b'{"workload_id": "checkout", "criticality": 5}'
    headers = {b"x-request-id": request_id.encode(), b"x-workload-context": context}
    world.routers["router-1"].gate.submit(RequestHead(headers=headers), _unheard)


def rows(told: str) -> list[tuple[str, str]]:
    """Return the lines below the first, each as its word and the rest."""
    return [(line[2:12].strip(), line[12:]) for line in told.splitlines()[1:]]


async def test_a_policy_is_told_with_what_each_router_runs(desk: Desk, world: Fleet) -> None:
    async with programmed(desk, world):
        well, well_told = await desk.asks("wp/chat")
        world.place("router-2", ready=True)
        await eventually(lambda: world.reason() == "RouterUnreachable", "the dead router")
        _, ill_told = await desk.asks("wp/chat")
    _, silent_told = await desk.asks("wp/chat")

    assert well == FINE
    assert well_told.startswith("chat  generation 1, programmed 1/1 (Programmed)\n")
    assert ("target", "InferencePool chat") in rows(well_told)
    assert ("order", "WorkloadAware by 0.4 wait + 0.4 criticality - 0.2 request rate") in rows(well_told)
    (runs,) = [text for word, text in rows(well_told) if word == "runs"]
    assert runs.startswith("router-1: generation 1 (")
    assert re.search(r", revision \d+, pushed, since 20\d\d-", runs)
    assert ("lacks", "router-2: connection refused") in [(word, text[:28]) for word, text in rows(ill_told)]
    assert any(word == "amiss" and text.startswith("router: router-2: ") for word, text in rows(ill_told))
    assert [word for word, _ in rows(silent_told) if word in {"runs", "lacks"}] == ["runs", "lacks"], "from the status"
    assert "pushed" not in silent_told


async def test_a_request_is_followed_through_its_router(desk: Desk, world: Fleet) -> None:
    async with programmed(desk, world):
        send(world, "first")
        send(world, "second/part")
        await asyncio.sleep(0)

        sent, waits = await desk.asks("request/first"), await desk.asks("request/second/part")
        nobody = await desk.asks("request/third")
        elsewhere = await desk.asks("request/first", namespace=desk.cluster.home)
    silent = await desk.asks("request/first")

    assert sent[0] == waits[0] == FINE
    assert sent[1].startswith(f"first  sent to {ENDPOINT.address} at ")
    assert sent[1].splitlines()[0].endswith(" at once by router-1")
    assert ("who", "workload checkout, criticality 5") in rows(sent[1])
    assert ("policy", "generation 1") in rows(sent[1])
    assert waits[1].startswith("second/part  waits for ")
    assert rows(waits[1])[1][1].startswith("score 0.")
    assert nobody[0] == elsewhere[0] == REFUSED
    assert f"none of 1 routers in {desk.cluster.work} knows request third\n  fix: give the x-request-id" in nobody[1]
    assert f"no router runs in {desk.cluster.home}\n  fix: name the namespace of the routers by -n" in elsewhere[1]
    assert silent[0] == UNREACHABLE


async def test_a_policy_that_is_not_there(desk: Desk, world: Fleet) -> None:
    world.policy()

    code, told = await desk.asks("wp/chta")

    work = desk.cluster.work
    fix = "did you mean chat? Else give its namespace by -n; `kubectl get wp -A` lists them"
    assert code == USAGE
    assert told == f"error: there is no WorkloadPolicy {work}/chta\n  at:  namespace {work}\n  fix: {fix}\n"
