"""A model that nobody asks for goes to zero; the first request waits at the router, wakes it, and is answered."""

from typing import Any

import aiohttp
import pytest
from tests.e2e.fleet import MODEL, SLEEPY
from tests.e2e.history import History
from tests.e2e.kube import Kube, until
from tests.e2e.variants import Status, condition, desired, events, replicas

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
        until(lambda name=name: fleet.steps(SLEEPY, name)[-1].number, lambda it: it == 0, f"{name} is told so", 30)
    assert fleet.steps(SLEEPY, "cheap")[-1].reason == "ToZero", f"the last one of the model; {fleet.told(SLEEPY)}"
    pods = f"served={SLEEPY}"
    until(lambda: kube.list("pods", SLEEPY, pods), lambda it: not it, "no pod is left", 60)
    return len(fleet.statuses(SLEEPY, "dear"))


def waking(fleet: History) -> Status:
    """Return the first status of the cheap variant that tells of its waking, empty where none does."""
    told = (one for one in fleet.statuses(SLEEPY, "cheap") if "decision" in one)
    return next((one for one in told if one["decision"]["reason"] == "FromZero"), {})


async def test_a_request_wakes_the_cheapest_variant_and_is_answered(kube: Kube, fleet: History, asleep: int) -> None:
    with kube.forward("service/penstock-router", 8081, SLEEPY) as url:
        code, answer = await asked(url)

    assert code == 200
    assert answer["usage"]["completion_tokens"] == 5
    woken = until(lambda: waking(fleet), bool, "why it woke", 30)
    assert desired(woken) == 1, fleet.told(SLEEPY)
    assert condition(woken, "OptimizationReady") == ("True", "ScaleFromZeroMode")
    assert "waiting" in woken["decision"]["summary"]
    until(lambda: events(kube, SLEEPY, "cheap"), lambda it: "Scaled" in it, "event Scaled", 30)
    assert {desired(one) for one in fleet.statuses(SLEEPY, "dear")[asleep:]} <= {0}, (
        f"exactly one variant wakes; {fleet.told(SLEEPY)}"
    )
    assert replicas(kube, SLEEPY, "dear") == 0
