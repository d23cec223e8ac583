"""One scaling pass without a cluster: the operator's own decision, with processes for replicas."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Outcome, Verdict
from penstock.domain.observations import Birth, Inflow, Observation, Target
from penstock.domain.readings import ABSENT, Known, Reading
from penstock.domain.reasons import ActiveReason, TargetReason
from penstock.domain.variants import Actuation, ObjectKey, Variant
from penstock.local.fleet import Fleet
from penstock.local.ports import Asked, Scraping
from penstock.local.world import NAMESPACE, EngineTemplate, World
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory
from penstock.status.whence import with_source

QUEUE_WINDOW: Final = 6  # as many moments as the rates have: the queue's growth is over the same time


@dataclass(slots=True)
class Passes:
    """Runs passes one after another and keeps what must survive between them."""

    fleet: Fleet
    scraping: Scraping
    clock: Callable[[], float]
    memory: Memory = field(default_factory=Memory)
    _queued: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=QUEUE_WINDOW))

    async def run(self, world: World, config: Config, asked: Asked) -> tuple[Outcome, ...]:
        """Look, decide, act, and return what came of it; `asked` is what the router tells."""
        now_s = self.clock()
        observation = await self._observe(world, now_s, asked)
        decisions, self.memory = decide(observation, self.memory, config)
        return tuple([await self._act(world, with_source(decision, observation)) for decision in decisions])

    async def _observe(self, world: World, now_s: float, asked: Asked) -> Observation:
        engines = {engine.name: engine.address for engine in self.fleet.engines if engine.ready or engine.draining}
        return Observation(
            now_s=now_s,
            variants=world.variants,
            targets={variant.key: self._target(variant, world.engines) for variant in world.variants},
            scrape=await self.scraping.scrape(engines, NAMESPACE, now_s),
            catalogue=world.catalogue,
            inflows=self._inflows(world, now_s, asked),
        )

    def _inflows(self, world: World, now_s: float, asked: Asked) -> dict[ModelScope, Inflow]:
        """Return what the router sees; it cannot tell models apart, so only where there is one model."""
        models, queued = {variant.model for variant in world.variants}, asked.waiting
        if queued is None or len(models) != 1:
            self._queued.clear()
            return {}
        self._queued.append((now_s, queued))
        (then_s, before), *_ = self._queued
        growth = Known((queued - before) / (now_s - then_s), now_s) if now_s > then_s else ABSENT
        inflow = Inflow(waiting=Known(queued, now_s), growth_per_s=growth, arrivals_per_s=_arrivals(asked, now_s))
        return {ModelScope(NAMESPACE, models.pop()): inflow}

    def _target(self, variant: Variant, templates: Mapping[ObjectKey, EngineTemplate]) -> Target:
        key = ObjectKey(variant.key.namespace, variant.target.name)
        template = templates.get(key)
        if template is None:
            facts = {"kind": variant.target.kind, "namespace": key.namespace, "name": key.name}
            return Target(ref=variant.target, state=TargetReason.NOT_FOUND, facts=facts)
        engines = self.fleet.of(key)
        ready = sum(engine.ready for engine in engines)
        return Target(
            ref=variant.target,
            state=TargetReason.FOUND,
            facts={},
            uid=str(key),
            current=self.fleet.wanted.get(key, 0),
            ready=ready,
            starting=len(engines) - ready,
            draining=self._draining(key),
            pods=frozenset(engine.name for engine in self.fleet.engines if engine.variant == key),
            ready_pods=ready,
            births=tuple(Birth(engine.created_at_s, engine.ready_at_s) for engine in engines),
            max_batch=template.max_batch,
        )

    async def _act(self, world: World, decision: Decision) -> Outcome:
        key = ObjectKey(decision.key.namespace, decision.target_ref.name)
        template = world.engines.get(key)
        active = decision.active or Verdict(_handed_over(decision.mode))
        if template and decision.active is None and decision.desired is not None and decision.mode is Actuation.SCALE:
            await self.fleet.scale(template, decision.desired)
        engines = self.fleet.of(key)
        ready = sum(engine.ready for engine in engines)
        return Outcome(
            decision=decision,
            active=active,
            current=self.fleet.wanted.get(key),
            ready=ready,
            starting=len(engines) - ready,
            stuck=0,
            draining=self._draining(key),
        )

    def _draining(self, key: ObjectKey) -> int:
        return sum(engine.draining for engine in self.fleet.engines if engine.variant == key)


def _arrivals(asked: Asked, now_s: float) -> Reading:
    """Return that nothing arrives, where that is so; else engines know better.

    A router counts over a minute, here passes and their rates are of seconds: a rise would be seen a minute late.
    """
    return Known(0.0, now_s) if asked.arrivals_per_s == 0 else ABSENT


def _handed_over(mode: Actuation) -> ActiveReason:
    """Return what a decision that nothing forbids becomes in each mode; here nobody reads gauges, so they are shown."""
    return {
        Actuation.SCALE: ActiveReason.SCALE_APPLIED,
        Actuation.METRICS: ActiveReason.GAUGE_PUBLISHED,
        Actuation.RECOMMEND: ActiveReason.RECOMMENDING,
    }[mode]
