"""What the nodes have as quotas of ours: accelerators that can be given, less what pods of others hold of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any, Final

from penstock.controller.hardware import LABEL_GROUP_NAME, NODE_LABELS, RESOURCES, of_labels
from penstock.controller.pods import PodFacts
from penstock.controller.taints import Taint, Tolerations, may_come, taints_of
from penstock.controller.targets import Sight
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, Variant
from penstock.engine.gpus import known
from penstock.scaling.config import Quota

WHERE: Final = "nodes"
_GROUP: Final = "LeaderWorkerSet"
_facts: Final = lru_cache(maxsize=1024)(known)  # of as many names as a cluster has, for thousands of nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node with accelerators: how many of each resource, and all `products` that its labels name, the first of them.

    `takes` is whether new pods may come: it is Ready and not cordoned; `taints` are what they must tolerate.
    """

    name: str
    product: str | None
    products: frozenset[str]
    has: Mapping[str, int]
    takes: bool
    taints: frozenset[Taint] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """Variants of ours on one accelerator: what they ask of nodes, and their pods.

    `asked` are products by names that nodes have, `called` is what variants call them, which may be shorter.
    `step` divides what each of their pods asks of one node: a smaller rest of a node serves none of them.
    `tolerations` are what the pods of each variant tolerate.
    """

    accelerator: str
    asked: frozenset[str]
    called: frozenset[str]
    resources: frozenset[str]
    step: int
    pods: frozenset[ObjectKey]
    tolerations: frozenset[Tolerations]

    def may_come(self, node: Node) -> bool:
        """Whether pods of one of the variants may come to a node."""
        return node.takes and any(may_come(node.taints, one, self.resources) for one in self.tolerations)

    def finds(self, node: Node) -> bool:
        """Whether a node has this accelerator."""
        return not self.asked.isdisjoint(node.products) or any(_alike(node, name) for name in self.called)

    def takes(self, pods: Iterable[PodFacts]) -> int:
        """Return how many of its resources some pods hold."""
        return sum(one.hardware.accelerators or 0 for one in pods if one.hardware.resource in self.resources)


def node(body: Mapping[str, Any]) -> Node | None:
    """Reduce a Node; None for one without accelerators."""
    meta, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    offered = (status.get("allocatable") or {}).items()
    has = {name: int(text) for name, text in offered if RESOURCES.fullmatch(name) and str(text).isdecimal()}
    if not has:
        return None
    labels = meta.get("labels") or {}
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())
    return Node(
        name=meta["name"],
        product=of_labels(labels),
        products=frozenset(labels[label] for label in NODE_LABELS if labels.get(label)),
        has=has,
        takes=ready and not spec.get("unschedulable"),
        taints=taints_of(spec),
    )


def limits(
    nodes: Sequence[Node], pods: Iterable[PodFacts], variants: Iterable[Variant], sights: Mapping[ObjectKey, Sight]
) -> tuple[Quota, ...]:
    """Return one quota for each accelerator of the variants, over all namespaces.

    None where nobody knows what to count: no node has what only a variant calls so, no target requests it as a
    resource, or one of them cannot be read, so that its pods would be taken for those of others.
    """
    here: dict[str, list[PodFacts]] = defaultdict(list)
    holders = [one for one in pods if one.node and one.hardware.accelerators]
    for one in holders:
        here[one.node].append(one)
    found = (_limit(fleet, nodes, here) for fleet in _fleets(variants, sights, holders, nodes))
    return tuple(quota for quota in found if quota is not None)


def _limit(fleet: _Fleet, nodes: Sequence[Node], here: Mapping[str, Sequence[PodFacts]]) -> Quota | None:
    """Count what the fleet holds, wherever that is, and what else it could get."""
    fitting = {one.name: one for one in nodes if fleet.finds(one)}
    if not (fitting or fleet.asked):
        return None
    most = sum(_room(fleet, fitting.get(name), here.get(name, ())) for name in fitting.keys() | here.keys())
    return Quota(accelerator=fleet.accelerator, max_accelerators=most, where=WHERE)


def _room(fleet: _Fleet, place: Node | None, pods: Sequence[PodFacts]) -> int:
    """Return what the fleet may hold of one node: never less than it does, even where no pod may come any more."""
    held = fleet.takes(one for one in pods if one.key in fleet.pods and not one.leaving)
    if place is None or not fleet.may_come(place):
        return held
    others = fleet.takes(one for one in pods if one.key not in fleet.pods)
    free = max(sum(place.has.get(name, 0) for name in fleet.resources) - others - held, 0)
    return held + free // fleet.step * fleet.step


def _fleets(
    variants: Iterable[Variant],
    sights: Mapping[ObjectKey, Sight],
    holders: Sequence[PodFacts],
    nodes: Iterable[Node],
) -> Iterable[_Fleet]:
    """Yield the variants by accelerator, in order of its name."""
    products = {one.name: one.product for one in nodes}
    members: dict[str, list[tuple[Variant, Sight]]] = defaultdict(list)
    for variant in variants:
        sight = sights[variant.key]
        members[variant.accelerator or sight.target.accelerator or ""].append((variant, sight))
    for accelerator in sorted(members.keys() - {""}):
        group = members[accelerator]
        resources = frozenset(sight.resource for _, sight in group if sight.resource)
        if resources and all(sight.target.state is not TargetReason.UNREADABLE for _, sight in group):
            yield _Fleet(
                accelerator=accelerator,
                asked=frozenset(product for _, sight in group for product in _asked(sight, products) if product),
                called=frozenset({accelerator} if any(not sight.target.accelerator for _, sight in group) else ()),
                resources=resources,
                step=gcd(*(_step(variant, sight) for variant, sight in group if sight.resource)),
                pods=_pods(group, holders),
                tolerations=frozenset(sight.tolerations for _, sight in group if sight.resource),
            )


def _step(variant: Variant, sight: Sight) -> int:
    """Return what one pod takes; 1 where only the sum over the pods of a group is known, or nothing is."""
    return (sight.target.accelerators_per_replica or 1) if variant.target.kind != _GROUP else 1


def _asked(sight: Sight, products: Mapping[str, str | None]) -> Iterable[str | None]:
    """Return what a target asks nodes for; where it asks for nothing, what it runs on."""
    return [sight.target.accelerator] if sight.target.accelerator else (products.get(pod.node) for pod in sight.pods)


def _pods(group: Sequence[tuple[Variant, Sight]], holders: Iterable[PodFacts]) -> frozenset[ObjectKey]:
    """Return the pods of some variants that hold accelerators; the workers of a LeaderWorkerSet are no other's."""
    own = {pod.key for _, sight in group for pod in sight.pods}
    sets = {(one.key.namespace, one.target.name) for one, _ in group if one.target.kind == _GROUP}
    return frozenset(
        one.key
        for one in holders
        if one.key in own or (one.key.namespace, one.labels.get(LABEL_GROUP_NAME, "")) in sets
    )


def _alike(place: Node, name: str) -> bool:
    """Whether a node has what a variant calls so: `H100` is how people write `NVIDIA-H100-80GB-HBM3`."""
    facts = _facts(name)
    return name in place.products or (facts is not None and any(_facts(one) is facts for one in place.products))
