"""Fleets of the workloads: which GPUs there are, how many at most, how they start, and how many to begin with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from penstock.domain.variants import Slo
from penstock.engine.capacity import capacity
from penstock.engine.steptime import GPUS
from penstock.sim.scene import PRICES_USD_PER_H, Scene, StartupLaw, VariantSpec
from penstock.sim.traces import Arrival, mean_lengths

LLAMA_8B: Final = "meta-llama/Llama-3.1-8B-Instruct"
QWEN_32B: Final = "Qwen/Qwen3-32B"
STARTUP: Final = StartupLaw(median_s=150.0, sigma=0.15)
BEGINNING_S: Final = 120.0
"""The time from whose arrivals the first replicas are counted."""

_ROOM: Final = 0.9  # of capacity is what a replica begins with


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The variants of a mix, and how many replicas of each there may be where it is the only one."""

    model: str
    variants: tuple[VariantSpec, ...]
    alone: dict[str, int]

    def mix(self, arrivals: Sequence[Arrival], length_s: float, slo: Slo) -> Scene:
        """Return the scene of the whole mix, which begins with replicas for its first arrivals."""
        return Scene(model=self.model, variants=begun(self.variants, arrivals, slo), length_s=length_s, slo=slo)

    def single(self, arrivals: Sequence[Arrival], length_s: float, slo: Slo, name: str) -> Scene:
        """Return the scene of one variant alone, of which one replica is always there."""
        spec = next(one for one in self.variants if one.name == name)
        only = replace(spec, max_replicas=self.alone[name], min_replicas=max(1, spec.min_replicas))
        return Scene(model=self.model, variants=begun((only,), arrivals, slo), length_s=length_s, slo=slo)


def _gpu(name: str, accelerator: str, most: int) -> VariantSpec:
    return VariantSpec(
        name=name,
        accelerator=accelerator,
        cost=GPUS[accelerator],
        usd_per_h=PRICES_USD_PER_H[accelerator],
        max_replicas=most,
        startup=STARTUP,
    )


def chat_fleet(*, l40s: int = 12, h100: int = 6) -> Fleet:
    """Return Llama-3.1-8B on L40S and H100; alone there may be 20 or 16 of them, or as many as in the mix."""
    return Fleet(
        model=LLAMA_8B,
        variants=(_gpu("l40s", "L40S", l40s), _gpu("h100", "H100", h100)),
        alone={"l40s": max(l40s, 20), "h100": max(h100, 16)},
    )


def ramp_fleet() -> Fleet:
    """Return Qwen3-32B on pairs of H100: three to eight replicas that start in two minutes."""
    startup = StartupLaw(median_s=120.0, sigma=0.15)
    pair = replace(_gpu("h100-tp2", "H100", 8), cost=GPUS["H100-TP2-32B"], usd_per_h=2 * PRICES_USD_PER_H["H100"])
    only = replace(pair, accelerators_per_replica=2, min_replicas=3, startup=startup, token_budget=8192)
    return Fleet(model=QWEN_32B, variants=(only,), alone={"h100-tp2": 8})


def begun(variants: Sequence[VariantSpec], arrivals: Sequence[Arrival], slo: Slo) -> tuple[VariantSpec, ...]:
    """Return the variants, to begin with enough of the cheapest kind for the first two minutes' arrivals; one at least.

    Not the cheapest fleet: that would tell policies of a mix what is best, and those that never move would win by it.
    """
    lengths = mean_lengths(arrivals)
    left = sum(arrival.at_s < BEGINNING_S for arrival in arrivals) / BEGINNING_S / _ROOM
    counts: dict[str, int] = {}
    for spec in sorted(variants, key=lambda one: (one.usd_per_h, one.name)):
        per_s = capacity(spec.shape, lengths, slo).per_s
        wanted = math.ceil(left / per_s - 1e-9) if counts else max(1, math.ceil(left / per_s - 1e-9))
        counts[spec.name] = min(max(wanted, spec.min_replicas), spec.max_replicas)
        left = max(0.0, left - counts[spec.name] * per_s)
    return tuple(replace(spec, initial=counts[spec.name]) for spec in variants)
