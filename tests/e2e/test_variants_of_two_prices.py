"""One model on cheap engines and on dear, quick ones: load brings the cheap first, and its end takes the dear first."""

from datetime import datetime

import pytest
from tests.e2e.explained import explained
from tests.e2e.history import History
from tests.e2e.kube import Kube, until
from tests.e2e.load import answers
from tests.e2e.prices import LEAST, LOAD_S, MOST, PER_S, ROOM
from tests.e2e.variants import condition, desired, replicas

pytestmark = pytest.mark.e2e
FORGOTTEN_S = LOAD_S + 60 + 300 + 60  # the load, the windows of its rate and of its level, and that of falling


def steps(history: History, name: str) -> list[tuple[datetime, int]]:
    """Return when a variant's number changed, and to what; the first is the one that it began with."""
    found: dict[str, tuple[datetime, int]] = {}
    for one in history.statuses(ROOM, name):
        number, decision = desired(one), one.get("decision")
        if number is not None and decision:
            found.setdefault(decision["id"], (datetime.fromisoformat(decision["time"]), number))
    return list(found.values())


def hill(history: History, name: str) -> list[tuple[datetime, int]]:
    """Return the steps up to a variant's first return to its least; all of them while it has not returned."""
    found = steps(history, name)
    grown = next((i for i, (_, number) in enumerate(found) if number > LEAST[name]), len(found))
    back = next((i for i, (_, number) in enumerate(found) if i > grown and number == LEAST[name]), len(found))
    return found[: back + 1]


def test_load_brings_the_cheap_variant_first(prices: History) -> None:
    until(
        lambda: {name: max(number for _, number in steps(prices, name)) for name in LEAST},
        lambda most: most["cheap"] == MOST["cheap"] and most["dear"] > LEAST["dear"],
        "the cheap one grows as far as it may, and the dear one, too",
        LOAD_S + 30,
    )

    begun = {name: next(at for at, number in steps(prices, name) if number > LEAST[name]) for name in LEAST}
    assert begun["cheap"] <= begun["dear"]
    for name, least in LEAST.items():
        grown = next(one for one in prices.statuses(ROOM, name) if (desired(one) or 0) > least)
        assert grown["decision"]["reason"] in {"DemandUp", "FromZero"}, (
            "the latter of the dear one, of which nothing ran"
        )
        assert condition(grown, "ScalingActive") == ("True", "ScaleApplied")
        assert condition(grown, "OptimizationReady")[0] == "True"
    limits = [condition(one, "ScalingLimited") for one in prices.statuses(ROOM, "cheap")]
    assert ("True", "MaxReplicas") in limits, "why the cheap one does not serve everything"


@pytest.mark.late
def test_without_load_the_dear_variant_goes_first(kube: Kube, prices: History) -> None:
    down = until(
        lambda: {name: hill(prices, name) for name in LEAST},
        lambda it: all(len(path) > 2 and path[-1][1] == LEAST[name] for name, path in it.items()),
        "both come down to their least",
        FORGOTTEN_S,
    )

    assert down["dear"][-1][0] <= down["cheap"][-1][0]
    for name, path in down.items():
        ended, numbers = path[-1][0], [number for _, number in path]
        top = numbers.index(max(numbers))
        rest = sorted(numbers[top:], reverse=True)
        assert numbers == [*sorted(numbers[:top]), *rest], "nothing is taken back on the way"
        found = next(one for one in prices.statuses(ROOM, name) if desired(one) == LEAST[name]
                     and datetime.fromisoformat(one["decision"]["time"]) == ended)  # fmt: skip
        assert found["decision"]["reason"] == "DemandDown"
        assert condition(found, "Ready")[0] == "True"
        least = LEAST[name]
        until(lambda name=name: replicas(kube, ROOM, name), lambda it, least=least: it == least, "it shrinks", 60)


@pytest.mark.late
def test_no_request_is_lost_on_the_way(kube: Kube, prices: History) -> None:
    del prices

    assert answers(kube, "load", ROOM) == {"200": PER_S * LOAD_S}


@pytest.mark.late
def test_the_operator_explains_the_last_step(kube: Kube, prices: History) -> None:
    (_, before), (_, after) = steps(prices, "dear")[-2:]

    assert explained(kube, "va/dear", ROOM).startswith(f"dear  {before} -> {after} at ")
