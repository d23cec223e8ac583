"""Which nodes new pods may come to: a node's taints against what pods tolerate (Kubernetes, Taints and Tolerations)."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

_BARRING: Final = frozenset({"NoSchedule", "NoExecute"})
_CONDITIONS: Final = frozenset(f"node.kubernetes.io/{name}" for name in ("not-ready", "unreachable", "unschedulable"))


class Taint(NamedTuple):
    """What keeps pods away from a node that do not tolerate it."""

    key: str
    value: str
    effect: str


class Toleration(NamedTuple):
    """What a pod tolerates; an empty key or effect stands for all of them."""

    key: str
    operator: str
    value: str
    effect: str

    def covers(self, taint: Taint) -> bool:
        """Whether a pod with it may come in spite of the taint; operators that are newer than this are believed."""
        if self.key not in {"", taint.key} or self.effect not in {"", taint.effect}:
            return False
        return self.operator not in {"", "Equal"} or self.value == taint.value


Tolerations = frozenset[Toleration]


def taints_of(node_spec: Mapping[str, Any]) -> frozenset[Taint]:
    """Return the taints of a node that keep new pods away, but for those that follow its Ready condition or cordon."""
    found = (
        Taint(one.get("key") or "", one.get("value") or "", one.get("effect") or "")
        for one in node_spec.get("taints") or ()
    )
    return frozenset(taint for taint in found if taint.effect in _BARRING and taint.key not in _CONDITIONS)


def tolerations_of(pod_spec: Mapping[str, Any]) -> Tolerations:
    """Return what a pod, or the pods of a template, tolerate."""
    given = pod_spec.get("tolerations") or ()
    return _shared(frozenset(Toleration(*(one.get(part) or "" for part in Toleration._fields)) for one in given))


@lru_cache(maxsize=1024)
def _shared(found: Tolerations) -> Tolerations:
    """Return one and the same for all that are equal: nearly all of ten thousand pods tolerate the same."""
    return found


def may_come(taints: Iterable[Taint], tolerations: Tolerations, resources: frozenset[str]) -> bool:
    """Whether pods may come that ask for these resources; `NoSchedule` called as one of them is no hindrance.

    The admission plug-in ExtendedResourceToleration, on in most managed clusters, lets pods tolerate that, and no other
    effect of such a taint.
    """
    return all(_lent(taint, resources) or any(one.covers(taint) for one in tolerations) for taint in taints)


def _lent(taint: Taint, resources: frozenset[str]) -> bool:
    return taint.effect == "NoSchedule" and taint.key in resources
