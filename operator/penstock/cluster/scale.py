"""The scale subresource of any kind: found by discovery, read, and changed only from the count that was read."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import Kind
from penstock.api.names import FIELD_MANAGER
from penstock.cluster.client import JSON_PATCH, PEER, Kube, path_of
from penstock.domain.errors import NoSuchKind, Refused
from penstock.domain.observations import Scale
from penstock.domain.variants import TargetRef

FORGET_AFTER_S: Final = 300.0  # a CRD may change; what is served is asked again


@dataclass(frozen=True, slots=True)
class _Served:
    at_s: float
    kinds: Mapping[str, Kind]
    scalable: frozenset[str]  # plurals


class Scales:
    """Reads and changes replica counts through `/scale`, whatever the kind."""

    def __init__(self, kube: Kube, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube, self._clock = kube, clock
        self._served: dict[str, _Served] = {}

    async def read(self, namespace: str, ref: TargetRef) -> Scale:
        """Return the scale of an object.

        Raises:
            NoSuchKind: the cluster serves no such kind.
            Refused: 404 no such object, 405 the kind has no scale, 403 no right, and whatever else.
            Unreachable: no answer.
        """
        kind = await self._scalable(ref)
        body = await self._kube.call("GET", path_of(kind, namespace, ref.name, "scale"))
        meta, status = body["metadata"], body.get("status", {})
        return Scale(
            replicas=int(body.get("spec", {}).get("replicas", 0)),
            selector=str(status.get("selector", "")),
            uid=str(meta.get("uid", "")),
            resource_version=str(meta.get("resourceVersion", "")),
        )

    async def change(self, namespace: str, ref: TargetRef, *, seen: int, version: str, wanted: int) -> None:
        """Set the count to `wanted` if it still is `seen`; `version` is the resource version it was read with.

        Raises:
            Refused: 409 or 422 the count is another by now, 403 no right, 404, 405 as in `read`.
            Unreachable: no answer; the count may have been changed or not.
        """
        kind = await self._scalable(ref)
        path = path_of(kind, namespace, ref.name, "scale")
        patch = [_unchanged(seen, version), {"op": "add", "path": "/spec/replicas", "value": wanted}]
        await self._kube.call("PATCH", path, patch, query={"fieldManager": FIELD_MANAGER}, content=JSON_PATCH)

    async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
        """Return the scaled object itself; raises as `read`."""
        kind = await self._scalable(ref)
        whole: Mapping[str, Any] = await self._kube.call("GET", path_of(kind, namespace, ref.name))
        return whole

    async def _scalable(self, ref: TargetRef) -> Kind:
        try:
            served = await self._group(ref.api_version)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise NoSuchKind(PEER, ref.kind, ref.api_version) from error
            raise
        kind = served.kinds.get(ref.kind)
        if kind is None:
            raise NoSuchKind(PEER, ref.kind, ref.api_version)
        if kind.plural not in served.scalable:
            raise Refused(PEER, HTTPStatus.METHOD_NOT_ALLOWED, f"{ref.kind} has no scale", "name an owner that has one")
        return kind

    async def _group(self, api_version: str) -> _Served:
        """Return what a group version serves; only an answer is remembered, so a CRD made later is found at once."""
        known = self._served.get(api_version)
        if known is None or self._clock() - known.at_s > FORGET_AFTER_S:
            root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            listing = await self._kube.call("GET", root)
            known = _served(api_version, listing.get("resources", ()), self._clock())
            self._served[api_version] = known
        return known


def _unchanged(seen: int, version: str) -> dict[str, object]:
    """Return the test of a JSON patch; `/scale` leaves out a count of 0, so there only the version can be tested."""
    if seen:
        return {"op": "test", "path": "/spec/replicas", "value": seen}
    return {"op": "test", "path": "/metadata/resourceVersion", "value": version}


def _served(api_version: str, resources: list[Mapping[str, Any]], at_s: float) -> _Served:
    group, _, version = api_version.rpartition("/")
    kinds = {
        str(one["kind"]): Kind(group, version, str(one["name"]), str(one["kind"]), namespaced=bool(one["namespaced"]))
        for one in resources
        if "/" not in one["name"]
    }
    scalable = frozenset(str(one["name"]).partition("/")[0] for one in resources if one["name"].endswith("/scale"))
    return _Served(at_s, kinds, scalable)
