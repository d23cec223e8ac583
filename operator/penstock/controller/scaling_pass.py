"""One pass over all variants: collect, observe, decide, act, report. Only the leader runs it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.api.annotated import parse_declared
from penstock.api.names import LABEL_CONTROLLER_INSTANCE
from penstock.controller.actuate import Actuator, NotOurs
from penstock.controller.configuration import Configuration
from penstock.controller.drains import Traffic, loads, strays
from penstock.controller.inflows import Inflows, Place
from penstock.controller.inventory import Node, limits
from penstock.controller.judge import Judge
from penstock.controller.learned import Learned
from penstock.controller.metrics import Meters
from penstock.controller.nodelist import NodeList
from penstock.controller.ports import Leadership, Scraping
from penstock.controller.recording import Recorder
from penstock.controller.report import Reporter, write_line
from penstock.controller.resourcequotas import quotas
from penstock.controller.targets import AT_ONCE, Sight, Targets
from penstock.controller.world import World
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Outcome
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Observation, Scrape
from penstock.domain.variants import ObjectKey, Variant
from penstock.scaling.config import Config, Quota
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory, Remembered, recall
from penstock.status.logline import pass_line
from penstock.status.whence import with_source

log = logging.getLogger("penstock.operator")

Body = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class ScalingPass:
    """Runs passes and keeps what must survive between them; `clock` is Unix time in seconds."""

    world: World
    configuration: Configuration
    scraping: Scraping
    targets: Targets
    inflows: Inflows
    actuator: Actuator
    reporter: Reporter
    meters: Meters
    leadership: Leadership
    recorder: Recorder
    learned: Learned
    judge: Judge
    nodes: NodeList
    clock: Callable[[], float] = time.time
    memory: Memory = field(default_factory=Memory)
    term: int = -1

    async def run(self) -> None:
        """Run one pass."""
        begin_s = time.monotonic()
        await self.configuration.refresh(self.world.namespaces.values())
        config = self.configuration.settings.scaling
        bodies, faults = self._ours(config.controller_instance)
        variants = tuple(variant for variant, _ in bodies.values())
        (observation, sights), nodes = await asyncio.gather(self._observe(variants), self._nodes())
        config = replace(config, quotas=config.quotas + self._quotas(variants, sights, nodes))
        await self._recall(bodies, observation.now_s)
        before = self.memory
        decisions = self._decide(observation, config)
        outcomes, _ = await asyncio.gather(
            self._finish(
                (with_source(one, observation) for one in decisions), bodies, sights, self._traffic(observation, config)
            ),
            self.recorder.keep(observation, before, config, decisions),
        )
        for body, error in faults:
            await self.reporter.report_invalid(error, body, observation.now_s)
        living = {_key(body) for body, _ in faults} | set(bodies)
        self._tell(outcomes, living, observation.scrape, time.monotonic() - begin_s)

    def _ours(self, instance: str) -> tuple[dict[ObjectKey, tuple[Variant, Body]], list[tuple[Body, InvalidField]]]:
        """Return the variants that are ours to decide, parsed, and those that cannot be read."""
        found: dict[ObjectKey, tuple[Variant, Body]] = {}
        faults: list[tuple[Body, InvalidField]] = []
        _parse((body for body in self.world.variants.values() if _counts(body, instance)), found, faults)
        written = [variant for variant, _ in found.values()]
        _parse(self.reporter.declared.bodies(self.world.scalers, written, instance), found, faults)
        return found, faults

    async def _observe(self, variants: tuple[Variant, ...]) -> tuple[Observation, dict[ObjectKey, Sight]]:
        now_s = self.clock()
        namespaces = frozenset(variant.key.namespace for variant in variants)
        scraping = self._scrape(namespaces, now_s)
        looking = self.targets.observe(variants, self.world.pods.values(), self.world.scalers)
        scrape, sights = await asyncio.gather(scraping, looking)
        observation = Observation(
            now_s=now_s,
            variants=variants,
            targets={key: sight.target for key, sight in sights.items()},
            scrape=scrape,
            catalogue=self.configuration.catalogue,
            # routers tell of now, and where there are any they are between the clients and whatever else counts
            inflows={**scrape.inflows, **self.inflows.of(self.world.routers(), _places(variants, sights), now_s)},
        )
        return observation, sights

    async def _nodes(self) -> Sequence[Node] | None:
        """Return the nodes that limit fleets; None where nobody asked for that, or nobody knows them."""
        settings = self.configuration.settings
        if not settings.limit_to_nodes:
            return None
        return await self.nodes.fresh(within_s=settings.scaling.stale_after_s)

    def _quotas(
        self, variants: Iterable[Variant], sights: Mapping[ObjectKey, Sight], nodes: Sequence[Node] | None
    ) -> tuple[Quota, ...]:
        """Return what ResourceQuotas and nodes allow, beside what the settings do."""
        allowed = quotas((one for found in self.world.quotas.values() for one in found), sights)
        return allowed if nodes is None else allowed + limits(nodes, self.world.pods.values(), variants, sights)

    def _traffic(self, observation: Observation, config: Config) -> Traffic:
        """Return what is known of the requests in pods, for those that have to leave."""
        return Traffic(
            now_s=observation.now_s,
            instance=config.controller_instance,
            loads=loads(observation.scrape, self.world.pods.values()),
            served=lambda sight: self.inflows.serves(self.world.routers(), sight.pods),
        )

    async def _scrape(self, namespaces: frozenset[str], now_s: float) -> Scrape:
        """Ask about these namespaces; no namespace would mean all of them."""
        if not namespaces:
            return Scrape(at_s=now_s)
        return await self.scraping.scrape(self.configuration.settings, namespaces, now_s)

    async def _recall(self, bodies: Mapping[ObjectKey, tuple[Variant, Body]], now_s: float) -> None:
        """Learn from statuses, and what was stored, what this process has not seen: all of it after another led."""
        if self.leadership.term != self.term:
            self.memory, self.term = Memory(), self.leadership.term
        self.memory = await self.learned.recalled(self.memory, self.term)
        recalled: dict[ObjectKey, Remembered] = {}
        for key, (_, body) in bodies.items():
            past = None if self.memory.knows(key) else recall(body.get("status") or {}, now_s)
            if past is not None:
                recalled[key] = past
        self.memory = self.memory.adding(recalled)

    def _decide(self, observation: Observation, config: Config) -> tuple[Decision, ...]:
        """Decide and remember; what is thought of decisions afterwards is not counted as their time."""
        begin_s = time.monotonic()
        decisions, self.memory = decide(observation, self.memory, config)
        took_s = time.monotonic() - begin_s
        self.learned.memory = self.memory
        self.judge.look(decisions, self.memory, observation.now_s)
        self.meters.decided(took_s, self.judge.judged)
        return decisions

    async def _finish(
        self,
        decisions: Iterable[Decision],
        bodies: Mapping[ObjectKey, tuple[Variant, Body]],
        sights: Mapping[ObjectKey, Sight],
        traffic: Traffic,
    ) -> list[Outcome]:
        """Act and report, many at a time; what others edited or took over meanwhile has no outcome."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(decision: Decision) -> Outcome | None:
            variant, body = bodies[decision.key]
            async with gate:
                return await self._one(decision, variant, body, sights[decision.key], traffic)

        outcomes = await asyncio.gather(*map(one, decisions))
        if self.leadership.leading:
            await self.actuator.drains.release(strays(self.world.pods.values(), sights), traffic.instance)
        return [outcome for outcome in outcomes if outcome is not None]

    async def _one(
        self, decision: Decision, variant: Variant, body: Body, sight: Sight, traffic: Traffic
    ) -> Outcome | None:
        try:
            outcome = await self.actuator.act(decision, variant, sight, traffic)
        except NotOurs as error:
            log.info("Not acted upon", extra={"variant": str(variant.key), "reason": str(error)})
            return None
        if not self.leadership.leading:  # acting took too long; the new leader speaks from now on
            return None
        outcome = replace(outcome, learnt=self.judge.learnt(decision, self.memory, traffic.now_s))
        await self.reporter.report(outcome, body, traffic.now_s)
        await self.reporter.own(variant, body, sight.target)
        return outcome

    def _tell(self, outcomes: list[Outcome], living: Iterable[ObjectKey], scrape: Scrape, took_s: float) -> None:
        self.meters.keep(living)
        self.meters.invalid_entries((one.configmap, one.key) for one in self.configuration.problems)
        self.meters.passed(took_s, scrape.durations_s)
        for warning in scrape.warnings if scrape.problem is None else ():  # a problem is told for each variant
            log.warning("Prometheus warns", extra={"warning": warning})
        write_line(pass_line(outcomes))


def _counts(body: Body, instance: str) -> bool:
    """Whether an object is for this controller instance, and stays."""
    meta = body["metadata"]
    ours = (meta.get("labels") or {}).get(LABEL_CONTROLLER_INSTANCE, "") == instance
    return ours and not meta.get("deletionTimestamp")


def _parse(
    bodies: Iterable[Body],
    found: dict[ObjectKey, tuple[Variant, Body]],
    faults: list[tuple[Body, InvalidField]],
) -> None:
    """Add the variants of these objects to `found`, and those that cannot be read to `faults`."""
    for body in bodies:
        try:
            variant = parse_declared(body)
        except InvalidField as error:
            faults.append((body, error))
        else:
            found[variant.key] = (variant, body)


def _key(body: Body) -> ObjectKey:
    """Return the variant's key: a declaration may be called otherwise than what declares it."""
    return ObjectKey(body["metadata"]["namespace"], body.get("variant") or body["metadata"]["name"])


def _places(variants: Iterable[Variant], sights: Mapping[ObjectKey, Sight]) -> list[Place]:
    """Return where each model's pods are, for routers that serve them."""
    return [Place(ModelScope(one.key.namespace, one.model), sights[one.key].labels) for one in variants]
