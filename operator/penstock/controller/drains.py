"""Carries out the steps by which replicas leave: annotates their pods, and frees those that stay after all."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from penstock.controller.pods import PodFacts
from penstock.controller.ports import Objects
from penstock.controller.shrink import Load, Scene, Step, freed, step
from penstock.controller.targets import Sight
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.observations import Scrape
from penstock.domain.readings import known
from penstock.domain.variants import ObjectKey

log = logging.getLogger("penstock.operator")

_VANISHED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one pass knows of requests in pods: by fresh samples, and whether routers of ours choose among them."""

    now_s: float
    instance: str = ""
    loads: Mapping[ObjectKey, Load] = field(default_factory=dict)
    served: Callable[[Sight], bool] = lambda _: False


@dataclass(slots=True)
class Drains:
    """Writes what pods have to carry. Without the right to, replicas leave undrained, which is told once."""

    objects: Objects
    forbidden: bool = False

    async def shrink(self, sight: Sight, wanted: int, traffic: Traffic) -> Step:
        """Take the next step towards fewer replicas and return it; raises Unreachable, Refused."""
        scene = Scene(
            pods=sight.pods,
            kind=sight.target.ref.kind,
            wanted=wanted,
            now_s=traffic.now_s,
            instance=traffic.instance,
            served=traffic.served(sight),
            loads=traffic.loads,
        )
        found = step(scene)
        if not await self._write(found.annotations, sight.pods):
            return Step(lower_to=wanted, ended=found.ended)
        return found

    async def release(self, pods: Iterable[PodFacts], instance: str) -> None:
        """Let pods that we told to leave stay; what cannot be written is tried again in the next pass."""
        pods = tuple(pods)
        try:
            await self._write(freed(pods, instance), pods)
        except (Refused, Unreachable) as error:
            log.warning("Pods still drain", extra={"error": str(error)})

    async def _write(self, annotations: Mapping[ObjectKey, Mapping[str, str | None]], pods: Iterable[PodFacts]) -> bool:
        """Write annotations, and return whether we may."""
        uids = {pod.key: pod.uid for pod in pods}
        try:
            await asyncio.gather(*(self._annotate(key, uids[key], texts) for key, texts in annotations.items()))
        except Refused as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            if not self.forbidden:
                log.warning("Replicas leave undrained: grant patch on pods to penstock-operator")
            self.forbidden = True
            return False
        return True

    async def _annotate(self, key: ObjectKey, uid: str, texts: Mapping[str, str | None]) -> None:
        try:
            await self.objects.annotate(key, uid, texts)
        except Refused as error:
            if error.status not in _VANISHED:
                raise


def loads(scrape: Scrape, pods: Iterable[PodFacts]) -> dict[ObjectKey, Load]:
    """Return what fresh samples say of each pod, over all of its models; a number that is not known leaves it out."""
    found: dict[tuple[str, str], Load | None] = {}
    for row in scrape.rows:
        running, waiting = known(row.running), known(row.waiting)
        at = row.namespace, row.pod
        before = found.get(at, Load(0.0, row.sampled_at_s))
        if running is None or waiting is None or before is None:
            found[at] = None
        else:
            found[at] = Load(before.requests + running + waiting, min(before.at_s, row.sampled_at_s))
    named = ((pod.key, found.get((pod.key.namespace, pod.key.name), found.get(("", pod.key.name)))) for pod in pods)
    return {key: load for key, load in named if load is not None}


def strays(pods: Iterable[PodFacts], sights: Mapping[ObjectKey, Sight]) -> list[PodFacts]:
    """Return pods of no target; where one could not be read, none of its namespace: they may be its own."""
    unread = {key.namespace for key, sight in sights.items() if sight.scale is None}
    seen = {pod.key for sight in sights.values() for pod in sight.pods}
    return [pod for pod in pods if pod.key not in seen and pod.key.namespace not in unread]
