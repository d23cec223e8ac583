"""B15, the Workload Variant Autoscaler with saturation V1: one replica more or fewer per model and pass, then an HPA.

Source: llm-d/llm-d-workload-variant-autoscaler, February 2026 (internal/saturation, internal/engines/saturation). The
signal is `scaling.saturation`, which is WVA's to the letter. Every 30 s it works on the peaks of the last minute; where
any number differs from what runs, the whole model is frozen; a rise goes to the cheapest variant with nothing pending,
a fall to the dearest with more than one. An HPA follows `wva_desired_replicas` with AverageValue 1; from zero, KEDA's
activation does. Series that are missing read as zero, as there.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from penstock.domain.catalogue import SaturationThresholds
from penstock.domain.readings import last
from penstock.peers.hpa import DEFAULT, SYNC_S, Hpa, HpaBehavior, Signal
from penstock.peers.rivals import MIX, SINGLE, Rival
from penstock.peers.views import pools
from penstock.scaling.observe import Gauges
from penstock.scaling.saturation import signal
from penstock.scaling.tokens import Replica
from penstock.sim.policies import Counts, Policy, Seen
from penstock.sim.scene import Scene, VariantSpec

_PEAK_S: Final = 60.0
_COOLDOWN_S: Final = 300.0  # KEDA keeps the last replica for so long
LIMITS: Final = SaturationThresholds()


class Peaks:
    """`max_over_time(…[1m])` of every pod."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[tuple[float, float, float]]] = {}

    def read(self, seen: Seen) -> dict[str, list[Replica]]:
        """Take in the scrape and return the replicas that report, by variant."""
        found: dict[str, list[Replica]] = {}
        for name, rows in pools(seen).items():
            found[name] = []
            for row in rows:
                samples = self._samples.setdefault(row.pod, deque())
                if not samples or samples[-1][0] < row.sampled_at_s:
                    samples.append((row.sampled_at_s, last(row.kv_usage_ratio) or 0.0, last(row.waiting) or 0.0))
                while samples[0][0] <= seen.now_s - _PEAK_S and len(samples) > 1:
                    samples.popleft()
                found[name].append(
                    Replica(
                        kv_ratio=max(kv for _, kv, _ in samples),
                        queue=max(queue for _, _, queue in samples),
                        capacity_tokens=last(row.kv_capacity_tokens) or 0.0,
                        input_tokens=last(row.input_tokens) or 0.0,
                        output_tokens=last(row.output_tokens) or 0.0,
                    )
                )
        return found


class Followers:
    """The HPAs that carry out what WVA recommends, and KEDA's activation around zero."""

    def __init__(self, scene: Scene, behavior: HpaBehavior = DEFAULT) -> None:
        self._hpas = {spec.name: Hpa(behavior, max(1, spec.min_replicas), spec.max_replicas) for spec in scene.variants}
        self._active_at_s = dict.fromkeys(self._hpas, 0.0)

    def step(self, seen: Seen, desired: Mapping[str, int]) -> dict[str, int]:
        """Return the replicas that are set; nothing while there is no recommendation."""
        return {name: self._one(name, seen, desired[name]) for name in self._hpas if name in desired}

    def _one(self, name: str, seen: Seen, desired: int) -> int:
        count = seen.fleet[name]
        if desired > 0:
            self._active_at_s[name] = seen.now_s
        elif count.wanted <= 1 and seen.now_s - self._active_at_s[name] >= _COOLDOWN_S:
            return 0
        if count.wanted == 0:
            return min(desired, 1)
        return self._hpas[name].step(seen.now_s, count.wanted, [Signal(max(desired, 1), 1.0).proposal(count)])


class Wva(ABC):
    """What both analysers share: a recommendation each `interval_s` from the peaks, and the HPAs that follow it."""

    tick_s = SYNC_S

    def __init__(self, scene: Scene, *, interval_s: float = 30.0, limits: SaturationThresholds = LIMITS) -> None:
        self._variants = scene.variants
        self._interval_s, self._limits = interval_s, limits
        self._peaks = Peaks()
        self._followers = Followers(scene)
        self._desired: dict[str, int] = {}
        self._next_s = 0.0

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Recommend when it is time, and let the HPAs follow."""
        replicas = self._peaks.read(seen)
        if seen.now_s >= self._next_s - 1e-6:
            self._next_s = seen.now_s + self._interval_s
            if any(replicas.values()):
                self._desired = self.recommended(replicas, seen)
        return self._followers.step(seen, self._desired)

    @abstractmethod
    def recommended(self, replicas: Mapping[str, Sequence[Replica]], seen: Seen) -> dict[str, int]:
        """Return the desired replicas of every variant, given the replicas that report, at least one."""


class WvaV1(Wva):
    """Saturation V1 over the variants of one model, with its HPAs."""

    def recommended(self, replicas: Mapping[str, Sequence[Replica]], seen: Seen) -> dict[str, int]:
        """Return one replica more or fewer of one variant, or what there is."""
        gauges = [Gauges(peak.kv_ratio, peak.queue) for pool in replicas.values() for peak in pool]
        reporting = {name: len(pool) for name, pool in replicas.items()}
        return recommend(signal(gauges, self._limits), self._variants, reporting, seen.fleet, self._desired)


def recommend(
    move: int,
    variants: Sequence[VariantSpec],
    reporting: Mapping[str, int],
    fleet: Mapping[str, Counts],
    before: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, int]:
    """Return the desired replicas of every variant after one pass; `before` holds those of the last one."""
    current = {spec.name: fleet[spec.name].provisioned for spec in variants}
    moving = any(before.get(name, 0) not in {0, count} for name, count in current.items())
    if moving or any(reporting.get(name, 0) != count for name, count in current.items()):
        return {name: before.get(name, 0) or count for name, count in current.items()}
    desired = dict(current)
    if move > 0:
        able = [spec for spec in variants if fleet[spec.name].provisioned == fleet[spec.name].ready]
        if able:
            desired[min(able, key=lambda spec: (spec.usd_per_h, spec.name)).name] += 1
    elif move < 0:
        able = [spec for spec in variants if desired[spec.name] > 1]
        if able:
            desired[max(able, key=lambda spec: (spec.usd_per_h, spec.name)).name] -= 1
    return desired


def _build(scene: Scene, knobs: Mapping[str, float]) -> Policy:
    limits = SaturationThresholds(
        kv_cache=knobs["kv"], queue_length=knobs["queue"], kv_spare=knobs["kv_spare"], queue_spare=knobs["queue_spare"]
    )
    return WvaV1(scene, interval_s=knobs["interval_s"], limits=limits)


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B15",
        name="wva-v1",
        source="llm-d WVA, February 2026, saturation V1, Helm defaults",
        defaults={"kv": 0.8, "queue": 5.0, "kv_spare": 0.1, "queue_spare": 3.0, "interval_s": 30.0},
        grid={"kv": (0.2, 0.3, 0.4, 0.6, 0.8), "queue_spare": (3.0, 4.5)},
        build=_build,
        shapes=frozenset({SINGLE, MIX}),
    ),
)
