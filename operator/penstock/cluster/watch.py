"""Follows a few objects as whole lists: one at the start, one after each change, also after an outage."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import Kind
from penstock.cluster.client import Kube, path_of
from penstock.domain.errors import Refused, Unreachable

log = logging.getLogger("penstock.cluster")

SILENCE_S: Final = 70.0  # the server sends a bookmark each minute
RETRY_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)

Objects = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What to follow; `selector` is a label selector, `name` one single object, both optional."""

    kind: Kind
    namespace: str
    selector: str = ""
    name: str = ""

    @property
    def query(self) -> dict[str, str]:
        """Selectors as query parameters."""
        fields = {"labelSelector": self.selector, "fieldSelector": f"metadata.name={self.name}" if self.name else ""}
        return {key: value for key, value in fields.items() if value}


async def follow(kube: Kube, watch: Watch) -> AsyncIterator[Objects]:
    """Yield all objects each time something changed; never ends.

    While the API server is away nothing is yielded and nothing is forgotten: the last list remains true enough.
    After each outage a fresh list is yielded, so that what vanished meanwhile is seen.
    """
    failures = 0
    while True:
        try:
            async for objects in _until_broken(kube, watch):
                failures = 0
                yield objects
        except (Unreachable, Refused) as error:
            delay_s = RETRY_S[min(failures, len(RETRY_S) - 1)]
            failures += 1
            level = logging.WARNING if failures == 1 else logging.DEBUG
            log.log(level, "Watch broken, listing again", extra={"kind": str(watch.kind), "error": str(error)})
            await asyncio.sleep(delay_s)


async def _until_broken(kube: Kube, watch: Watch) -> AsyncIterator[Objects]:
    """Yield lists until the stream has to be opened anew from a list."""
    path = path_of(watch.kind, watch.namespace)
    listing = await kube.call("GET", path, query=watch.query)
    known = {_uid(item): item for item in listing["items"]}
    version = listing["metadata"]["resourceVersion"]
    yield tuple(known.values())
    while True:
        query = watch.query | {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        async for event in kube.stream(path, query, silence_s=SILENCE_S):
            item = event["object"]
            if event["type"] == "ERROR":
                if item.get("code") == HTTPStatus.GONE:
                    return
                raise Refused(
                    "Kubernetes API", int(item.get("code", 0)), str(item.get("message", "")), "it is tried again"
                )
            version = item["metadata"]["resourceVersion"]
            if _apply(known, event["type"], item):
                yield tuple(known.values())
        await asyncio.sleep(RETRY_S[0])


def _apply(known: dict[str, Mapping[str, Any]], what: str, item: Mapping[str, Any]) -> bool:
    """Fold one event in; return whether anything was said."""
    match what:
        case "ADDED" | "MODIFIED":
            known[_uid(item)] = item
        case "DELETED":
            known.pop(_uid(item), None)
        case _:
            return False
    return True


def _uid(item: Mapping[str, Any]) -> str:
    return str(item["metadata"]["uid"])
