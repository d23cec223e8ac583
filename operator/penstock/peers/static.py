"""Fleets that never change (B0): as large as is told, or as the busiest minutes of this very traffic need.

By default the cheapest fleet that serves the rate of the 99th of a hundred minutes with 90 % of its capacity, which is
that of a replica at the mean lengths of the whole traffic. `more` takes the next larger ones from there, or below zero
the smaller ones: of a mix, those fleets that serve more than all cheaper ones. So must be known beforehand what nobody
knows; it is shown, and counts as no rival.
"""

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from penstock.engine.capacity import capacity
from penstock.peers.replicas import clamp
from penstock.peers.rivals import MIX, SINGLE, Knobs, Rival, own_knobs
from penstock.peers.views import quantile
from penstock.sim.policies import Policy, Seen
from penstock.sim.scene import Scene, VariantSpec
from penstock.sim.traces import Arrival, mean_lengths

MINUTE_S: Final = 60.0

Fleet = tuple[int, ...]


class Static:
    """B0. The same numbers of replicas from first to last second."""

    tick_s = 60.0

    def __init__(self, fleet: Mapping[str, int]) -> None:
        self.fleet = fleet

    def decide(self, seen: Seen) -> Mapping[str, int]:  # noqa: ARG002 - a constant looks at nothing
        """Return the constant."""
        return self.fleet


def begun(scene: Scene, policy: Policy) -> Scene:
    """Return the scene as it begins under a policy: a fleet that never changes stands from the first second on."""
    if not isinstance(policy, Static):
        return scene
    variants = tuple(replace(spec, initial=policy.fleet[spec.name]) for spec in scene.variants)
    return replace(scene, variants=variants)


def static(scene: Scene, knobs: Knobs, arrivals: Sequence[Arrival] = ()) -> Static:
    """Return the fleet that `replicas` tells, of one variant or of all; where it is 0 for all, one for the peak."""
    told = {spec.name: own_knobs(knobs, spec.name)["replicas"] for spec in scene.variants}
    if any(told.values()):
        return Static({spec.name: clamp(told[spec.name], spec, least=0) for spec in scene.variants})
    lengths = mean_lengths(arrivals)
    steps = ladder(scene.variants, [capacity(spec.shape, lengths, scene.slo).per_s for spec in scene.variants])
    needed = peak_per_s(arrivals, scene.length_s, knobs["minute"]) / knobs["load"]
    enough = next((place for place, (per_s, _) in enumerate(steps) if per_s >= needed), len(steps) - 1)
    _, fleet = steps[min(max(enough + int(knobs["more"]), 0), len(steps) - 1)]
    return Static(dict(zip((spec.name for spec in scene.variants), fleet, strict=True)))


def peak_per_s(arrivals: Sequence[Arrival], length_s: float, share: float) -> float:
    """Return a quantile of the rates of all minutes; the run is cut into equal stretches of about one."""
    minutes = max(1, round(length_s / MINUTE_S))
    each_s = length_s / minutes
    came = Counter(min(int(one.at_s / each_s), minutes - 1) for one in arrivals)
    return quantile((came[minute] / each_s for minute in range(minutes)), share)


def ladder(specs: Sequence[VariantSpec], each_per_s: Sequence[float]) -> list[tuple[float, Fleet]]:
    """Return what fleets serve per second, and the fleets: each serves more than all that cost less, cheapest first."""
    fleets = itertools.product(*(range(spec.min_replicas, spec.max_replicas + 1) for spec in specs))
    priced = sorted(
        (_dot(fleet, [spec.usd_per_h for spec in specs]), -_dot(fleet, each_per_s), fleet)
        for fleet in fleets
        if any(fleet)
    )
    found: list[tuple[float, Fleet]] = []
    for _, less, fleet in priced:
        if not found or -less > found[-1][0]:
            found.append((-less, fleet))
    return found


def _dot(fleet: Fleet, each: Sequence[float]) -> float:
    return math.fsum(count * value for count, value in zip(fleet, each, strict=True))


FAMILY: Final = (
    Rival(
        code="B0",
        name="static",
        source="no autoscaler: a fixed spec.replicas",
        defaults={"replicas": 0, "minute": 0.99, "load": 0.9, "more": 0},
        grid={"more": range(-28, 25)},
        build=static,
        foreseen=static,
        reactive=False,
        shapes=frozenset({SINGLE, MIX}),
    ),
)
