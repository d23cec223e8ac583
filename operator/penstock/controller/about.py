"""What an event has to know of the object that it is about."""

from collections.abc import Mapping
from typing import Any

from penstock.api.kinds import Kind


def about(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object reference of one namespaced object."""
    meta = body["metadata"]
    return {
        "apiVersion": kind.api_version,
        "kind": kind.name,
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "resourceVersion": meta.get("resourceVersion", ""),
    }
