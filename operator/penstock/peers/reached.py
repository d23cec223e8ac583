"""From the other side of B22: what a plan for known traffic costs that attains the target when it is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from penstock.peers.clairvoyant import Clairvoyant, bounds
from penstock.sim.run import run
from penstock.sim.scene import Scene
from penstock.sim.traces import Arrival

MARGINS: Final = (1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The first margin over the known rates that attained the target in simulation, and its dollars per hour there."""

    margin: float
    attainment_ratio: float
    usd_per_h: float


def reached(
    scene: Scene,
    arrivals: Sequence[Arrival],
    seed: int,
    *,
    goal_ratio: float | None = None,
    margins: Sequence[float] = MARGINS,
) -> Reached | None:
    """Return the first plan in the order of `margins` that attains the goal; None where none does.

    The bound of `clairvoyant.bounds` leaves no room for what happens within a minute and lets no backlog clear, so that
    its own plan may miss the target; the least that any law can spend and attain it lies between that bound and this.
    """
    goal_ratio = scene.slo.attainment_ratio if goal_ratio is None else goal_ratio
    for margin in margins:
        plan = bounds(scene, arrivals, margin=margin).plan
        result = run(scene, arrivals, Clairvoyant(scene, plan), seed)
        attained = result.attainment(scene.slo)
        if attained >= goal_ratio:
            return Reached(margin=margin, attainment_ratio=attained, usd_per_h=result.usd_per_h())
    return None
