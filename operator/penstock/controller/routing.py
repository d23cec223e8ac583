"""Rounds of policy push: at once when a policy or router changes, and each interval to find what drifted."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.api.kinds import POLICIES
from penstock.controller.about import about
from penstock.controller.aggregate import Aggregator
from penstock.controller.attachments import candidate, routers_of
from penstock.controller.history import History
from penstock.controller.metrics import Meters
from penstock.controller.plan import Attachment, Candidate, Documents, attach
from penstock.controller.pods import PodFacts, PodState
from penstock.controller.ports import Leadership, Objects
from penstock.controller.push import Acknowledged, Pusher, Wish
from penstock.controller.verdicts import outcome, worth_writing
from penstock.controller.world import World
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.policies import PolicyDocument
from penstock.domain.rollouts import PolicyOutcome
from penstock.status.policy import policy_events, policy_status

log = logging.getLogger("penstock.operator")

_NOTHING: Final = Wish(None)


@dataclass(slots=True, kw_only=True)
class Routing:
    """Runs rounds; `clock` is Unix time in seconds."""

    world: World
    objects: Objects
    documents: Documents
    pusher: Pusher
    aggregator: Aggregator
    meters: Meters
    leadership: Leadership
    history: History
    clock: Callable[[], float] = time.time
    bounds: dict[str, float | None] = field(default_factory=dict)  # by policy uid

    async def round(self, *, compare: bool) -> None:
        """Bring every Ready router to what it has to run, and write what came of it.

        Raises:
            Unreachable, Refused: targets could not be read, so nothing was done.
        """
        self.documents.lead(self.leadership.term)
        attachments = await self._attachments()
        await self.history.recall(self.leadership.term, [one.candidate for one in attachments])
        wishes = {one.candidate.uid: self.history.wish(one.candidate) for one in attachments if one.wins}
        self.bounds = {uid: bound for uid, bound in self.bounds.items() if uid in wishes}
        wanted = {pod.uid: wishes[one.candidate.uid] for one in attachments if one.wins for pod in one.routers}
        ready = [pod for pod in self.world.routers() if _ready(pod) and _cared_for(wanted.get(pod.uid))]
        if not self.leadership.leading:
            return
        done = await self.pusher.converge(wanted, ready, compare=compare)
        self._tell(done)
        self.aggregator.serve(self._together(attachments), filter(_ready, self.world.routers()))
        # a push may have raised revisions: what is kept must be what routers were given
        known = [document for wish in wishes.values() for document in wish.documents]
        self.documents.keep([*known, self.documents.defaults()])
        for one in attachments:
            await self._conclude(one, wishes.get(one.candidate.uid, _NOTHING), done, compare=compare)

    async def _conclude(self, one: Attachment, wish: Wish, done: Mapping[str, Acknowledged], *, compare: bool) -> None:
        """Remember what of one policy was good, and write what came of it."""
        uid, answers = one.candidate.uid, [done[pod.uid] for pod in one.routers if pod.uid in done]
        self.history.heard(uid, wish, answers)
        await self.history.save(one.candidate, wish, answers)
        good = self.history.good.get(uid)
        if compare:
            self.bounds[uid] = await self._bound_s(one, good)
        document = next(iter(wish.documents), None)
        await self._report(outcome(one, document, good, done, self.bounds.get(uid)))

    async def _attachments(self) -> list[Attachment]:
        found: dict[str, list[Candidate]] = defaultdict(list)
        for body in self.world.policies.values():
            one = candidate(body)
            if one is not None:
                found[one.key.namespace].append(one)
        routers = self.world.routers()
        return [
            attachment
            for namespace, candidates in sorted(found.items())
            for attachment in await self._attach(namespace, candidates, routers)
        ]

    async def _attach(
        self, namespace: str, candidates: Iterable[Candidate], routers: tuple[PodFacts, ...]
    ) -> tuple[Attachment, ...]:
        candidates = tuple(candidates)
        targets = list(dict.fromkeys(one.target for one in candidates if one.target))
        pods = await asyncio.gather(*(routers_of(self.objects, namespace, target, routers) for target in targets))
        return attach(candidates, dict(zip(targets, pods, strict=True)), namespace)

    async def _bound_s(self, attachment: Attachment, document: PolicyDocument | None) -> float | None:
        """Ask routers for the starvation bound where the policy's lane promises one."""
        if document is None or document.policy.lane_share_ratio == 0:
            return None
        return await self.pusher.worst_bound_s(pod for pod in attachment.routers if _ready(pod))

    @staticmethod
    def _together(attachments: Iterable[Attachment]) -> list[tuple[PodFacts, ...]]:
        """Return the Ready routers of each policy that holds."""
        return [tuple(pod for pod in one.routers if _ready(pod)) for one in attachments if one.wins]

    def _tell(self, done: Mapping[str, Acknowledged]) -> None:
        for one in done.values():
            if not one.pushed:
                continue
            self.meters.pushed(one.pushed)
            facts: dict[str, Any] = {"router": str(one.router.key), "result": one.pushed}
            if one.fault is not None:
                log.warning("Policy not pushed", extra=facts | {"error": one.fault.text})
            elif one.running is not None:
                log.info(
                    "Policy pushed", extra=facts | {"generation": one.running.generation, "hash": one.running.hash}
                )

    async def _report(self, result: PolicyOutcome) -> None:
        body = self.world.policies.get(result.key)
        if body is None:
            return
        now_s, previous = self.clock(), body.get("status") or {}
        status = policy_status(result, previous, now_s)
        if not worth_writing(previous, status):
            return
        try:
            written = await self.objects.write_status(POLICIES, body, status)
            self.world.policies.see(written)
            for event in policy_events(previous, result):
                await self.objects.event(about(POLICIES, body), event.type, event.reason, event.message)
        except (Refused, Unreachable) as error:
            log.warning("Status not written", extra={"policy": str(result.key), "error": str(error)})


def _cared_for(wish: Wish | None) -> bool:
    """Whether there is anything to ask a router for: one of a policy that never was good goes on as it is."""
    return wish is None or bool(wish.documents)


def _ready(pod: PodFacts) -> bool:
    return pod.state is PodState.READY and bool(pod.address)
