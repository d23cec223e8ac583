"""The doctor on a policy whose routers are real: programmed everywhere, then one of them gone, then a rival."""

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.controller.cluster import Cluster
from tests.integration.controller.fleet import Fleet, fleet
from tests.kubeapi import KubeApi
from tests.waiting import eventually

from penstock.doctor.examine import Asked, examine
from penstock.doctor.findings import Level
from penstock.wiring.doctor import joined


@pytest.fixture(name="world")
async def _world(kube_api: KubeApi, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(Cluster(kube_api), tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def programmed(world: Fleet) -> AsyncIterator[None]:
    await world.add("router-1")
    world.policy()
    async with world.cluster.operating():
        await eventually(lambda: world.reason() == "Programmed", "the policy on its router")
        yield


async def checks(world: Fleet, name: str = "chat") -> dict[str, tuple[Level, str]]:
    asked = Asked(namespace=world.cluster.work, operator_namespace=world.cluster.home, policy=name)
    (found,) = await examine(joined(world.kube), asked, time.time())
    return {one.check: (one.level, one.text) for one in found.findings if one.check != "operator"}


async def test_programmed_policy_passes(world: Fleet) -> None:
    async with programmed(world):
        found = await checks(world)

    assert {level for level, _ in found.values()} == {Level.OK}
    assert found["target"][1] == "InferencePool chat, 1 router"
    assert found["router"][1].startswith("router-1 runs generation 1 (")


async def test_router_that_does_not_answer_is_named(world: Fleet) -> None:
    async with programmed(world):
        world.place("router-2", ready=True)
        await eventually(lambda: world.reason() == "RouterUnreachable", "the dead router")
        found = await checks(world)

    assert found["routers"] == (Level.OK, "2 of 2 ready")
    assert found["router"][0] is Level.FAIL
    assert found["router"][1].startswith("router-2: ")


async def test_younger_policy_learns_who_has_its_routers(world: Fleet) -> None:
    world.policy()
    async with programmed(world):
        world.policy("later")
        await eventually(lambda: world.reason("later", "Accepted") == "Conflicted", "the conflict")
        later, first = await checks(world, "later"), await checks(world)

    assert later["conflicts"] == (Level.FAIL, "chat is older and has the same routers, so this policy has none")
    assert first["conflicts"] == (Level.WARN, "later: younger, without effect while this one is here")


async def test_policy_that_is_not_there(world: Fleet) -> None:
    world.policy()

    found = await checks(world, "chta")

    assert found == {"object": (Level.FAIL, f"there is no WorkloadPolicy {world.cluster.work}/chta; there is chat")}
