"""What policies see of the simulated world: observations as the operator builds them, and the router's own view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from penstock.domain.catalogue import Catalogue, ModelScope
from penstock.domain.observations import Inflow, Observation, Target
from penstock.domain.readings import Known
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, SloOverride, TargetRef, Variant
from penstock.sim.balancer import Balancer
from penstock.sim.ledger import Ledger
from penstock.sim.policies import RouterView, Seen
from penstock.sim.pools import Pool
from penstock.sim.replicas import Stage
from penstock.sim.scene import Scene, VariantSpec
from penstock.sim.scrape import NAMESPACE, Scraper


def key_of(spec: VariantSpec) -> ObjectKey:
    """Return the key under which a variant is observed."""
    return ObjectKey(NAMESPACE, spec.name)


def variant_of(spec: VariantSpec, scene: Scene) -> Variant:
    """Return a variant as its owner would describe it: without profile; targets are left to the operator's default."""
    return Variant(
        key=key_of(spec),
        uid=spec.name,
        generation=1,
        created_at_s=0.0,
        model=scene.model,
        target=TargetRef(api_version="apps/v1", kind="Deployment", name=spec.name),
        legacy_shape=False,
        controller_instance="",
        accelerator=spec.accelerator,
        cost_per_replica_per_h=spec.usd_per_h,
        min_replicas=spec.min_replicas,
        max_replicas=spec.max_replicas,
        slo=SloOverride(),
        slo_class_ref=None,
        profiles=(),
        actuation=None,
        startup_time_s=None,
        schedules=(),
        paused=False,
    )


@dataclass(slots=True)
class Sights:
    """Builds what a policy sees at its tick: live counts, as an API server tells them, and the last scrape."""

    scene: Scene
    pools: Sequence[Pool]
    scraper: Scraper
    balancer: Balancer
    ledger: Ledger
    _variants: tuple[Variant, ...] = field(init=False)
    _catalogue: Catalogue = field(default_factory=Catalogue)

    def __post_init__(self) -> None:
        """Describe the variants once."""
        self._variants = tuple(variant_of(spec, self.scene) for spec in self.scene.variants)

    def look(self, now_s: float, *, woken: bool = False) -> Seen:
        """Return everything that may be seen now; `woken` by a request that waits, which was told at once."""
        self.ledger.forget(now_s)
        return Seen(
            now_s=now_s,
            observation=Observation(
                now_s=now_s,
                variants=self._variants,
                targets=self._targets(),
                scrape=self.scraper.scrape,
                catalogue=self._catalogue,
                inflows=self._inflows(now_s, woken=woken),
            ),
            router=self._router(),
            fleet={pool.spec.name: pool.counts() for pool in self.pools},
            served=self.ledger.served,
            first_tokens=self.ledger.first_tokens,
        )

    def _targets(self) -> Mapping[ObjectKey, Target]:
        return {
            variant.key: self._target(variant, pool) for variant, pool in zip(self._variants, self.pools, strict=True)
        }

    def _target(self, variant: Variant, pool: Pool) -> Target:
        counts = pool.counts()
        return Target(
            ref=variant.target,
            state=TargetReason.FOUND,
            facts={},
            uid=variant.uid,
            current=counts.wanted,
            ready=counts.ready,
            starting=counts.provisioned - counts.ready - counts.stuck,
            stuck=counts.stuck,
            draining=len(pool.leaving),
            pods=frozenset(one.name for one in pool.everything() if one.stage is not Stage.STUCK),
            ready_pods=counts.ready,
            births=pool.births(),
            accelerator=pool.spec.accelerator,
            accelerators_per_replica=pool.spec.accelerators_per_replica,
            max_batch=pool.spec.max_num_seqs,
        )

    def _inflows(self, now_s: float, *, woken: bool) -> Mapping[ModelScope, Inflow]:
        if not self.scene.router:
            return {}
        seen = self.scraper.inflow
        if woken:
            seen = replace(seen or Inflow(), waiting=Known(len(self.balancer.queue), now_s))
        return {} if seen is None else {ModelScope(NAMESPACE, self.scene.model): seen}

    def _router(self) -> RouterView:
        balancer = self.balancer
        in_flight = {pool.spec.name: sum(one.outstanding for one in pool.everything()) for pool in self.pools}
        return RouterView(
            queued=len(balancer.queue),
            in_flight=in_flight,
            in_flight_tokens=balancer.tokens_in_flight,
            arrived=balancer.arrived,
            arrived_input_tokens=balancer.arrived_tokens,
        )
