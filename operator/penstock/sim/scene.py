"""What a simulated run is made of, apart from its traffic: one model's variants, their start-ups, quotas and faults."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from penstock.domain.variants import Slo, SloSource
from penstock.engine.steadystate import EngineShape
from penstock.engine.steptime import StepCost

# list prices in US dollars per hour, as of 2026; only ratios between policies are ever published
PRICES_USD_PER_H: Final = MappingProxyType({"L4": 0.70, "L40S": 1.86, "A100": 3.67, "H100": 7.52, "H200": 8.5})
CHAT: Final = Slo(ttft_s=2.0, tpot_s=0.1, attainment_ratio=0.995, source=SloSource.DEFAULT)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartupLaw:
    """How long a replica takes from being asked for to Ready: log-normal, plus a new node's time where one is needed.

    `sigma` is the standard deviation of the logarithm. A start fails with probability `failure_ratio` and is tried
    again by the platform after the time it took. `warm_nodes` replicas find a node at once, later ones wait `node_s`.
    """

    median_s: float = 120.0
    sigma: float = 0.15
    failure_ratio: float = 0.0
    node_s: float = 0.0
    warm_nodes: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantSpec:
    """One variant: a GPU by its step cost, its price and how many replicas there may be.

    `drain_s` is how long a replica that leaves may take for what it has begun; then the platform ends it.
    """

    name: str
    accelerator: str
    cost: StepCost
    usd_per_h: float
    max_replicas: int
    min_replicas: int = 0
    initial: int = 1
    max_num_seqs: int = 256
    token_budget: int = 2048
    accelerators_per_replica: int = 1
    drain_s: float = 1800.0
    startup: StartupLaw = field(default_factory=StartupLaw)

    @property
    def shape(self) -> EngineShape:
        """Return the engine of a replica, as its capacity is worked out for it."""
        return EngineShape(
            cost=self.cost,
            max_num_seqs=self.max_num_seqs,
            token_budget=self.token_budget,
            kv_tokens=self.cost.kv_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong from `from_s` to `until_s`.

    `kind`: `metrics-gone` (scrapes return nothing), `metrics-stale` (a share `ratio` of scrapes repeats the last one),
    `out-of-stock` (new replicas of `variant` stay pending), `slow-start` (start-ups take `factor` times as long),
    `crash` (one replica of `variant` dies at `from_s`; its platform starts another).
    """

    kind: str
    from_s: float
    until_s: float
    variant: str = ""
    ratio: float = 1.0
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything but traffic, policy and seed. `length_s` ends arrivals; the run goes on until all are answered.

    `router` says whether decisions may see what a router sees (arrivals, its queue); `idle_before_zero_s` allows zero.
    """

    model: str
    variants: tuple[VariantSpec, ...]
    length_s: float
    slo: Slo = CHAT
    scrape_s: float = 15.0
    window_s: float = 60.0
    router: bool = True
    quotas: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    faults: tuple[Fault, ...] = ()
    idle_before_zero_s: float | None = None

    def only(self, *names: str) -> "Scene":
        """Return the scene with these variants alone."""
        kept = tuple(variant for variant in self.variants if variant.name in names)
        return replace(self, variants=kept)
