"""The lane: a share of the dispatches goes to who waits longest, and bounds every wait."""

import pytest
from tests.unit.flow.world import World, gated

from penstock.domain.policies import Policy, Weights

STRICT = Weights(wait_time=0.0, criticality=1.0, request_rate=0.0)


def overloaded(share: float, dispatches: int) -> World:
    """One modest request against an endless stream of urgent ones."""
    world = World(gated(1, Policy(weights=STRICT, lane_share_ratio=share)))
    world.send("first")
    world.send("modest", criticality=1)
    for number in range(dispatches):
        world.send(f"urgent-{number}", "urgent", 5)
        world.send(f"more-{number}", "urgent", 5)
        world.wait(0.01)
        world.finish(world.running[0])
    return world


@pytest.mark.parametrize(("share", "at_most"), [(0.5, 3), (0.1, 11), (0.05, 21)])
def test_nobody_starves(share: float, at_most: int) -> None:
    world = overloaded(share, 60)

    assert world.dispatched.index("modest") <= at_most


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5])
def test_the_lane_takes_its_share_and_no_more(share: float) -> None:
    world = overloaded(share, 200)

    lanes = sum(dispatch.lane for dispatch in world.dispatches)

    assert lanes == pytest.approx(share * len(world.dispatches), abs=1)


def test_without_a_lane_strict_weights_starve() -> None:
    assert "modest" not in overloaded(0.0, 200).dispatched
