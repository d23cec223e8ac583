"""Reads objects and writes what is ours on them: status by server-side apply, owner, events."""

import datetime
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import ACCESS_REVIEWS, EVENTS, PODS, VARIANTS, Kind
from penstock.api.names import FIELD_MANAGER
from penstock.cluster.client import APPLY, MERGE_PATCH, Kube, path_of
from penstock.domain.errors import Refused
from penstock.domain.variants import ObjectKey

PAGE: Final = "500"
REPORTER: Final = "penstock-operator"
_FORCE: Final = {"fieldManager": FIELD_MANAGER, "force": "true"}


class Objects:
    """Objects as plain JSON. Every method raises Unreachable or Refused (domain.errors) where the server did."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def get(self, kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
        """Return one object, or None where it does not exist or its kind is not served."""
        try:
            body: Mapping[str, Any] = await self._kube.call("GET", path_of(kind, key.namespace, key.name))
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return body

    async def list(self, kind: Kind, namespace: str | None = None, selector: str = "") -> list[Mapping[str, Any]]:
        """Return all objects of a kind, page by page; none where the kind is not served."""
        found: list[Mapping[str, Any]] = []
        query = {"limit": PAGE} | ({"labelSelector": selector} if selector else {})
        while True:
            try:
                page = await self._kube.call("GET", path_of(kind, namespace), query=query)
            except Refused as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return []
                raise
            found += page["items"]
            following = page.get("metadata", {}).get("continue", "")
            if not following:
                return found
            query["continue"] = following

    async def serves(self, kind: Kind) -> bool:
        """Return whether the API server knows the kind, by discovery, which everybody may ask."""
        root = f"/apis/{kind.group}" if kind.group else "/api"
        try:
            listing = await self._kube.call("GET", f"{root}/{kind.version}")
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return any(one["name"] == kind.plural for one in listing.get("resources") or ())

    async def may(self, account: ObjectKey, verb: str, kind: Kind) -> bool:
        """Return whether a service account has a right in the whole cluster; to ask that is a right of its own."""
        wanted = {"group": kind.group, "resource": kind.plural, "verb": verb}
        subject = f"system:serviceaccount:{account.namespace}:{account.name}"
        body = {"spec": {"user": subject, "resourceAttributes": wanted}}
        answer = await self._kube.call("POST", path_of(ACCESS_REVIEWS), body)
        return bool(answer["status"]["allowed"])

    async def write_status(self, kind: Kind, about: Mapping[str, Any], status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make `status` all that we say about an object and return the object; refused (409) if it has changed since.

        (A uid in a status is not looked at, so only the version keeps one from an object that was made anew.)
        """
        meta = about["metadata"]
        known = {name: meta[name] for name in ("name", "namespace", "resourceVersion")}
        body = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": known, "status": status}
        path = path_of(kind, meta["namespace"], meta["name"], "status")
        written: Mapping[str, Any] = await self._kube.call("PATCH", path, body, query=_FORCE, content=APPLY)
        return written

    async def write_data(self, kind: Kind, key: ObjectKey, data: Mapping[str, str]) -> None:
        """Set these keys of a ConfigMap that exists; others stay as they are."""
        await self._kube.call("PATCH", path_of(kind, key.namespace, key.name), {"data": data}, content=MERGE_PATCH)

    async def annotate(self, pod: ObjectKey, uid: str, annotations: Mapping[str, str | None]) -> None:
        """Set annotations of the pod with this uid, and remove those that are None; others stay as they are."""
        body = {"metadata": {"uid": uid, "annotations": dict(annotations)}}
        await self._kube.call("PATCH", path_of(PODS, pod.namespace, pod.name), body, content=MERGE_PATCH)

    async def own(self, variant: ObjectKey, uid: str, owner: Mapping[str, Any]) -> None:
        """Make `owner` (an owner reference) the controller of a VariantAutoscaling, and its only owner."""
        body = {"metadata": {"uid": uid, "ownerReferences": [dict(owner)]}}
        await self._kube.call("PATCH", path_of(VARIANTS, variant.namespace, variant.name), body, content=MERGE_PATCH)

    async def event(self, about: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        """Post one event; `about` is an object reference, `kind` is Normal or Warning."""
        now = datetime.datetime.now(datetime.UTC)
        namespace = about.get("namespace") or "default"
        body = {
            "metadata": {"name": f"{about['name']}.{secrets.token_hex(8)}", "namespace": namespace},
            "involvedObject": dict(about),
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "action": reason,
            "source": {"component": REPORTER},
            "reportingComponent": REPORTER,
            "reportingInstance": REPORTER,
            "firstTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lastTimestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "count": 1,
        }
        await self._kube.call("POST", path_of(EVENTS, namespace), body)
