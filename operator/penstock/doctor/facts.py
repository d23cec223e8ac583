"""What was looked at, before anybody judges it; None in place of a list means that we may not look."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.domain.catalogue import Catalogue, ConfigProblem
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Scrape, Target
from penstock.domain.variants import ObjectKey, Variant
from penstock.scaling.join import Joined
from penstock.settings.operator import OperatorSettings

Body = Mapping[str, Any]

PORT_NAMES: Final = ("metrics", "http")
_TROUBLES: Final = frozenset(
    {"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSight:
    """One live pod: `trouble` is why it will not become ready by itself, `port` where its metrics should be."""

    name: str
    ready: bool = True
    trouble: str = ""
    port: int | None = None
    port_names: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one pod's `/metrics` said: how many lines of vLLM's, under which model names; or why nothing came."""

    pod: str
    port: int
    fault: str = ""
    denied: bool = False
    series: int = 0
    models: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFacts:
    """The operator and what it is told. `served` are the kinds of ours that the API server knows.

    `dropped` are fields of a variant's spec that the definition there takes away; `fault` says which setting stops the
    operator; `lease` is the spec of its Lease. `lacks_nodes`: it is told to list nodes, and has no right to.
    `unread` are keys of ConfigMaps that it does not read, `variables` what its environment misspells.
    """

    namespace: str
    now_s: float
    namespace_exists: bool = True
    served: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    pods: tuple[PodSight, ...] = ()
    lease: Body | None = None
    settings: OperatorSettings
    fault: InvalidField | None = None
    catalogue: Catalogue = field(default_factory=Catalogue)
    unread: tuple[ConfigProblem, ...] = ()
    variables: tuple[InvalidField, ...] = ()
    lacks_nodes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all variants share. `certain`: a problem of the scrape is one of Prometheus, not of our way to it."""

    operator: OperatorFacts
    scrape: Scrape
    certain: bool = True
    service_monitors: tuple[Body, ...] | None = ()
    pod_monitors: tuple[Body, ...] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFacts:
    """One VariantAutoscaling and everything behind it; `nearest` is a name like the one that does not exist."""

    key: ObjectKey
    body: Body | None = None
    nearest: str = ""
    namespace_exists: bool = True
    variant: Variant | None = None
    fault: InvalidField | None = None
    target: Target | None = None
    pods: tuple[PodSight, ...] = ()
    services: tuple[Body, ...] | None = ()
    answers: tuple[Answer, ...] = ()
    joined: Joined = field(default_factory=Joined)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another policy of the namespace whose target leads to some of the same routers."""

    name: str
    created_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFacts:
    """One WorkloadPolicy; `routers` are the pods behind its target, None where there is no such target."""

    key: ObjectKey
    body: Body | None = None
    nearest: str = ""
    fault: InvalidField | None = None
    target: str = ""
    created_at_s: float = 0.0
    routers: tuple[PodSight, ...] | None = ()
    rivals: tuple[Rival, ...] = ()


def pod_sight(body: Body) -> PodSight | None:
    """Reduce a pod; None for one that has ended or is going."""
    meta, status = body["metadata"], body.get("status") or {}
    if meta.get("deletionTimestamp") or status.get("phase") in {"Succeeded", "Failed"}:
        return None
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    ports = _ports(body.get("spec") or {})
    return PodSight(
        name=meta["name"],
        ready=conditions.get("Ready", {}).get("status") == "True",
        trouble=_trouble(status, conditions),
        port=_metrics_port(ports),
        port_names=frozenset(name for name, _ in ports if name),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
    )


def _ports(spec: Body) -> list[tuple[str, int]]:
    containers = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    return [
        (str(port.get("name", "")), int(port["containerPort"]))
        for container in containers
        for port in container.get("ports") or ()
    ]


def _metrics_port(ports: list[tuple[str, int]]) -> int | None:
    """Return the port called metrics, else http, else the first."""
    named = [number for wanted in PORT_NAMES for name, number in ports if name == wanted]
    return next(iter([*named, *(number for _, number in ports)]), None)


def _trouble(status: Body, conditions: Mapping[str, Body]) -> str:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return "no node has room for it"
    containers = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    reasons = ((one.get("state") or {}).get("waiting", {}).get("reason", "") for one in containers)
    return next((reason for reason in reasons if reason in _TROUBLES), "")
