"""B13, SkyServe with a target rate for each type of GPU.

Source: skypilot-org/skypilot, sky/serve/autoscalers.py, InstanceAwareRequestRateAutoscaler, and sky/serve/constants.py:
rate over 60 s, decisions every 20 s, up after 300 s and down after 1,200 s of decisions that all agreed. Above the sum
of the replicas' target rates it adds what is missing divided by the *highest* target; below, it keeps as many of the
ready ones, best first, as exceed the rate. New replicas are of the cheapest type with a place (the optimizer's choice,
which passes to the next where there is none); those not ready go first, then those with the lowest target.
Favourable to it: the targets are a share of the exact capacity, where users would have to measure.
"""

from collections.abc import Mapping
from math import ceil

from penstock.peers.profile import Profile
from penstock.peers.rivals import MIX, SINGLE, Rival, over_all
from penstock.peers.windows import Meter
from penstock.sim.policies import Counts, Seen
from penstock.sim.scene import Scene

_WINDOW_S = 60.0


class Hysteresis:
    """SkyServe's: a wish is granted at the n-th decision in a row that goes its way."""

    def __init__(self, target: int, *, up: int, down: int) -> None:
        self.target = target
        self._needed = {1: up, -1: down}
        self._counted = {1: 0, -1: 0}

    def decide(self, wanted: int) -> int:
        """Take in what is wanted now and return the target."""
        way = (wanted > self.target) - (wanted < self.target)
        if self.target == 0:
            self.target = wanted
        elif way == 0:
            self._counted = {1: 0, -1: 0}
        else:
            self._counted[way] += 1
            self._counted[-way] = 0
            if self._counted[way] >= self._needed[way]:
                self._counted[way] = 0
                self.target = wanted
        return self.target


class SkyServe:
    """Counts instances over all types; the type of each is what the cheapest place gives."""

    tick_s = 20.0

    def __init__(
        self, scene: Scene, *, share: float = 0.8, upscale_delay_s: float = 300.0, downscale_delay_s: float = 1200.0
    ) -> None:
        self._scene = scene
        self._share = share
        self._profile = Profile(scene)
        self._meter = Meter(_WINDOW_S)
        self._cheapest = sorted(scene.variants, key=lambda spec: (spec.usd_per_h, spec.name))
        self._least = max(1, sum(spec.min_replicas for spec in scene.variants))
        self._most = sum(spec.max_replicas for spec in scene.variants)
        self._hysteresis = Hysteresis(
            max(self._least, sum(spec.initial for spec in scene.variants)),
            up=int(upscale_delay_s / self.tick_s),
            down=int(downscale_delay_s / self.tick_s),
        )

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas of every type; all stay while no request has finished yet."""
        self._profile.learn(seen)
        qps = self._meter.per_s(seen.now_s, seen.router.arrived)
        targets = {}
        for spec in self._scene.variants:
            capacity = self._profile.of(spec)
            if capacity is None:
                return {}
            targets[spec.name] = self._share * capacity.per_s
        wanted = wanted_instances(qps, targets, seen.fleet)
        target = self._hysteresis.decide(max(self._least, min(self._most, wanted)))
        return self._placed(target, targets, seen.fleet)

    def _placed(self, target: int, targets: Mapping[str, float], fleet: Mapping[str, Counts]) -> dict[str, int]:
        plan = {spec.name: fleet[spec.name].wanted for spec in self._scene.variants}
        for spec in self._cheapest:
            room = 0 if fleet[spec.name].stuck else spec.max_replicas - plan[spec.name]
            plan[spec.name] += max(0, min(target - sum(plan.values()), room))
        while sum(plan.values()) > target:
            victim = min(
                (spec for spec in self._scene.variants if plan[spec.name] > spec.min_replicas),
                key=lambda spec: (plan[spec.name] <= fleet[spec.name].ready, targets[spec.name], spec.name),
                default=None,
            )
            if victim is None:
                break
            plan[victim.name] -= 1
        return plan


def wanted_instances(qps: float, targets: Mapping[str, float], fleet: Mapping[str, Counts]) -> int:
    """Return the number of instances, of whatever type, before bounds and hysteresis."""
    served = sum(targets[name] * fleet[name].provisioned for name in targets)
    if served > 0 and qps >= served:
        return sum(fleet[name].provisioned for name in targets) + ceil((qps - served) / max(targets.values()))
    if served == 0:
        return 0
    ready = sorted((targets[name] for name in targets for _ in range(fleet[name].ready)), reverse=True)
    ready = ready or [max(targets.values())]
    reached = 0.0
    for number, target in enumerate(ready, start=1):
        reached += target
        if reached > qps:
            return number
    return len(ready)


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B13",
        name="skyserve-instance-aware",
        source="skypilot-org/skypilot sky/serve/autoscalers.py",
        defaults={"share": 0.8, "upscale_delay_s": 300.0, "downscale_delay_s": 1200.0},
        grid={
            "share": (0.65, 0.8, 0.95, 1.1),
            "upscale_delay_s": (20.0, 60.0, 300.0),
            "downscale_delay_s": (300.0, 1200.0),
        },
        build=over_all(SkyServe),
        shapes=frozenset({SINGLE, MIX}),
    ),
)
