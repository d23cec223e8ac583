"""Leader election on the shipped Lease: one holder at a time, and a term that grows with each change of holder."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from penstock.api.kinds import LEASES
from penstock.api.names import LEASE
from penstock.cluster.client import Kube, path_of
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.variants import ObjectKey

log = logging.getLogger("penstock.cluster")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a Lease lasts, how long its holder acts without renewing it, and how often it is looked at (seconds)."""

    lease_s: float = 15.0
    renew_s: float = 10.0
    retry_s: float = 2.0


class Election:
    """Competes for the Lease as long as `run` runs.

    `leading` is a promise about now: it ends `renew_s` after the last renewal, before anybody else may take over
    (`lease_s`), also when the API server or this process is stuck. Others' clocks are never compared with ours:
    a Lease has expired when we have seen it unchanged for its duration.
    """

    def __init__(
        self, kube: Kube, namespace: str, identity: str, *, timing: Timing, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kube, self._identity, self._timing, self._clock = kube, identity, timing, clock
        self._key = ObjectKey(namespace, LEASE)
        self._held_until_s = float("-inf")
        self._seen: tuple[str, float] = ("", clock())
        self._term = 0

    @property
    def leading(self) -> bool:
        """Whether this process may act right now."""
        return self._clock() < self._held_until_s

    @property
    def term(self) -> int:
        """How often the Lease has changed hands, this time included."""
        return self._term

    async def run(self) -> None:
        """Take and renew the Lease until cancelled; then give it back, so that a successor need not wait."""
        try:
            while True:
                await self._attempt()
                await asyncio.sleep(self._timing.retry_s)
        finally:
            if self.leading:
                await asyncio.shield(self._give_back())

    async def _attempt(self) -> None:
        asked_at_s = self._clock()
        try:
            async with asyncio.timeout(self._timing.renew_s):
                lease = await self._kube.call("GET", self._path)
                if self._mine(lease) or self._free(lease):
                    await self._take(lease, asked_at_s)
        except Refused as error:
            self._complain(error)
        except (Unreachable, TimeoutError) as error:
            log.warning("Lease could not be renewed", extra={"lease": str(self._key), "error": str(error)})

    async def _take(self, lease: Mapping[str, Any], asked_at_s: float) -> None:
        spec = lease.get("spec", {})
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = self._mine(lease)
        transitions = int(spec.get("leaseTransitions", 0)) + (0 if mine else 1)
        wanted = spec | {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._timing.lease_s)),
            "renewTime": now,
            "acquireTime": spec["acquireTime"] if mine else now,
            "leaseTransitions": transitions,
        }
        await self._kube.call("PUT", self._path, {**lease, "spec": wanted})
        if not self.leading:
            log.info("Leading", extra={"lease": str(self._key), "identity": self._identity, "term": transitions})
        self._term = transitions
        self._held_until_s = asked_at_s + self._timing.renew_s

    async def _give_back(self) -> None:
        self._held_until_s = float("-inf")
        try:
            async with asyncio.timeout(self._timing.retry_s):
                lease = await self._kube.call("GET", self._path)
                if self._mine(lease):
                    spec = {**lease["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._kube.call("PUT", self._path, {**lease, "spec": spec})
        except (Refused, Unreachable, TimeoutError) as error:
            log.info("Lease not given back, it runs out by itself", extra={"error": str(error)})

    @property
    def _path(self) -> str:
        return path_of(LEASES, self._key.namespace, self._key.name)

    def _mine(self, lease: Mapping[str, Any]) -> bool:
        return str(lease.get("spec", {}).get("holderIdentity", "")) == self._identity

    def _free(self, lease: Mapping[str, Any]) -> bool:
        """Whether nobody holds the Lease, or its holder has not renewed it for as long as it promised to."""
        spec, version = lease.get("spec", {}), lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        expired = self._clock() - self._seen[1] > float(spec.get("leaseDurationSeconds", self._timing.lease_s))
        return not spec.get("holderIdentity") or expired

    def _complain(self, error: Refused) -> None:
        match error.status:
            case HTTPStatus.CONFLICT:
                log.debug("Somebody else was faster", extra={"lease": str(self._key)})
            case HTTPStatus.NOT_FOUND:
                log.error("No Lease %s, so nobody may lead: apply manifests/operator/lease.yaml", self._key)
            case _:
                log.error("Lease refused", extra={"lease": str(self._key), "error": str(error)})
