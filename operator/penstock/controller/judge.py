"""Tells how well decisions do: what was measured of each variant, and what hindsight says of each model."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.controller.configuration import Configuration
from penstock.controller.hindsight import Judgement, judged
from penstock.controller.ports import Leadership, Scraping
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Learnt
from penstock.domain.errors import PenstockError
from penstock.scaling.experience import ENOUGH_STARTS
from penstock.scaling.memory import Memory

log = logging.getLogger("penstock.operator")

EVERY_S: Final = 60.0
Targets = tuple[float, float]


@dataclass(slots=True)
class Judge:
    """Looks at each pass, and asks Prometheus once a minute, beside the passes, which share of requests was in time.

    `judged` is what the last pass shows of the models whose demand it knew.
    """

    scraping: Scraping
    configuration: Configuration
    every_s: float = EVERY_S
    clock: Callable[[], float] = time.time
    judged: Mapping[ModelScope, Judgement] = field(default_factory=dict)
    _wanted: Mapping[ModelScope, frozenset[Targets]] = field(default_factory=dict)
    _attained: Mapping[tuple[ModelScope, Targets], float] = field(default_factory=dict)

    def look(self, decisions: Iterable[Decision], memory: Memory, now_s: float) -> None:
        """Take one pass in."""
        decisions = tuple(decisions)
        self.judged = judged(memory.models, decisions, now_s)
        wanted: defaultdict[ModelScope, set[Targets]] = defaultdict(set)
        for decision in decisions:
            wanted[_scope(decision)].add(_targets(decision))
        self._wanted = {scope: frozenset(targets) for scope, targets in wanted.items()}

    def learnt(self, decision: Decision, memory: Memory, now_s: float) -> Learnt:
        """Return what is measured of a variant by now."""
        attained = self._attained.get((_scope(decision), _targets(decision)))
        found = memory.experiences.get(decision.key)
        if found is None:
            return Learnt(attainment_ratio=attained)
        enough, outage = found.starts.count >= ENOUGH_STARTS, found.outage
        return Learnt(
            startup_s=found.starts.expected_s(0.0) if enough else None,
            starts=found.starts.count,
            unavailable_until_s=outage.until_s if outage is not None and found.is_away(now_s) else None,
            attainment_ratio=attained,
        )

    async def keep_asking(self, leadership: Leadership) -> None:
        """Ask as long as we lead; what is not answered is unknown."""
        while True:
            await asyncio.sleep(self.every_s)
            self._attained = await self._ask() if leadership.leading else {}

    async def _ask(self) -> Mapping[tuple[ModelScope, Targets], float]:
        try:
            return await self.scraping.attained(self.configuration.settings, self._wanted, self.clock())
        except PenstockError as error:
            log.debug("Attainment is unknown", extra={"error": str(error)})
            return {}


def _scope(decision: Decision) -> ModelScope:
    return ModelScope(decision.key.namespace, decision.model)


def _targets(decision: Decision) -> Targets:
    return decision.slo.ttft_s, decision.slo.tpot_s
