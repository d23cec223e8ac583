"""The admin API: policies come in, acknowledgements and the router's state go out."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from penstock.api.document import decode
from penstock.domain.policies import PolicyDocument
from penstock.router import admin_views as views
from penstock.router.admin_aggregate import sums
from penstock.router.admin_auth import Guard, guarded
from penstock.router.admin_errors import AdminError, acknowledgement, errors
from penstock.router.admin_pages import page
from penstock.router.admin_watch import WatchHub
from penstock.router.gate import FlowGate
from penstock.router.sources import Scope
from penstock.router.state import InForce, PolicyState

MOST_BYTES: Final = 1 << 20
STARVED_EVERY_S: Final = 1.0
_log: Final = logging.getLogger("penstock.router.admin")
Save = Callable[[PolicyDocument], None]


class Admin:
    """The calls and what they work on.

    `pod` names this router, `save` stores a policy on disk (a thread calls it), `scope` tells whom the router serves.
    """

    def __init__(
        self, gate: FlowGate, state: PolicyState, save: Save, pod: str, scope: Callable[[], Scope | None]
    ) -> None:
        self.scope = scope
        self._gate, self._state, self._save, self._pod = gate, state, save, pod
        self._saving = asyncio.Lock()
        self.hub = WatchHub(self._events)
        self.draining = False
        self._told_s = -STARVED_EVERY_S
        gate.on_starved = self._tell_starved
        state.watchers.append(lambda in_force: self.hub.publish(views.policy_event(in_force)))

    def app(self, guard: Guard | None) -> web.Application:
        """Return the application; without a guard everybody who reaches it may use it."""
        middlewares = [errors, *([guarded(guard)] if guard else [])]
        app = web.Application(middlewares=middlewares, client_max_size=MOST_BYTES)
        app.add_routes(
            [
                web.get("/v1/policy", self._get_policy),
                web.put("/v1/policy", self._put_policy),
                web.get("/v1/watch", self.hub.stream),
                web.put("/v1/aggregate", self._put_aggregate),
                web.get("/v1/state", self._get_state),
                web.get("/v1/workloads", self._get_workloads),
                web.get("/debug/queue", self._get_queue),
                web.get("/debug/decisions", self._get_decisions),
            ]
        )
        return app

    async def _get_policy(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(views.policy(self._state.now))

    async def _put_policy(self, request: web.Request) -> web.Response:
        if self.draining:
            raise AdminError(503, "Draining", "the router is stopping", "push to the pod that follows it")
        in_force = self._state.offer(decode(await request.read()))
        await self._keep(in_force)
        return web.json_response(acknowledgement(in_force))

    async def _put_aggregate(self, request: web.Request) -> web.Response:
        self._gate.scheduler.hear(sums(await request.read(), self._now_s()))
        return web.Response(status=204)

    async def _keep(self, in_force: InForce) -> None:
        """Store the policy; a disk that fails costs the memory of it, never the policy."""
        async with self._saving:
            if in_force is not self._state.now:
                return  # a later call has a newer one to store
            try:
                await asyncio.to_thread(self._save, in_force.document)
            except OSError as error:
                _log.warning("policy could not be stored", extra={"error": str(error)})

    async def _get_state(self, request: web.Request) -> web.Response:
        now_s = self._now_s()
        view = self._gate.scheduler.view(now_s)
        rows = (views.endpoint(one, self._gate.gauges.get(one.address)) for one in view.endpoints)
        return web.json_response(
            {
                "pod": self._pod,
                "policy": views.policy_event(self._state.now),
                "draining": self.draining,
                "queue": {"requests": view.queue_size, "bytes": view.queue_bytes},
                "inFlight": view.in_flight,
                "credit": view.credit,
                "dispatchRate": view.dispatch_per_s,
                **({} if view.arrivals_per_s is None else {"arrivals": view.arrivals_per_s}),
                **({} if view.starvation_bound_s is None else {"starvationBound": view.starvation_bound_s}),
                **page(request, rows),
            }
        )

    async def _get_workloads(self, request: web.Request) -> web.Response:
        rows = self._gate.scheduler.workloads(self._now_s())
        return web.json_response(page(request, map(views.workload, rows)))

    async def _get_queue(self, request: web.Request) -> web.Response:
        rows = self._gate.scheduler.queued(self._now_s())
        return web.json_response(page(request, map(views.queued, rows)))

    async def _get_decisions(self, request: web.Request) -> web.Response:
        request_id = request.query.get("request_id", "")
        body = page(request, views.decisions(reversed(self._gate.decisions), request_id))
        if request_id and not body["items"]:
            raise AdminError(404, "NotFound", f"no decision about {request_id!r} is kept", "ask another router pod",
                             field="request_id", value=request_id)  # fmt: skip
        return web.json_response(body)

    def _events(self) -> list[dict[str, Any]]:
        """Return how things stand, for the operator's stream."""
        rows = [views.workload(row) for row in self._gate.scheduler.workloads(self._now_s())]
        workloads = {"type": "workloads", "time": time.time(), "workloads": rows}
        return [views.policy_event(self._state.now), workloads, self._queued()]

    def _tell_starved(self) -> None:
        """Tell at once that a model has to be woken; what comes in the same second is told with the next beat."""
        now_s = self._now_s()
        if now_s - self._told_s >= STARVED_EVERY_S:
            self._told_s = now_s
            self.hub.publish(self._queued())

    def _queued(self) -> dict[str, Any]:
        """Return what comes in and waits; without endpoints the model has to be woken."""
        view = self._gate.scheduler.view(self._now_s())
        return views.queued_event(view, len(self._gate.addresses), self.scope())

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
