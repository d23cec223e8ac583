"""Looks at WorkloadPolicies, the router pods behind their targets, and which policies want the same ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.api.kinds import PODS, POLICIES
from penstock.api.metadata import read_metadata
from penstock.api.names import APP, LABEL_APP, LABEL_COMPONENT
from penstock.api.workloadpolicy import PolicyTarget, parse_runnable
from penstock.doctor.facts import Body, PolicyFacts, Rival
from penstock.doctor.gather import Sources, nearest, sights
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One policy and the names of its routers; `fault` says why its spec cannot be used."""

    key: ObjectKey
    body: Body
    created_at_s: float
    target: PolicyTarget
    routers: frozenset[str] | None
    fault: InvalidField | None


async def look_at_policies(sources: Sources, namespace: str | None, name: str | None) -> tuple[PolicyFacts, ...]:
    """Return the facts of one policy, or of all in a namespace (None: everywhere).

    Raises:
        Unreachable, Refused: the API server could not be asked.
    """
    bodies = await sources.objects.list(POLICIES, namespace)
    pods = await sources.objects.list(PODS, namespace, f"{LABEL_APP}={APP},{LABEL_COMPONENT}=router") if bodies else []
    seen = [await _seen(sources, body, pods) for body in bodies]
    found = tuple(_facts(one, seen, pods) for one in seen if name in {None, one.key.name})
    if found or name is None:
        return found
    return (PolicyFacts(key=ObjectKey(namespace or "", name), nearest=nearest(name, bodies)),)


async def _seen(sources: Sources, body: Body, pods: Iterable[Body]) -> _Seen:
    meta = read_metadata(body)
    target, fault = _read(body)
    return _Seen(
        key=meta.key,
        body=body,
        created_at_s=meta.created_at_s,
        target=target,
        routers=await sources.routers.behind(meta.key.namespace, target, pods),
        fault=fault,
    )


def _read(body: Body) -> tuple[PolicyTarget, InvalidField | None]:
    """Return the target, also of a spec that cannot be used otherwise, and why it cannot."""
    try:
        return parse_runnable(body).target_ref, None
    except InvalidField as error:
        ref: Mapping[str, Any] = (body.get("spec") or {}).get("targetRef") or {}
        named = {part: str(ref.get(part, "")) for part in ("group", "kind", "name")}
        return PolicyTarget(**named), error


def _facts(one: _Seen, everybody: Iterable[_Seen], pods: Iterable[Body]) -> PolicyFacts:
    mine = one.routers or frozenset()
    namespace = one.key.namespace
    bodies = (pod for pod in pods if pod["metadata"]["namespace"] == namespace and pod["metadata"]["name"] in mine)
    return PolicyFacts(
        key=one.key,
        body=one.body,
        fault=one.fault,
        target=f"{one.target.kind} {one.target.name}",
        created_at_s=one.created_at_s,
        routers=None if one.routers is None else sights(bodies),
        rivals=tuple(
            Rival(name=other.key.name, created_at_s=other.created_at_s)
            for other in everybody
            if other.key != one.key and other.key.namespace == namespace and mine & (other.routers or frozenset())
        ),
    )
