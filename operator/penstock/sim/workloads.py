"""The ten workloads that policies are compared on: traffic, fleet, targets, and in words where all of it comes from.

Where a recording is not at hand, its traffic is drawn from a law with the recording's own statistics, and `credit` and
`law` say so. A seed sets everything that is drawn; of recordings played several times over, it sets the offsets.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.domain.variants import Slo, SloSource
from penstock.sim import traffics
from penstock.sim.fleets import Fleet, chat_fleet, ramp_fleet
from penstock.sim.scene import CHAT, Fault, Scene, VariantSpec
from penstock.sim.traces import Arrival, window
from penstock.sim.traffics import Made

QUICK_S: Final = 720.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Traffic on a fleet. `level` is the attainment at which money is compared; `credit` names the recordings' owners.

    `scene` is the mix of all variants; `alone` has each of them by itself, with a quota of its own.
    """

    name: str
    title: str
    credit: str
    law: str
    level: float
    scene: Scene
    alone: Mapping[str, Scene]
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a workload is made; `quick_from_s` is where its short slice begins, of which `quick_s` is the length."""

    title: str
    traffic: Callable[[int, Path | None], Made]
    fleet: Fleet = dataclasses.field(default_factory=chat_fleet)
    slo: Slo = CHAT
    level: float = 0.995
    quick_from_s: float = 0.0
    quick_s: float = QUICK_S
    faults: tuple[Fault, ...] = ()
    idle_before_zero_s: float | None = None


def _slo(ttft_s: float, tpot_s: float, ratio: float = 0.995) -> Slo:
    return Slo(ttft_s=ttft_s, tpot_s=tpot_s, attainment_ratio=ratio, source=SloSource.DEFAULT)


# The three windows of ServeGen: first row of 600 s, rows, and the share of requests that is kept.
_RISING: Final = (260, 9, 0.7)
_FALLING: Final = (345, 9, 0.45)
_SPIKE: Final = (1048, 9, 1.0)
_FAULTS: Final = (
    Fault(kind="metrics-stale", from_s=0.0, until_s=1e9, ratio=0.1),
    Fault(kind="metrics-gone", from_s=420.0, until_s=720.0),
    Fault(kind="out-of-stock", from_s=1080.0, until_s=1980.0, variant="l40s"),
    Fault(kind="slow-start", from_s=2100.0, until_s=2700.0, factor=3.0),
    # while no other can take its place
    Fault(kind="crash", from_s=1200.0, until_s=1200.0, variant="l40s"),
)

PLANS: Final[Mapping[str, Plan]] = {
    "W1": Plan(title="conversation, four rotated copies", traffic=traffics.conversation, quick_from_s=1200.0),
    "W2": Plan(title="code completion in bursts, four rotated copies", traffic=traffics.code, level=0.98),
    "W3-rising": Plan(
        title="calm, then rising: five clients of one service",
        traffic=traffics.clients(*_RISING),
        quick_from_s=1500.0,
    ),
    "W3-falling": Plan(
        title="the same clients falling to half, and on", traffic=traffics.clients(*_FALLING), quick_from_s=2700.0
    ),
    "W3-spike": Plan(
        title="a spike of fifteen times the calm, for ten minutes",
        traffic=traffics.clients(*_SPIKE),
        quick_from_s=2640.0,
    ),
    "W4": Plan(
        title="long reasoning answers over a day played sixteen times as fast",
        traffic=traffics.reasoning,
        fleet=chat_fleet(l40s=12, h100=12),
        quick_from_s=1500.0,
    ),
    "W5": Plan(title="long prompts", traffic=traffics.long_prompts, slo=_slo(30.0, 0.2), quick_from_s=600.0),
    "W6": Plan(
        title="ramp from 2 to 10 requests a second and down",
        traffic=traffics.ramp,
        fleet=ramp_fleet(),
        slo=_slo(3.0, 0.1),
        level=0.99,
        quick_from_s=480.0,
    ),
    "W7": Plan(title="step from 2 to 10 requests a second", traffic=traffics.step, quick_from_s=300.0),
    "W8": Plan(
        title="an office day of one client, idle for half of it",
        traffic=traffics.office,
        quick_from_s=8100.0,
        quick_s=1800.0,
        idle_before_zero_s=600.0,
    ),
    "W9": Plan(title="the conversation of W1 through five faults", traffic=traffics.conversation, faults=_FAULTS),
    "W10": Plan(
        title="lengths drift from conversation to code at half time", traffic=traffics.drift, quick_from_s=1380.0
    ),
}
NAMES: Final = tuple(PLANS)


def workload(name: str, seed: int, traces: Path | None, *, quick: bool = False) -> Workload:
    """Return a workload, or with `quick` a slice of it of some minutes.

    Raises:
        InvalidField: there is none of this name; or a recording cannot be read.
    """
    plan = PLANS.get(name)
    if plan is None:
        raise InvalidField("workload", name, f"write one of {', '.join(NAMES)}")
    made = plan.traffic(seed, traces)
    if quick:
        made = _cut(made, plan)
    arrivals = tuple(made.arrivals)
    scene = plan.fleet.mix(arrivals, made.length_s, plan.slo)
    alone = {one.name: plan.fleet.single(arrivals, made.length_s, plan.slo, one.name) for one in scene.variants}
    return Workload(
        name=name,
        title=plan.title,
        credit=made.credit,
        law=made.law,
        level=plan.level,
        scene=_troubled(scene, plan, made.length_s),
        alone={name: _troubled(one, plan, made.length_s) for name, one in alone.items()},
        arrivals=arrivals,
    )


def _cut(made: Made, plan: Plan) -> Made:
    from_s = min(plan.quick_from_s, max(0.0, made.length_s - plan.quick_s))
    length_s = min(plan.quick_s, made.length_s)
    return dataclasses.replace(
        made,
        arrivals=tuple(window(made.arrivals, from_s, length_s)),
        length_s=length_s,
        law=f"{made.law} Of this, {length_s / 60:g} minutes from {from_s / 60:g} min on.",
    )


def _troubled(scene: Scene, plan: Plan, length_s: float) -> Scene:
    """Add faults and leave to sleep. In a fleet of one variant, what befalls a variant befalls that one."""
    here = {spec.name for spec in scene.variants}
    faults = tuple(
        dataclasses.replace(fault, variant=fault.variant if fault.variant in here else scene.variants[0].name)
        if fault.variant or fault.kind == "crash"
        else fault
        for fault in plan.faults
        if fault.from_s < length_s
    )
    scene = dataclasses.replace(scene, faults=faults, idle_before_zero_s=plan.idle_before_zero_s)
    return scene if plan.idle_before_zero_s is None else dataclasses.replace(scene, variants=_to_zero(scene))


def _to_zero(scene: Scene) -> tuple[VariantSpec, ...]:
    return tuple(dataclasses.replace(spec, min_replicas=0) for spec in scene.variants)
