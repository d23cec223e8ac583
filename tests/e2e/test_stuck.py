"""The cheapest variant finds no node: another one stands in within two passes, until there is a place again."""

from datetime import datetime

import pytest
from tests.e2e.fleet import SCARCE, STUCK, begin_load, priced
from tests.e2e.history import History
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.variants import Status, condition, desired, events, status

pytestmark = pytest.mark.e2e
TWO_PASSES_S = 2 * 5 + 3  # as installed for the stories, and a margin for a slow machine
LOAD_S = 50


@pytest.fixture(scope="module")
def loaded(kube: Kube, images: Images, fleet: History) -> History:
    """Load the variant that runs, and let the one that fits nowhere be the cheaper of the two."""
    begin_load(kube, images, STUCK, per_s=2.0, seconds=LOAD_S)
    kube.apply(
        priced("cheap", minReplicas=0, maxReplicas=4, startupTime="5s"),
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


def test_another_variant_stands_in_within_two_passes(kube: Kube, loaded: History) -> None:
    asked = decided(loaded, "cheap", "DemandUp", above=0)

    standing_in = decided(loaded, "dear", "Spill", above=1)

    assert (moment(standing_in) - moment(asked)).total_seconds() <= TWO_PASSES_S
    assert "in place of cheap" in standing_in["decision"]["summary"]
    assert "SpilledOver" in events(kube, STUCK, "dear")


def test_who_finds_no_place_is_named_and_not_asked_for_a_while(loaded: History) -> None:
    given_up = decided(loaded, "cheap", "Spill", below=1)

    assert "without a place" in given_up["decision"]["summary"]
    assert datetime.fromisoformat(given_up["unavailableUntil"]) > moment(given_up)
    seen = [condition(one, "ScalingLimited") for one in loaded.statuses(STUCK, "cheap")]
    assert ("True", "StuckPending") in seen


def test_a_replica_that_finds_its_place_brings_the_variant_back(kube: Kube, loaded: History) -> None:
    decided(loaded, "cheap", "Spill", below=1)
    kube.run("label", "nodes", "--all", f"{SCARCE}=yes")
    kube.patch("va", "cheap", {"spec": {"minReplicas": 1}}, STUCK)

    back = until(
        lambda: status(kube, STUCK, "cheap"),
        lambda it: condition(it, "Ready")[0] == "True" and it["replicas"]["ready"] >= 1,
        "the cheap variant serves",
        60,
    )

    assert (desired(back) or 0) >= 1
    assert "unavailableUntil" not in back
    assert condition(back, "ScalingLimited")[1] != "StuckPending"
