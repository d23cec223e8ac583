"""Inflows: routers add up, silence is unknown and never nothing, and a starving model wakes us once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controller.bodies import pod
from tests.unit.controller.test_plan import R1, R2

from penstock.controller.inflows import Inflows, Place
from penstock.controller.pods import PodFacts, PodState, pod_facts
from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow
from penstock.domain.readings import Absent, Known

M, OTHER = ModelScope("llm", "m"), ModelScope("llm", "other")
CHAT, CODE = Place(M, ({"app": "chat", "v": "1"},)), Place(OTHER, ({"app": "code"},))
NOW_S = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.woken = 0

    def __call__(self) -> float:
        return self.now_s

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inflows(clock: Clock) -> Inflows:
    return Inflows(clock, clock.wake)


def queued(requests: int = 0, *, selector: str | None = "app=chat", endpoints: int = 1, **more: Any) -> dict[str, Any]:
    scope = {} if selector is None else {"namespace": "llm", "selector": selector}
    return {"type": "queued", "requests": requests, "endpoints": endpoints, **scope, **more}


def heard(inflows: Inflows, clock: Clock, seconds: int, *events: Mapping[str, Any]) -> None:
    for _ in range(seconds):
        clock.now_s += 1.0
        for router, event in zip((R1, R2), events, strict=False):
            inflows.hear(router, event)


def test_routers_of_one_model_add_up(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 1, queued(1, arrivals=2.0), queued(0, arrivals=3.0))
    heard(inflows, clock, 10, queued(11, arrivals=2.0), queued(5, arrivals=3.0))

    found = inflows.of([R1, R2], [CHAT, CODE], NOW_S)

    assert found == {
        M: Inflow(waiting=Known(16.0, NOW_S), growth_per_s=Known(1.0 + 0.5, NOW_S), arrivals_per_s=Known(5.0, NOW_S))
    }


def test_growth_is_over_the_collectors_window(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 1, queued(600))
    heard(inflows, clock, 61, queued(0))

    assert inflows.of([R1], [CHAT], NOW_S)[M].growth_per_s == Known(0.0, NOW_S)


def test_what_is_young_is_not_known_yet(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 1, queued(4))

    found = inflows.of([R1], [CHAT], NOW_S)[M]

    assert found.waiting == Known(4.0, NOW_S)
    assert isinstance(found.growth_per_s, Absent)
    assert isinstance(found.arrivals_per_s, Absent)


@pytest.mark.parametrize("never", [pytest.param(True, id="never heard"), pytest.param(False, id="fell silent")])
def test_a_silent_router_makes_it_unknown_and_never_zero(inflows: Inflows, clock: Clock, never: bool) -> None:
    heard(inflows, clock, 4, queued(2, arrivals=1.0), *([] if never else [queued(3, arrivals=1.0)]))
    heard(inflows, clock, 4, queued(2, arrivals=1.0))

    found = inflows.of([R1, R2], [CHAT], NOW_S)[M]

    assert found == Inflow(
        waiting=Absent("a router is silent"),
        growth_per_s=Absent("a router is silent"),
        arrivals_per_s=Absent("a router is silent"),
    )
    assert inflows.of([R1], [CHAT], NOW_S)[M].waiting == Known(2.0, NOW_S)


def test_silence_for_three_seconds_is_forgiven(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 2, queued(2))
    clock.now_s += 3.0

    assert inflows.of([R1], [CHAT], NOW_S)[M].waiting == Known(2.0, NOW_S - 3.0)


def test_a_router_that_is_not_ready_and_silent_is_not_waited_for(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 2, queued(2))

    found = inflows.of([R1, replace(R2, state=PodState.STARTING)], [CHAT], NOW_S)

    assert found[M].waiting == Known(2.0, NOW_S)


def test_a_starving_model_is_told_whoever_else_is_silent(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 2, queued(2, endpoints=0))

    found = inflows.of([R1, R2], [CHAT], NOW_S)[M]

    assert found.waiting == Known(2.0, NOW_S)
    assert isinstance(found.arrivals_per_s, Absent)


@pytest.mark.parametrize(
    ("event", "places", "known"),
    [
        pytest.param(queued(1), [CHAT, CODE], {M}, id="by the selector"),
        pytest.param(queued(1, selector=None), [CHAT], {M}, id="the only model of its namespace"),
        pytest.param(queued(1, selector="=bad="), [CHAT], {M}, id="a selector that cannot be read"),
        pytest.param(queued(1, selector=None), [CHAT, CODE], set(), id="one of several models"),
        pytest.param(queued(1, selector="app in (chat,code)"), [CHAT, CODE], set(), id="several models in one pool"),
        pytest.param(queued(1, namespace="other"), [CHAT], None, id="a pool in another namespace"),
        pytest.param(queued(1, selector="app=nothing"), [CHAT], None, id="nobody's pods"),
        pytest.param(queued(1), [CHAT, Place(M, ({"app": "chat", "v": "2"},))], {M}, id="two variants of one model"),
    ],
)
def test_whose_requests_wait(
    inflows: Inflows, clock: Clock, event: dict[str, Any], places: list[Place], known: set[ModelScope] | None
) -> None:
    heard(inflows, clock, 2, event)

    found = inflows.of([R1], places, NOW_S)

    assert {scope for scope, inflow in found.items() if inflow.waiting == Known(1.0, NOW_S)} == (known or set())
    assert bool(found) is (known is not None)


def test_a_model_begins_to_starve_once(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 3, queued(0, endpoints=0))
    before = clock.woken

    heard(inflows, clock, 3, queued(1, endpoints=0))
    during = clock.woken
    heard(inflows, clock, 1, queued(0, endpoints=0))
    heard(inflows, clock, 2, queued(1, endpoints=0))

    assert (before, during, clock.woken) == (0, 1, 2)


def test_what_waits_for_an_endpoint_that_is_busy_wakes_nobody(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 3, queued(9, endpoints=1))

    assert clock.woken == 0


def test_a_router_that_left_is_forgotten(inflows: Inflows, clock: Clock) -> None:
    heard(inflows, clock, 2, queued(2), queued(3))

    inflows.keep([R1.uid])

    assert isinstance(inflows.of([R1, R2], [CHAT], NOW_S)[M].waiting, Absent)
    assert inflows.of([R1], [CHAT], NOW_S)[M].waiting == Known(2.0, NOW_S)


@pytest.mark.parametrize("event", [{"type": "queued"}, {"type": "queued", "requests": "x", "endpoints": 0}])
def test_what_is_no_event_is_an_error(inflows: Inflows, event: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        inflows.hear(R1, event)


@pytest.mark.parametrize(
    ("event", "routers", "serves"),
    [
        pytest.param(None, [R1], True, id="not heard yet: it may"),
        pytest.param(queued(selector="app=chat"), [R1], True, id="by its selector"),
        pytest.param(queued(selector="app=code"), [R1], False, id="other pods"),
        pytest.param(queued(selector=None), [R1], True, id="it does not tell"),
        pytest.param(queued(namespace="other"), [R1], False, id="in another namespace"),
        pytest.param(None, [], False, id="no router at all"),
    ],
)
def test_whether_a_router_chooses_among_pods(
    inflows: Inflows, clock: Clock, event: dict[str, Any] | None, routers: list[PodFacts], serves: bool
) -> None:
    pods = [found for body in (pod("a"),) if (found := pod_facts(body)) is not None]
    if event is not None:
        heard(inflows, clock, 1, event)

    assert inflows.serves(routers, pods) is serves
