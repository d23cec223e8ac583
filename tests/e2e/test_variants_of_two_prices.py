"""One model on cheap engines and on dear, quick ones: load brings the cheap first, and its end takes the dear first.

How often a number turns on the way is left open: a slow machine's engines are as slow as they are measured to be.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import pytest
from tests.e2e.explained import explained
from tests.e2e.history import History, Step
from tests.e2e.kube import Kube, until
from tests.e2e.load import answers
from tests.e2e.prices import LEAST, LOAD_S, MOST, PER_S, ROOM
from tests.e2e.variants import condition, desired, replicas, status

pytestmark = pytest.mark.e2e
FORGOTTEN_S = 60 + 300 + 60  # from a load's end, the windows of its rate and of its level, and that of falling


def steps(history: History) -> dict[str, list[Step]]:
    return {name: history.steps(ROOM, name) for name in LEAST}


def most(path: Sequence[Step]) -> int:
    return max((step.number for step in path), default=0)


def test_load_brings_the_cheap_variant_first(prices: History) -> None:
    found = until(
        lambda: steps(prices),
        lambda it: most(it["cheap"]) == MOST["cheap"] and most(it["dear"]) > LEAST["dear"],
        "the cheap one grows as far as it may, and the dear one, too",
        LOAD_S + 30,
    )

    told = prices.told(ROOM)
    begun = {name: next(step for step in path if step.number > LEAST[name]) for name, path in found.items()}
    assert begun["cheap"].at <= begun["dear"].at, told
    assert begun["cheap"].reason == "DemandUp", told
    assert begun["dear"].reason in {"DemandUp", "FromZero"}, f"the latter where nothing of it ran; {told}"
    for name, least in LEAST.items():
        grown = [one for one in prices.statuses(ROOM, name) if (desired(one) or 0) > least]
        assert ("True", "ScaleApplied") in [condition(one, "ScalingActive") for one in grown], told
        assert "True" in {condition(one, "OptimizationReady")[0] for one in grown}, told
    limits = [condition(one, "ScalingLimited") for one in prices.statuses(ROOM, "cheap")]
    assert ("True", "MaxReplicas") in limits, f"why the cheap one does not serve everything; {told}"


def passes(path: Sequence[Step]) -> list[tuple[dict[str, int], dict[str, int]]]:
    """Return the numbers before and after each pass that changed any."""
    now, found = {step.variant: step.number for step in reversed(path)}, []
    for _, together in groupby(path, key=lambda step: step.at):
        before, now = now, {**now, **{step.variant: step.number for step in together}}
        found.append((before, now))
    return found


def is_back(found: Mapping[str, Sequence[Step]]) -> bool:
    return all(most(path) > LEAST[name] and path[-1].number == LEAST[name] for name, path in found.items())


@pytest.mark.late
def test_without_load_the_dear_variant_goes_first(kube: Kube, prices: History) -> None:
    answers(kube, "load", ROOM)

    found = until(lambda: steps(prices), is_back, "both come down to their least", FORGOTTEN_S)

    told = prices.told(ROOM)
    fewer = [after for before, after in passes(prices.steps(ROOM)) if after["cheap"] < before["cheap"]]
    assert fewer, told
    assert {numbers["dear"] for numbers in fewer} == {LEAST["dear"]}, (
        f"no cheap one goes while a dear one stays; {told}"
    )
    for name, path in found.items():
        least = LEAST[name]
        assert "DemandDown" in {step.reason for step in path if step.number == least}, told
        until(lambda name=name: replicas(kube, ROOM, name), lambda it, least=least: it == least, "it shrinks", 60)
        until(lambda name=name: condition(status(kube, ROOM, name), "Ready"), lambda it: it[0] == "True", "ready", 60)


@pytest.mark.late
def test_no_request_is_lost_on_the_way(kube: Kube, prices: History) -> None:
    assert answers(kube, "load", ROOM) == {"200": PER_S * LOAD_S}, prices.told(ROOM)


@pytest.mark.late
def test_the_operator_explains_the_last_step(kube: Kube, prices: History) -> None:
    before, after = prices.steps(ROOM, "dear")[-2:]

    assert explained(kube, "va/dear", ROOM).startswith(f"dear  {before.number} -> {after.number} at ")
