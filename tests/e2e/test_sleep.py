"""A model that nobody asks for goes to zero; the first request waits at the router, wakes it, and is answered."""

from typing import Any

import aiohttp
import pytest
from tests.e2e.fleet import MODEL, SLEEPY
from tests.e2e.history import History
from tests.e2e.kube import Kube, until
from tests.e2e.variants import condition, desired, events, replicas, status

pytestmark = pytest.mark.e2e
PAIR = ("cheap", "dear")


async def asked(url: str) -> tuple[int, Any]:
    """Send one request and wait for its answer, however long it is held."""
    body = {"model": MODEL, "prompt": "wake up", "max_tokens": 5, "ignore_eos": True}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session,
        session.post(f"{url}/v1/completions", json=body) as answer,
    ):
        return answer.status, await answer.json()


@pytest.fixture
def asleep(kube: Kube, fleet: History) -> int:
    """Wait until nothing of the model runs; return how many statuses of the dear variant were written so far."""
    kube.rolled_out("deployment", "penstock-router", SLEEPY)
    for name in PAIR:
        until(lambda name=name: replicas(kube, SLEEPY, name), lambda it: it == 0, f"{name} asleep", 120)
    assert status(kube, SLEEPY, "cheap")["decision"]["reason"] == "ToZero", "the last one of the model"
    pods = f"served={SLEEPY}"
    until(lambda: kube.list("pods", SLEEPY, pods), lambda it: not it, "no pod is left", 60)
    return len(fleet.statuses(SLEEPY, "dear"))


async def test_a_request_wakes_the_cheapest_variant_and_is_answered(kube: Kube, fleet: History, asleep: int) -> None:
    with kube.forward("service/penstock-router", 8081, SLEEPY) as url:
        code, answer = await asked(url)

    assert code == 200
    assert answer["usage"]["completion_tokens"] == 5
    woken = next(one for one in reversed(fleet.statuses(SLEEPY, "cheap")) if one["decision"]["reason"] == "FromZero")
    assert desired(woken) == 1
    assert condition(woken, "OptimizationReady") == ("True", "ScaleFromZeroMode")
    assert "waiting" in woken["decision"]["summary"]
    assert "Scaled" in events(kube, SLEEPY, "cheap")
    assert {desired(one) for one in fleet.statuses(SLEEPY, "dear")[asleep:]} <= {0}, "exactly one variant wakes"
    assert replicas(kube, SLEEPY, "dear") == 0
