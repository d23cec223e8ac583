"""Everything that the operator keeps of the cluster between passes, and whom a change wakes."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.api.kinds import HPAS, NAMESPACES, PODS, POLICIES, RESOURCE_QUOTAS, SCALED_OBJECTS, VARIANTS, Kind
from penstock.controller.cache import Body, Cache
from penstock.controller.pods import PodFacts, pod_facts, remembering
from penstock.controller.resourcequotas import Allowance, allowances
from penstock.controller.scalers import Scaler, hpa, scaled_object
from penstock.domain.variants import ObjectKey


def _whole(body: Body) -> Body:
    """Keep an object as it is, without the bookkeeping of its field managers."""
    meta = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": meta}


def _namespace(body: Body) -> Body:
    """Keep name, labels and annotations."""
    meta = body["metadata"]
    return {"metadata": {part: meta[part] for part in ("name", "labels", "annotations") if part in meta}}


@dataclass(slots=True)
class World:
    """One cache per kind. `scaling` and `routing` are set when something changed that a pass or a push acts upon."""

    variants: Cache[Body] = field(default_factory=lambda: Cache(VARIANTS, _whole))
    policies: Cache[Body] = field(default_factory=lambda: Cache(POLICIES, _whole))
    pods: Cache[PodFacts] = field(default_factory=lambda: Cache(PODS, pod_facts, remembering))
    hpas: Cache[Scaler] = field(default_factory=lambda: Cache(HPAS, hpa))
    scaled_objects: Cache[Scaler] = field(default_factory=lambda: Cache(SCALED_OBJECTS, scaled_object))
    quotas: Cache[tuple[Allowance, ...]] = field(default_factory=lambda: Cache(RESOURCE_QUOTAS, allowances))
    namespaces: Cache[Body] = field(default_factory=lambda: Cache(NAMESPACES, _namespace))
    scaling: asyncio.Event = field(default_factory=asyncio.Event)
    routing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def caches(self) -> tuple[Cache[Any], ...]:
        """All of them, in the order in which they are listed at the start."""
        return (
            *(self.namespaces, self.variants, self.policies, self.pods),
            *(self.hpas, self.scaled_objects, self.quotas),
        )

    @property
    def complete(self) -> bool:
        """Whether everything was listed once: before that, absence means nothing and nobody may act."""
        return all(cache.complete for cache in self.caches)

    @property
    def scalers(self) -> tuple[Scaler, ...]:
        """Everything else that sets replicas."""
        return self.hpas.values() + self.scaled_objects.values()

    def routers(self) -> tuple[PodFacts, ...]:
        """Our router pods."""
        return tuple(pod for pod in self.pods.values() if pod.is_router)

    def happened(self, kind: Kind, what: str | None, body: Body) -> None:
        """Take in one watch event; `what` is DELETED, or anything else for an object as it is now."""
        cache = next(cache for cache in self.caches if cache.kind == kind)
        key = ObjectKey(body["metadata"].get("namespace") or "", body["metadata"]["name"])
        before = cache.get(key)
        changed = cache.drop(key, str(body["metadata"]["uid"])) if what == "DELETED" else cache.see(body)
        if changed:
            self._wake(kind, before, cache.get(key))

    def listed(self, cache: Cache[Any], bodies: Iterable[Body], mark: int) -> None:
        """Take in a whole list and wake whoever may care."""
        if cache.fold(bodies, mark):
            self.scaling.set()
            self.routing.set()

    def _wake(self, kind: Kind, before: object, after: object) -> None:
        if kind == VARIANTS and _spec(before) != _spec(after):
            self.scaling.set()
        if kind == POLICIES and _spec(before) != _spec(after):
            self.routing.set()
        if kind == PODS and any(isinstance(pod, PodFacts) and pod.is_router for pod in (before, after)):
            self.routing.set()


def _spec(body: object) -> object:
    """Return what of an object its owner wrote, and who it is: status writes of our own must wake nobody."""
    if not isinstance(body, Mapping):
        return None
    meta = body["metadata"]
    return meta["uid"], meta.get("generation"), meta.get("labels"), meta.get("deletionTimestamp")
