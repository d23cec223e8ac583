"""Real routers tell the leader what waits, and a request for a model at zero wakes a pass at once."""

import time

import pytest
from tests.integration.controller.cluster import MODEL
from tests.integration.controller.fleet import Fleet
from tests.integration.router.routers import ENDPOINT, Fixed, send
from tests.prometheus import PrometheusServer
from tests.waiting import eventually

from penstock.controller import scaling_pass
from penstock.controller.inflows import Place
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision
from penstock.domain.observations import Inflow, Observation
from penstock.domain.readings import Absent, known
from penstock.router.sources import Scope
from penstock.scaling.config import Config
from penstock.scaling.memory import Memory


@pytest.fixture
def seen(world: Fleet, monkeypatch: pytest.MonkeyPatch) -> list[Inflow | None]:
    """Return what each pass saw of the model."""
    inflows: list[Inflow | None] = []
    decide = scaling_pass.decide

    def note(observation: Observation, memory: Memory, config: Config) -> tuple[tuple[Decision, ...], Memory]:
        inflows.append(observation.inflows.get(ModelScope(world.cluster.work, MODEL)))
        return decide(observation, memory, config)

    monkeypatch.setattr(scaling_pass, "decide", note)
    return inflows


def source(world: Fleet, *, endpoints: bool = False) -> Fixed:
    one = Fixed(*([ENDPOINT] if endpoints else []))
    one.scope = Scope(world.cluster.work, "app=chat")
    return one


def messages(world: Fleet) -> list[str]:
    return [row["message"] for row in world.cluster.status().get("conditions", [])]


async def test_a_request_for_a_model_at_zero_wakes_it_at_once(
    world: Fleet, seen: list[Inflow | None], prometheus: PrometheusServer
) -> None:
    world.cluster.deployment(replicas=0)
    world.cluster.variant(minReplicas=0)
    router = await world.add("router-0", source=source(world))
    async with world.cluster.operating(interval="1h", prometheusURL=prometheus.url) as operator:
        await eventually(lambda: bool(seen), "the first pass")
        place = Place(ModelScope(world.cluster.work, MODEL), ({"app": "chat"},))
        told = lambda: operator.scaling.inflows.of(operator.world.routers(), [place], 0.0).values()  # noqa: E731
        await eventually(lambda: [known(one.waiting) for one in told()] == [0.0], "the stream")
        operator.world.scaling.set()
        message = "Nothing to scrape; demand is read from the router."
        await eventually(lambda: message in messages(world), "who tells the demand")
        passes, sent_s = len(seen), time.monotonic()

        send(router, "a")
        await eventually(lambda: len(seen) > passes, "another pass")
        took_s = time.monotonic() - sent_s
        await eventually(lambda: world.cluster.replicas() == 1, "the first replica")

    woken = seen[passes]
    assert woken is not None
    assert known(woken.waiting) == 1.0
    assert took_s < 2.0


async def test_routers_add_up_and_one_that_does_not_answer_makes_it_unknown(
    world: Fleet, seen: list[Inflow | None]
) -> None:
    world.cluster.deployment(replicas=1)
    world.cluster.variant()
    for name in ("router-0", "router-1"):
        send(await world.add(name, source=source(world)), "a", "b")
    async with world.cluster.operating():
        await eventually(lambda: bool(seen) and seen[-1] is not None and known(seen[-1].waiting) == 4.0, "the sum")
        world.place("router-2", ready=True)
        await eventually(lambda: seen[-1] is not None and isinstance(seen[-1].growth_per_s, Absent), "the doubt")

    last = seen[-1]
    assert last is not None
    assert isinstance(last.arrivals_per_s, Absent)
