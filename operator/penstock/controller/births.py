"""When a pod was Ready for the first time, where that can be known: a start is measured, never a recovery."""

from collections.abc import Mapping
from typing import Any, Final

from penstock.api.metadata import unix_seconds
from penstock.domain.observations import Birth

_SLACK_S: Final = 10.0  # between a kubelet's first word about a pod and its first word about readiness


def birth(meta: Mapping[str, Any], status: Mapping[str, Any]) -> Birth | None:
    """Return a pod's start by its conditions as they are; None where they do not tell it.

    The Ready condition tells only its last change. Of a pod that is not Ready that is where its life began, or it has
    been Ready before; of one that is Ready it is the first only if the pod was watched until then (see `carried`).
    A container that was started twice says nothing of how long one start takes.
    """
    created_s = unix_seconds(meta.get("creationTimestamp"))
    ready: Mapping[str, Any] = next((one for one in status.get("conditions") or () if one["type"] == "Ready"), {})
    changed_s = unix_seconds(ready.get("lastTransitionTime"))
    if not created_s:
        return None
    if ready.get("status") == "True":
        return Birth(created_s, changed_s) if changed_s >= created_s and not _restarted(status) else None
    begun_s = unix_seconds(status.get("startTime")) or created_s
    return None if changed_s > begun_s + _SLACK_S else Birth(created_s, None)


def carried(before: Birth | None, now: Birth | None, *, first: bool) -> Birth | None:
    """Return what is known of a start after one more look; `first`: the pod was never seen before.

    Once Ready, that moment stays. A pod that is Ready when it is first seen may have been so before its last change.
    """
    if first:
        return now if now is not None and now.ready_at_s is None else None
    if before is None or before.ready_at_s is not None:
        return before
    return now


def _restarted(status: Mapping[str, Any]) -> bool:
    return any(int(one.get("restartCount") or 0) for one in status.get("containerStatuses") or ())
