"""Keeps generations of policies as ControllerRevisions beside them."""

import logging
from http import HTTPStatus

from penstock.api.kinds import REVISIONS
from penstock.api.revisions import Revision, encode_revision, read_revision, selector
from penstock.cluster.client import Kube, path_of
from penstock.cluster.objects import Objects
from penstock.domain.errors import InvalidField, Refused
from penstock.domain.variants import ObjectKey

log = logging.getLogger("penstock.cluster")


class Revisions:
    """Reads, writes and removes them. Every method raises Unreachable or Refused where the API server did."""

    def __init__(self, kube: Kube) -> None:
        self._kube, self._objects = kube, Objects(kube)

    async def kept(self, policy: ObjectKey, uid: str) -> tuple[Revision, ...]:
        """Return the revisions of a policy, the newest first; what cannot be read is told and passed over."""
        found = []
        for body in await self._objects.list(REVISIONS, policy.namespace, selector(uid)):
            try:
                found.append(read_revision(body))
            except InvalidField as error:
                log.warning("ControllerRevision ignored", extra={"policy": str(policy), "error": str(error)})
        return tuple(sorted(found, key=lambda one: -one.generation))

    async def keep(self, policy: ObjectKey, uid: str, revision: Revision) -> None:
        """Write a revision. Content that is there already, from an earlier generation, is written anew.

        (Its number cannot be patched: a patch spells the data anew, and these may not change by a byte.)
        """
        path, body = path_of(REVISIONS, policy.namespace), encode_revision(revision, policy, uid)
        try:
            await self._kube.call("POST", path, body)
        except Refused as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            await self.drop(policy, revision.name)
            await self._kube.call("POST", path, body)

    async def drop(self, policy: ObjectKey, name: str) -> None:
        """Remove a revision; one that is gone already is as good."""
        try:
            await self._kube.call("DELETE", path_of(REVISIONS, policy.namespace, name))
        except Refused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
