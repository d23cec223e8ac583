"""Looks at every scaled object: its count by `/scale`, its replicas by their pods and nodes, and who else scales it."""

import asyncio
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from penstock.controller.hardware import Hardware, agreed, of_target, pod_labels
from penstock.controller.nodes import Nodes
from penstock.controller.pods import PodFacts, PodIndex, PodState
from penstock.controller.ports import Scales
from penstock.controller.scalers import Scaler, same_target
from penstock.controller.selectors import parse_selector
from penstock.controller.taints import Tolerations
from penstock.domain.errors import InvalidField, NoSuchKind, Refused, Unreachable
from penstock.domain.observations import Birth, Scale, Target
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, Variant

AT_ONCE: Final = 20  # requests in flight: fast for a thousand variants, harmless for the API server


@dataclass(frozen=True, slots=True)
class Sight:
    """A target and the scale behind it; `scale` is None where it could not be read.

    `nodes` are those to be asked for the accelerator: where its pods run, if nothing nearer tells it. `labels` are
    those of one of its pods, and of the next that will be made. `resource` is what its accelerators count as,
    `tolerations` what its pods tolerate, as its template and the pods themselves say.
    """

    target: Target
    scale: Scale | None = None
    nodes: frozenset[str] = frozenset()
    labels: tuple[Mapping[str, str], ...] = ()
    pods: tuple[PodFacts, ...] = ()
    resource: str = ""
    tolerations: Tolerations = frozenset()


@dataclass(frozen=True, slots=True)
class _Template:
    """What the object says of pods that it will make, as of one version of it."""

    version: str
    hardware: Hardware
    labels: Mapping[str, str]


class Targets:
    """Observes targets; remembers of each only what its template says, until the object changes."""

    def __init__(self, scales: Scales, nodes: Nodes) -> None:
        self._scales, self._nodes = scales, nodes
        self._templates: dict[str, _Template] = {}

    async def observe(
        self, variants: Iterable[Variant], pods: Iterable[PodFacts], scalers: Iterable[Scaler]
    ) -> dict[ObjectKey, Sight]:
        """Return what there is behind every variant; never raises, a failure is a state of the target."""
        variants, index, scalers = tuple(variants), PodIndex(pods), tuple(scalers)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(variant: Variant) -> Sight:
            async with gate:
                return await self._look(variant, index, scalers)

        seen = await asyncio.gather(*map(one, variants))
        uids = {sight.target.uid for sight in seen}
        self._templates = {uid: kept for uid, kept in self._templates.items() if uid in uids}
        products = await self._nodes.products({name for sight in seen for name in sight.nodes}, gate)
        return {variant.key: _placed(sight, products) for variant, sight in zip(variants, seen, strict=True)}

    async def _look(self, variant: Variant, index: PodIndex, scalers: tuple[Scaler, ...]) -> Sight:
        namespace, ref = variant.key.namespace, variant.target
        try:
            scale = await self._scales.read(namespace, ref)
            template = await self._template(variant, scale)
            pods = index.select(namespace, parse_selector(scale.selector))
        except (Refused, Unreachable, InvalidField) as error:
            return Sight(_bad(variant, error))
        told = variant.accelerator or template.hardware.accelerator
        nodes = frozenset() if told else frozenset(pod.node for pod in pods if pod.node)
        labels = (*(pod.labels for pod in pods[:1]), template.labels)
        target = _found(variant, scale, pods, template.hardware, _others(variant, scalers))
        tolerations = template.hardware.tolerations.union(*{pod.hardware.tolerations for pod in pods})
        return Sight(target, scale, nodes, labels, pods, template.hardware.resource or "", tolerations)

    async def _template(self, variant: Variant, scale: Scale) -> _Template:
        kept = self._templates.get(scale.uid)
        if kept is None or kept.version != scale.resource_version:
            body = await self._scales.body(variant.key.namespace, variant.target)
            kept = _Template(scale.resource_version, of_target(body), pod_labels(body))
            self._templates[scale.uid] = kept
        return kept


def _placed(sight: Sight, products: Mapping[str, str | None]) -> Sight:
    """Return a sight with the accelerator of its nodes, where these are what tells it."""
    if not sight.nodes:
        return sight
    return replace(sight, target=replace(sight.target, accelerator=agreed(products[name] for name in sight.nodes)))


def _bad(variant: Variant, error: Refused | Unreachable | InvalidField) -> Target:
    ref = variant.target
    facts = {"kind": ref.kind, "namespace": variant.key.namespace, "name": ref.name, "resource": _resource(variant)}
    match error:
        case NoSuchKind():
            return Target(ref=ref, state=TargetReason.NOT_FOUND, facts={**facts, "api_version": ref.api_version})
        case Refused(status=HTTPStatus.NOT_FOUND):
            return Target(ref=ref, state=TargetReason.NOT_FOUND, facts=facts)
        case Refused(status=HTTPStatus.METHOD_NOT_ALLOWED):
            return Target(ref=ref, state=TargetReason.NOT_SCALABLE, facts=facts)
        case Refused():
            facts["error"] = f"{error.status} {HTTPStatus(error.status).phrase}" if error.status else "refused"
        case Unreachable():
            facts["error"] = error.cause
        case InvalidField():
            facts["error"] = str(error)
    return Target(ref=ref, state=TargetReason.UNREADABLE, facts=facts)


def _resource(variant: Variant) -> str:
    """Return the resource that RBAC would name, as far as the kind tells."""
    return f"{variant.target.kind.lower()}s"


def _found(
    variant: Variant, scale: Scale, pods: tuple[PodFacts, ...], hardware: Hardware, scalers: tuple[Scaler, ...]
) -> Target:
    states = Counter(pod.state for pod in pods)
    ready, stuck = states[PodState.READY], states[PodState.STUCK]
    draining = sum(pod.state is PodState.DRAINING and not pod.leaving for pod in pods)
    foreign = next((scaler for scaler in scalers if not scaler.reads(variant.key.name)), None)
    consumer = next((scaler for scaler in scalers if scaler.reads(variant.key.name)), None)
    return Target(
        ref=variant.target,
        state=TargetReason.FOUND,
        facts={},
        uid=scale.uid,
        current=scale.replicas,
        ready=ready,
        # a replica that was asked for and has no pod yet is on its way, too
        starting=max(states[PodState.STARTING], scale.replicas - ready - stuck - draining),
        stuck=stuck,
        draining=states[PodState.DRAINING],
        pods=frozenset(pod.key.name for pod in pods),
        ready_pods=ready,
        births=_births(pods),
        accelerator=hardware.accelerator,
        accelerators_per_replica=hardware.accelerators,
        max_batch=hardware.max_batch,
        token_budget=hardware.token_budget,
        foreign_scaler=str(foreign) if foreign else None,
        gauge_consumer=str(consumer) if consumer else None,
    )


def _births(pods: Iterable[PodFacts]) -> tuple[Birth, ...]:
    """Return the starts of the replicas that stay, in order."""
    known = (pod.birth for pod in pods if pod.birth is not None and pod.state is not PodState.DRAINING)
    return tuple(sorted(known, key=lambda one: (one.created_at_s, one.ready_at_s or math.inf)))


def _others(variant: Variant, scalers: tuple[Scaler, ...]) -> tuple[Scaler, ...]:
    return tuple(
        scaler
        for scaler in scalers
        if scaler.key.namespace == variant.key.namespace and same_target(scaler.target, variant.target)
    )
