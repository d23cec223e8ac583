"""B16, the Workload Variant Autoscaler with saturation V2: tokens in caches and lines against what the caches may hold.

Source: llm-d/llm-d-workload-variant-autoscaler, February 2026 and v0.9. The law is `scaling.tokens`, which is WVA's to
the letter; here it works every 30 s on the peaks of the last minute, without bounds and windows of its own, and what it
recommends is carried out by the HPA of B15. What a full line has taught never expires, and a variant without replicas
gets what its settings imply.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from penstock.domain.catalogue import SaturationThresholds
from penstock.peers.rivals import MIX, SINGLE, Rival
from penstock.peers.wva import LIMITS, Wva
from penstock.scaling.tokens import (
    Batches,
    FullLines,
    Pool,
    Replica,
    demand_tokens,
    learn,
    optimise,
    per_replica_tokens,
    room,
)
from penstock.sim.policies import Policy, Seen
from penstock.sim.scene import Scene, VariantSpec


class WvaV2(Wva):
    """Saturation V2 over the variants of one model, with its HPAs."""

    def __init__(self, scene: Scene, *, interval_s: float = 30.0, limits: SaturationThresholds = LIMITS) -> None:
        super().__init__(scene, interval_s=interval_s, limits=limits)
        self._variants = tuple(sorted(scene.variants, key=lambda spec: spec.name))
        self._lines = FullLines()

    def recommended(self, replicas: Mapping[str, Sequence[Replica]], seen: Seen) -> dict[str, int]:
        """Return the replicas that hold the demand in tokens, the cheapest of them."""
        fleet = seen.fleet
        reporting = [replica for pool in replicas.values() for replica in pool]
        idle = Replica(
            kv_ratio=0.0,
            queue=0.0,
            input_tokens=fmean(replica.input_tokens for replica in reporting),
            output_tokens=fmean(replica.output_tokens for replica in reporting),
        )
        each = {spec.name: self._each(spec, replicas.get(spec.name, ()), idle, seen.now_s) for spec in self._variants}
        found = room(
            sum(map(demand_tokens, reporting)),
            sum(fleet[name].ready * tokens for name, tokens in each.items()),
            sum(fleet[name].provisioned * tokens for name, tokens in each.items()),
            self._limits,
        )
        pools = [
            Pool(price=spec.usd_per_h, each=each[spec.name], current=fleet[spec.name].provisioned)
            for spec in self._variants
        ]
        return dict(zip(each, optimise(found, pools), strict=True))

    def _each(self, spec: VariantSpec, pool: Sequence[Replica], idle: Replica, now_s: float) -> float:
        """Return what a replica may hold; one that nobody sees counts like an empty one of its engine."""
        self._lines = learn(self._lines, spec.name, pool, self._limits, now_s)
        batches = Batches(spec.token_budget, spec.max_num_seqs)
        seen = [replica for replica in pool if replica.capacity_tokens > 0]
        supposed = [replace(idle, capacity_tokens=float(spec.cost.kv_tokens))]
        return per_replica_tokens(seen or supposed, spec.name, batches, self._lines, self._limits)


def _build(scene: Scene, knobs: Mapping[str, float]) -> Policy:
    limits = SaturationThresholds(
        kv_cache=knobs["kv"], queue_length=knobs["queue"], scale_up=knobs["up"], scale_down=knobs["down"]
    )
    return WvaV2(scene, interval_s=knobs["interval_s"], limits=limits)


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B16",
        name="wva-v2",
        source="llm-d WVA, February 2026 and v0.9, saturation V2",
        defaults={"kv": 0.8, "queue": 5.0, "up": 0.85, "down": 0.7, "interval_s": 30.0},
        grid={"kv": (0.2, 0.3, 0.4, 0.6, 0.8), "up": (0.6, 0.85), "down": (0.5, 0.7)},
        able=lambda knobs: knobs["down"] < knobs["up"],  # as WVA checks
        build=_build,
        shapes=frozenset({SINGLE, MIX}),
    ),
)
