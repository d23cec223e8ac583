"""The cheapest variant finds no node: another one stands in within two passes, until there is a place again.

Then the need returns, and what stood in goes, while requests come all the time.
"""

import json
from datetime import datetime, timedelta

import pytest
from tests.e2e.explained import explained
from tests.e2e.fleet import SCARCE, STUCK, begin_load, priced
from tests.e2e.history import History
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.load import answers, enough
from tests.e2e.variants import Status, condition, desired, events, replicas, status

pytestmark = pytest.mark.e2e
OPERATOR = ("deployment/penstock-operator", "penstock-system")
PASSES = 2
A_SECOND = timedelta(seconds=1)  # to which statuses tell the time
LOAD_S = 600  # at most: the last story ends it


@pytest.fixture(scope="module")
def loaded(kube: Kube, images: Images, fleet: History) -> History:
    """Load the variant that runs, and let the one that fits nowhere be the cheaper of the two."""
    begin_load(kube, images, STUCK, per_s=1.5, seconds=LOAD_S)
    kube.apply(
        priced("cheap", minReplicas=0, maxReplicas=4, startupTime="8s"),
        priced("dear", minReplicas=1, maxReplicas=5, startupTime="30s"),
        namespace=STUCK,
    )
    return fleet


def decided(history: History, name: str, reason: str, *, above: int = -1, below: int = 100) -> Status:
    """Wait for the first decision of a variant with this reason, and a number between these."""

    def found() -> Status:
        rows = history.statuses(STUCK, name)
        alike = (one for one in rows if one.get("decision", {}).get("reason") == reason)
        return next((one for one in alike if above < (desired(one) or 0) < below), {})

    return until(found, bool, f"{name}: {reason}", 90)


def moment(found: Status) -> datetime:
    return datetime.fromisoformat(found["decision"]["time"])


def passes(kube: Kube, since: datetime, until_: datetime) -> int:
    """Return how many passes ended between two moments."""
    rows = [json.loads(line) for line in kube.logs(*OPERATOR).splitlines() if "Optimization completed" in line]
    return sum(since < datetime.fromisoformat(row["time"]) < until_ for row in rows)


def test_another_variant_stands_in_within_two_passes(kube: Kube, loaded: History) -> None:
    asked = decided(loaded, "cheap", "DemandUp", above=0)

    standing_in = decided(loaded, "dear", "Spill", above=1)

    assert passes(kube, moment(asked) + A_SECOND, moment(standing_in)) <= PASSES, loaded.told(STUCK)
    assert "in place of cheap" in standing_in["decision"]["summary"]
    until(lambda: events(kube, STUCK, "dear"), lambda it: "SpilledOver" in it, "event SpilledOver", 30)


def test_who_finds_no_place_is_named_and_not_asked_for_a_while(loaded: History) -> None:
    given_up = decided(loaded, "cheap", "Spill", below=1)

    assert "without a place" in given_up["decision"]["summary"]
    assert datetime.fromisoformat(given_up["unavailableUntil"]) > moment(given_up)
    seen = [condition(one, "ScalingLimited") for one in loaded.statuses(STUCK, "cheap")]
    assert ("True", "StuckPending") in seen, loaded.told(STUCK)


def test_the_need_returns_once_there_is_a_place_and_nothing_is_lost(kube: Kube, loaded: History) -> None:
    given_up = decided(loaded, "cheap", "Spill", below=1)
    until(lambda: kube.list("pods", STUCK, "app=cheap"), lambda it: not it, "nobody waits for a place any more", 30)
    kube.run("label", "nodes", "--all", f"{SCARCE}=yes")

    returned = decided(loaded, "cheap", "Return", above=0)
    back = until(
        lambda: status(kube, STUCK, "cheap"),
        lambda it: condition(it, "Ready")[0] == "True" and it["replicas"]["ready"] >= 1,
        "the cheap variant serves",
        90,
    )
    until(lambda: replicas(kube, STUCK, "dear"), lambda it: it == 1, "what stood in goes", 90)
    enough(kube, "load", STUCK)

    told = loaded.told(STUCK)
    assert moment(returned) >= datetime.fromisoformat(given_up["unavailableUntil"]), told
    assert (desired(back) or 0) >= 1, told
    assert "unavailableUntil" not in back
    assert condition(back, "ScalingLimited")[1] != "StuckPending"
    gone = loaded.steps(STUCK, "dear")[-1]
    assert (gone.number, gone.reason) == (1, "DemandDown"), told
    assert gone.at > moment(returned), told
    text = explained(kube, "va/cheap", STUCK, at=moment(returned) + A_SECOND)
    assert f"-> {desired(returned)} at " in text, text
    assert "(Return, record " in text, text
    assert set(answers(kube, "load", STUCK)) == {"200"}, told
