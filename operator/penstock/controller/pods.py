"""A pod reduced to what decisions need, and pods found by selector."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from penstock.api.drains import is_draining
from penstock.api.names import ANNOTATION_DELETION_COST, ANNOTATION_DRAINING, APP, LABEL_APP, LABEL_COMPONENT
from penstock.controller.births import birth, carried
from penstock.controller.hardware import Hardware, of_pod
from penstock.controller.selectors import Selector
from penstock.domain.observations import Birth
from penstock.domain.variants import ObjectKey

ROUTER: Final = "router"  # value of the component label
ADMIN_PORT_NAME: Final = "admin"
ADMIN_PORT: Final = 9004
_OVER: Final = frozenset({"Succeeded", "Failed"})


class PodState(StrEnum):
    """Where a pod is in its life; a pod that has ended is none of these and not kept."""

    READY = "ready"
    STARTING = "starting"
    STUCK = "stuck"  # the scheduler finds no node
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """One live pod. `address` is its IP, `node` where it runs; empty before it has one. `birth` is None if unknown.

    `answers` is whether it is Ready, `leaving` whether it is being deleted; `mark` and `deletion_cost` are what its
    annotations say of draining and of the price of its removal, empty without them.
    """

    key: ObjectKey
    uid: str
    labels: Mapping[str, str]
    state: PodState
    address: str
    admin_port: int
    hardware: Hardware
    node: str
    birth: Birth | None = None
    answers: bool = False
    leaving: bool = False
    mark: str = ""
    deletion_cost: str = ""

    @property
    def is_router(self) -> bool:
        """Whether this is one of our routers, by the labels that all of them carry."""
        return self.labels.get(LABEL_APP) == APP and self.labels.get(LABEL_COMPONENT) == ROUTER


def pod_facts(body: Mapping[str, Any]) -> PodFacts | None:
    """Reduce a pod; None for one that has ended."""
    meta, spec, status = body["metadata"], body.get("spec", {}), body.get("status", {})
    if status.get("phase") in _OVER:
        return None
    annotations = meta.get("annotations") or {}
    return PodFacts(
        key=ObjectKey(meta["namespace"], meta["name"]),
        uid=meta["uid"],
        labels=meta.get("labels") or {},
        state=_state(meta, status),
        address=status.get("podIP", ""),
        admin_port=_admin_port(spec),
        hardware=of_pod(spec),
        node=spec.get("nodeName") or "",
        birth=birth(meta, status),
        answers=_answers(status),
        leaving=bool(meta.get("deletionTimestamp")),
        mark=annotations.get(ANNOTATION_DRAINING) or "",
        deletion_cost=annotations.get(ANNOTATION_DELETION_COST) or "",
    )


def remembering(before: PodFacts | None, now: PodFacts) -> PodFacts:
    """Return a pod with what only those know of it who saw it before; None: nobody did."""
    known = carried(before.birth if before else None, now.birth, first=before is None)
    return now if known == now.birth else replace(now, birth=known)


def _state(meta: Mapping[str, Any], status: Mapping[str, Any]) -> PodState:
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    if meta.get("deletionTimestamp") or is_draining(meta.get("annotations") or {}):
        return PodState.DRAINING
    if _answers(status):
        return PodState.READY
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return PodState.STUCK
    return PodState.STARTING


def _answers(status: Mapping[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or ())


def _admin_port(spec: Mapping[str, Any]) -> int:
    ports = (port for container in spec.get("containers") or () for port in container.get("ports") or ())
    return next((int(port["containerPort"]) for port in ports if port.get("name") == ADMIN_PORT_NAME), ADMIN_PORT)


class PodIndex:
    """Pods of one moment by namespace and label, so that a thousand selectors do not look at every pod each."""

    def __init__(self, pods: Iterable[PodFacts]) -> None:
        self._namespaces: dict[str, list[PodFacts]] = defaultdict(list)
        self._labelled: dict[tuple[str, str, str], list[PodFacts]] = defaultdict(list)
        for pod in pods:
            self._namespaces[pod.key.namespace].append(pod)
            for name, value in pod.labels.items():
                self._labelled[pod.key.namespace, name, value].append(pod)

    def select(self, namespace: str, selector: Selector) -> tuple[PodFacts, ...]:
        """Return the pods of a namespace that a selector finds."""
        if selector.pair is None:
            candidates = self._namespaces.get(namespace, ())
        else:
            candidates = self._labelled.get((namespace, *selector.pair), ())
        return tuple(pod for pod in candidates if selector.matches(pod.labels))
