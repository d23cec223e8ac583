"""The local world's side of the router: its endpoints file, its policy, and what it tells about itself."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from penstock.api.document import encode, policy_hash
from penstock.api.workloadpolicy import WorkloadPolicy
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.policies import Policy, PolicyDocument
from penstock.domain.requests import Endpoint
from penstock.local.ports import Asked


def write_endpoints(path: Path, endpoints: Sequence[Endpoint]) -> None:
    """Replace the endpoints file as a whole, so that a reader never sees half of it."""
    body = {"endpoints": [{"address": one.address, "pod": one.pod} for one in endpoints]}
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(body))
    os.replace(fresh, path)


def compiled(policy: WorkloadPolicy | None, revision: int) -> PolicyDocument:
    """Return the document of a policy, or of the built-in defaults where there is none."""
    content = policy.policy if policy else Policy()
    return PolicyDocument(
        schema=1,
        revision=revision,
        uid=policy.uid if policy else "",
        name=policy.key.name if policy else "",
        generation=policy.generation if policy else 0,
        hash=policy_hash(content),
        policy=content,
    )


@dataclass(slots=True)
class RouterClient:
    """Talks to the admin API of the router on this machine; loopback needs no token."""

    url: str
    http: aiohttp.ClientSession

    async def push(self, document: PolicyDocument) -> dict[str, Any]:
        """Give the router a policy and return its acknowledgement.

        Raises:
            Refused: the router cannot run the document; its own words are in the message.
            Unreachable: no answer.
        """
        try:
            async with self.http.put(f"{self.url}/v1/policy", json=encode(document)) as answer:
                body = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(self.url, type(error).__name__, "read router.log") from error
        if answer.status != 200:
            said = body.get("error", {})
            raise Refused(self.url, answer.status, str(said.get("message", "")), str(said.get("remedy", "")))
        return dict(body)

    async def state(self) -> dict[str, Any]:
        """Return the router's own view of its queue and endpoints; empty where it does not answer."""
        try:
            async with self.http.get(f"{self.url}/v1/state") as answer:
                return dict(await answer.json()) if answer.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError):
            return {}

    async def queued(self) -> int | None:
        """Return how many requests wait; None where the router does not tell."""
        return (await self.asked()).waiting

    async def asked(self) -> Asked:
        """Return what comes in and waits."""
        state = await self.state()
        waiting, arrivals = state.get("queue", {}).get("requests"), state.get("arrivals")
        return Asked(
            int(waiting) if isinstance(waiting, int) else None,
            float(arrivals) if isinstance(arrivals, int | float) else None,
        )
