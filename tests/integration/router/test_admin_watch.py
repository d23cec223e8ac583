"""The operator's stream: what it hears, and what a watcher costs that does not read."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from tests.integration.router.routers import Admin, Fixed, body, send
from tests.waiting import eventually

from penstock.router import admin_watch
from penstock.router.process import Router
from penstock.router.sources import Scope


class Watch:
    """One open stream, read line by line."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def next(self, kind: str) -> dict[str, Any]:
        while line := await asyncio.wait_for(self.answer.content.readline(), 10):
            event = json.loads(line)
            if event["type"] == kind:
                return dict(event)
        raise AssertionError(f"the stream ended before {kind}")


async def test_the_operator_hears_of_policies_workloads_and_starving_models(
    admin: Admin, router: Router, source: Fixed
) -> None:
    async with admin.http.get(f"{admin.url}/v1/watch", ssl=False, headers=admin.headers) as answer:
        watch = Watch(answer)
        now = await watch.next("policy")
        calm = await watch.next("queued")
        source.scope = Scope("llm", "app=chat")
        await admin.put_policy(body(7, generation=3))
        pushed = await watch.next("policy")
        source.publish()
        await eventually(lambda: not router.gate.addresses, "no endpoint")
        send(router, "a")
        queued = await watch.next("queued")
        while not queued["requests"]:  # a beat may have come first
            queued = await watch.next("queued")
        beat = await watch.next("workloads")

    assert (now["source"], pushed["appliedGeneration"], pushed["source"]) == ("builtin", 3, "pushed")
    assert (calm["requests"], calm["endpoints"]) == (0, 1)
    assert not {"arrivals", "selector"} & set(calm), "nothing is known of either yet"
    assert (queued["requests"], queued["endpoints"]) == (1, 0)
    assert (queued["namespace"], queued["selector"]) == ("llm", "app=chat")
    assert [row["id"] for row in beat["workloads"]] == ["a"]


async def test_a_watcher_that_does_not_read_is_dropped_and_costs_nobody_else(
    admin: Admin, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_watch, "MOST_LINES", 4)
    async with admin.http.get(f"{admin.url}/v1/watch", ssl=False, headers=admin.headers) as answer:
        await Watch(answer).next("policy")
        for number in range(10):
            router.admin.hub.publish({"type": "flood", "number": number})

        rest = await asyncio.wait_for(answer.content.read(), 10)

    assert router.admin.hub.dropped == 1
    assert rest.count(b"flood") < 10


async def test_too_many_watchers_are_turned_away(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_watch, "MOST_WATCHERS", 0)

    status, answer = await admin.call("GET", "/v1/watch")

    assert (status, answer["error"]["code"]) == (503, "TooManyWatchers")
