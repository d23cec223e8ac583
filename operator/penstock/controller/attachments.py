"""From WorkloadPolicy objects to candidates, and from their targets to router pods."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.api.inferencepool import parse_pool
from penstock.api.kinds import POOLS, SERVICES
from penstock.api.metadata import read_metadata
from penstock.api.names import POOL_KIND
from penstock.api.workloadpolicy import PolicyTarget, parse_runnable
from penstock.controller.plan import Candidate
from penstock.controller.pods import PodFacts
from penstock.controller.ports import Objects
from penstock.controller.selectors import exactly
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey

_SERVICE: Final = "Service"


def candidate(body: Mapping[str, Any]) -> Candidate | None:
    """Read a policy; None for one that is being deleted. A spec that cannot be used becomes a fault."""
    meta = read_metadata(body)
    if body["metadata"].get("deletionTimestamp"):
        return None
    try:
        parsed = parse_runnable(body)
    except InvalidField as error:
        return Candidate(
            key=meta.key,
            uid=meta.uid,
            generation=meta.generation,
            created_at_s=meta.created_at_s,
            target=_target(body),
            policy=None,
            fault=error,
        )
    return Candidate(
        key=parsed.key,
        uid=parsed.uid,
        generation=parsed.generation,
        created_at_s=parsed.created_at_s,
        target=parsed.target_ref,
        policy=parsed.policy,
    )


async def routers_of(
    objects: Objects, namespace: str, target: PolicyTarget, routers: Iterable[PodFacts]
) -> tuple[PodFacts, ...] | None:
    """Return the router pods behind a target, None where there is no such target.

    A pool leads to them by its endpointPickerRef; another kind of picker, or a Service without selector, has none.

    Raises:
        Unreachable, Refused: the API server could not be asked.
    """
    name = target.name
    if target.kind == POOL_KIND:
        pool = await objects.get(POOLS, ObjectKey(namespace, name))
        if pool is None:
            return None
        name = _picker(pool)
    service = await objects.get(SERVICES, ObjectKey(namespace, name)) if name else None
    if service is None:
        return None if target.kind == _SERVICE else ()
    selector = exactly(service.get("spec", {}).get("selector") or {})
    return tuple(pod for pod in routers if pod.key.namespace == namespace and selector.matches(pod.labels))


def _picker(pool: Mapping[str, Any]) -> str:
    try:
        picker = parse_pool(pool).picker
    except InvalidField:
        return ""
    return picker.name if picker and (picker.group, picker.kind) == ("", _SERVICE) else ""


def _target(body: Mapping[str, Any]) -> PolicyTarget | None:
    """Return the target of a spec that is otherwise unusable."""
    ref = (body.get("spec") or {}).get("targetRef")
    if not isinstance(ref, Mapping) or not ref.get("name"):
        return None
    return PolicyTarget(group=str(ref.get("group", "")), kind=str(ref.get("kind", "")), name=str(ref["name"]))
