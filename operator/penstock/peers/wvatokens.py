"""B16, the Workload Variant Autoscaler with saturation V2: tokens in caches and lines against what the caches may hold.

Source: llm-d/llm-d-workload-variant-autoscaler, February 2026 and v0.9 (saturation_v2, cost-aware optimiser). Demand is
the tokens in use plus queue times mean input; a replica's capacity the smaller of a memory bound (cache times
threshold) and a compute bound (tokens in use while its line was full, a mean over ten such samples, else derived from
the step's token budget). Missing = demand / .85 - all capacity, spare = ready one - demand / .70; added by cost per
capacity, removed by absolute cost. Then the HPA of B15. A variant without replicas gets what its settings imply.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from math import ceil, floor
from statistics import fmean, median
from typing import Final, NamedTuple

from penstock.domain.catalogue import SaturationThresholds
from penstock.peers.hpa import SYNC_S
from penstock.peers.rivals import MIX, SINGLE, Rival
from penstock.peers.wva import LIMITS, Followers, Peak, Peaks
from penstock.sim.policies import Counts, Policy, Seen
from penstock.sim.scene import Scene, VariantSpec

_SAMPLES: Final = 10


class Room(NamedTuple):
    """Tokens that a model misses, and tokens that it has to spare; at most one is above zero."""

    required: float
    spare: float


def room(demand: float, supply: float, anticipated: float, *, up: float = 0.85, down: float = 0.7) -> Room:
    """Return what is missing beside everything that runs or starts, and what is spare of what is ready."""
    return Room(max(0.0, demand / up - anticipated), max(0.0, supply - demand / down))


def derived_tokens(peak: Peak, spec: VariantSpec) -> int | None:
    """Return the compute bound that follows from the token budget of a step; None without lengths."""
    if peak.output_tokens <= 0:
        return None
    budget_seqs = spec.token_budget * peak.output_tokens / (peak.input_tokens + peak.output_tokens)
    return floor(min(budget_seqs, spec.max_num_seqs) * (peak.input_tokens + peak.output_tokens / 2))


def demand_tokens(peak: Peak) -> float:
    """Return the tokens that a replica holds or is about to."""
    return used_tokens(peak) + peak.queue * floor(peak.input_tokens)


def used_tokens(peak: Peak) -> int:
    """Return the tokens in a replica's cache."""
    return min(max(round(peak.kv_ratio * peak.capacity_tokens), 0), int(peak.capacity_tokens))


class Capacities:
    """Tokens per replica, with what was learnt from full lines by variant and class of output length."""

    def __init__(self, limits: SaturationThresholds) -> None:
        self._limits = limits
        self._learnt: dict[tuple[str, str], deque[int]] = {}

    def of(self, spec: VariantSpec, pool: Sequence[Peak], usual: Peak) -> float:
        """Return the median over the replicas that report; `usual` carries the lengths where none does."""
        reporting = [peak for peak in pool if peak.capacity_tokens > 0]
        if not reporting:
            reporting = [
                Peak(
                    kv_ratio=0.0,
                    queue=0.0,
                    capacity_tokens=spec.cost.kv_tokens,
                    input_tokens=usual.input_tokens,
                    output_tokens=usual.output_tokens,
                )
            ]
        return median(self._effective(spec, peak) for peak in reporting)

    def _effective(self, spec: VariantSpec, peak: Peak) -> int:
        memory = floor(peak.capacity_tokens * self._limits.kv_cache)
        learnt = self._learnt.setdefault((spec.name, _length_class(peak.output_tokens)), deque(maxlen=_SAMPLES))
        used = used_tokens(peak)
        if peak.queue >= self._limits.queue_length and used > 0:
            learnt.append(used)
            return min(memory, used)
        compute = int(fmean(learnt)) if learnt else derived_tokens(peak, spec)
        return memory if compute is None else min(memory, compute)


def _length_class(output_tokens: float) -> str:
    return "short" if output_tokens < 100 else "medium" if output_tokens < 500 else "long"


def optimise(
    found: Room, variants: Sequence[VariantSpec], each: Mapping[str, float], current: Mapping[str, int]
) -> dict[str, int]:
    """Return every variant's replicas: what is missing comes from the best value, what is spare from the dearest."""
    plan = dict(current)
    if found.required > 0:
        able = [spec for spec in variants if each[spec.name] > 0]
        for spec in sorted(able, key=lambda spec: (spec.usd_per_h / each[spec.name], spec.name))[:1]:
            plan[spec.name] += ceil(found.required / each[spec.name])
    elif found.spare > 0:
        left = found.spare
        cheapest = min(variants, key=lambda spec: (spec.usd_per_h, spec.name))
        for spec in sorted(variants, key=lambda spec: (-spec.usd_per_h, spec.name)):
            alone = spec is cheapest and not any(plan[other.name] for other in variants if other is not spec)
            fewer = min(floor(left / each[spec.name]), plan[spec.name] - alone) if each[spec.name] > 0 else 0
            plan[spec.name] -= max(fewer, 0)
            left -= max(fewer, 0) * each[spec.name]
    return plan


class WvaV2:
    """Saturation V2 over the variants of one model, with its HPAs."""

    tick_s = SYNC_S

    def __init__(
        self,
        scene: Scene,
        *,
        interval_s: float = 30.0,
        up: float = 0.85,
        down: float = 0.7,
        limits: SaturationThresholds = LIMITS,
    ) -> None:
        self._scene = scene
        self._interval_s, self._up, self._down = interval_s, up, down
        self._peaks = Peaks()
        self._capacities = Capacities(limits)
        self._followers = Followers(scene)
        self._desired: dict[str, int] = {}
        self._next_s = 0.0

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Recommend when it is time, and let the HPAs follow."""
        replicas = self._peaks.read(seen)
        if seen.now_s >= self._next_s - 1e-6:
            self._next_s = seen.now_s + self._interval_s
            if any(replicas.values()):
                self._desired = self._recommend(replicas, seen.fleet)
        return self._followers.step(seen, self._desired)

    def _recommend(self, replicas: Mapping[str, Sequence[Peak]], fleet: Mapping[str, Counts]) -> dict[str, int]:
        reporting = [peak for pool in replicas.values() for peak in pool]
        usual = Peak(
            kv_ratio=0.0,
            queue=0.0,
            input_tokens=fmean(peak.input_tokens for peak in reporting),
            output_tokens=fmean(peak.output_tokens for peak in reporting),
        )
        variants = self._scene.variants
        each = {spec.name: self._capacities.of(spec, replicas.get(spec.name, ()), usual) for spec in variants}
        found = room(
            sum(demand_tokens(peak) for peak in reporting),
            sum(fleet[name].ready * tokens for name, tokens in each.items()),
            sum(fleet[name].provisioned * tokens for name, tokens in each.items()),
            up=self._up,
            down=self._down,
        )
        return optimise(found, variants, each, {name: fleet[name].provisioned for name in each})


def _build(scene: Scene, knobs: Mapping[str, float]) -> Policy:
    limits = SaturationThresholds(kv_cache=knobs["kv"], queue_length=knobs["queue"])
    return WvaV2(scene, interval_s=knobs["interval_s"], up=knobs["up"], down=knobs["down"], limits=limits)


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B16",
        name="wva-v2",
        source="llm-d WVA, February 2026 and v0.9, saturation V2",
        defaults={"kv": 0.8, "queue": 5.0, "up": 0.85, "down": 0.7, "interval_s": 30.0},
        grid={"kv": (0.2, 0.3, 0.4, 0.6, 0.8), "up": (0.6, 0.85), "down": (0.5,)},
        build=_build,
        shapes=frozenset({SINGLE, MIX}),
    ),
)
