"""The operator hands on what routers say: each within its own deadline, and one's failure hides no other's answer."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from tests.unit.controller.bodies import pod, router_labels

from penstock.controller.pods import PodFacts, pod_facts
from penstock.controller.relay import DEADLINE_S, Relay
from penstock.controller.routers import Running
from penstock.domain.errors import Refused, Unreachable

pytestmark = pytest.mark.looptime
RUNNING = Running(revision=3, uid="u", generation=7, hash="3fb1c2", applied_at="2026-11-20T09:14:31Z", source="pushed")


@dataclass
class Routers:
    """Admin APIs, of which some fail."""

    failing: Mapping[str, Exception]
    asked_at_once: int = 0
    most_at_once: int = 0

    async def running(self, router: PodFacts) -> Running:
        self.asked_at_once += 1
        self.most_at_once = max(self.most_at_once, self.asked_at_once)
        await asyncio.sleep(10 * DEADLINE_S if router.key.name == "slow" else 0.1)
        self.asked_at_once -= 1
        if router.key.name in self.failing:
            raise self.failing[router.key.name]
        return RUNNING

    async def remembered(self, router: PodFacts, request_id: str) -> Mapping[str, Any]:
        return {"decisions": [{"requestId": request_id, "by": router.key.name}]}


def facts(name: str, **more: Any) -> PodFacts:
    found = pod_facts(pod(name, labels=router_labels(), **more))
    assert found is not None
    return found


async def rows(relay: Relay, query: str) -> list[dict[str, Any]]:
    answer = await relay.show(make_mocked_request("GET", f"/routers?{query}"))
    assert isinstance(answer.body, bytes)
    return list(json.loads(answer.body)["routers"])


async def test_every_router_of_the_namespace_has_a_row() -> None:
    failing = {"dead": Unreachable("llm/dead", "tls", "x"), "strict": Refused("llm/strict", 403, "not you", "x")}
    pods = [facts(name) for name in ("well", "slow", "dead", "strict")]
    relay = Relay(Routers(failing), lambda: [*pods, facts("young", ready=False), facts("far", namespace="far")])

    found = {row.pop("pod"): row for row in await rows(relay, "namespace=llm")}

    assert {name: row["error"] for name, row in found.items() if "error" in row} == {
        "dead": "tls",
        "slow": "no answer within 3s",
        "strict": "403 not you",
        "young": "not ready",
    }
    assert found["well"] == {"revision": 3, "uid": "u", "generation": 7, "hash": "3fb1c2", "source": "pushed",
                             "appliedAt": "2026-11-20T09:14:31Z"}  # fmt: skip


async def test_a_request_is_asked_for_only_by_name() -> None:
    relay = Relay(Routers({}), lambda: [facts("well")])

    (without,), (named,) = await rows(relay, "namespace=llm"), await rows(relay, "namespace=llm&request_id=a%2Fb")

    assert "decisions" not in without
    assert named["decisions"] == [{"requestId": "a/b", "by": "well"}]


async def test_many_who_ask_at_once_wait_for_each_other() -> None:
    routers = Routers({})
    relay = Relay(routers, lambda: [facts("one"), facts("two")])

    found = await asyncio.gather(*(rows(relay, "namespace=llm") for _ in range(20)))

    assert all(len(one) == 2 for one in found)
    assert routers.most_at_once == 8, "four calls of two routers each"
