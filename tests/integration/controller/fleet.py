"""Real routers behind pods of a test's cluster, with TLS, and tokens that the API server reviews."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.integration.controller.cluster import Cluster
from tests.integration.router.routers import ENDPOINT, Fixed, NoLoads, settings
from tests.ports import free_ports

from penstock import logs
from penstock.api.kinds import POLICIES, POOLS, SERVICES
from penstock.api.names import AUDIENCE_PREFIX
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.reviews import Reviews
from penstock.controller.pods import pod_facts
from penstock.controller.routers import RouterAdmin
from penstock.domain.policies import PolicyDocument
from penstock.router.journal import Journal
from penstock.router.process import Adapters, Router
from penstock.settings.router import Ports

LABELS = {"app.kubernetes.io/name": "penstock", "app.kubernetes.io/component": "router"}
POOL = {"group": POOLS.group, "kind": POOLS.name, "name": "chat"}
SERVICE = {"group": "", "kind": SERVICES.name, "name": "router"}


@dataclass(slots=True)
class Fleet:
    """Routers by pod name, a Service before them, and an InferencePool that names it as its picker."""

    cluster: Cluster
    kube: Kube
    home: Path
    stack: contextlib.AsyncExitStack
    routers: dict[str, Router] = field(default_factory=dict)

    def announce(self) -> None:
        meta = {"namespace": self.cluster.work}
        port = {"port": 9002, "protocol": "TCP"}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": meta | {"name": "router"}}
        self.cluster.apply(service | {"spec": {"selector": LABELS, "ports": [port]}})
        pool = {"apiVersion": POOLS.api_version, "kind": POOLS.name, "metadata": meta | {"name": "chat"}}
        picker = {"name": "router", "port": {"number": 9002}}
        spec = {"selector": {"matchLabels": {"app": "chat"}}, "targetPorts": [{"number": 8000}]}
        self.cluster.apply(pool | {"spec": spec | {"endpointPickerRef": picker}})

    async def add(self, pod: str, *, home: str = "", uid: str = "", source: Fixed | None = None) -> Router:
        """Create a pod with a router behind it; another `uid` makes it expect another pod's tokens."""
        port, own = self.place(pod)
        made = settings(
            self.home / (home or pod),
            local=False,
            operator_namespace=self.cluster.home,
            pod_name=pod,
            pod_uid=uid or own,
        )
        journal = Journal(logs.text_line, logging.WARNING, _nowhere, time.time)
        adapters = Adapters(
            endpoints=source or Fixed(ENDPOINT), loads=NoLoads(), reviewer=Reviews(self.kube), journal=journal
        )
        router = Router(replace(made, ports=Ports(grpc=0, health=0, metrics=0, admin=port)), adapters)
        self.stack.push_async_callback(router.close)
        await router.start()
        self.routers[pod] = router
        self.cluster.ready(pod)
        return router

    def place(self, pod: str, *, ready: bool = False) -> tuple[int, str]:
        """Create a pod whose admin port nobody serves yet; return the port and the pod's uid."""
        (port,) = free_ports(1)
        ports = [{"name": "admin", "containerPort": port}]
        return port, self.cluster.pod(pod, LABELS, ports=ports, ready=ready)

    def document(self, pod: str) -> PolicyDocument:
        """Return what a router runs."""
        return self.routers[pod].state.now.document

    def policy(self, name: str = "chat", target: dict[str, str] = POOL, **spec: Any) -> None:
        meta = {"name": name, "namespace": self.cluster.work}
        kind = {"apiVersion": POLICIES.api_version, "kind": POLICIES.name}
        self.cluster.apply({**kind, "metadata": meta, "spec": {"targetRef": target} | spec})

    def reason(self, name: str = "chat", kind: str = "Programmed") -> str:
        """Return the reason of one condition of a policy, empty before there is any."""
        rows = self.cluster.policy(name).get("status", {}).get("conditions", [])
        return next((str(row["reason"]) for row in rows if row["type"] == kind), "")

    def revision_bodies(self) -> list[dict[str, Any]]:
        """Return the ControllerRevisions of the namespace, the oldest first."""
        found = self.cluster.api.must("GET", f"/apis/apps/v1/namespaces/{self.cluster.work}/controllerrevisions")
        return sorted(found["items"], key=lambda body: int(body["revision"]))

    def revisions(self) -> list[int]:
        """Return the generations that are kept, the oldest first."""
        return [int(body["revision"]) for body in self.revision_bodies()]

    async def put_by_hand(self, pod: str, document: PolicyDocument) -> None:
        """Push a document as somebody who has stolen the operator's rights would."""
        path = f"/api/v1/namespaces/{self.cluster.work}/pods/{pod}"
        facts = pod_facts(self.cluster.api.must("GET", path))
        assert facts is not None
        admin = RouterAdmin(_Tokens(self.cluster))
        try:
            await admin.put(facts, document)
        finally:
            await admin.close()


@dataclass(frozen=True, slots=True)
class _Tokens:
    cluster: Cluster

    async def token(self, audience: str) -> str:
        assert audience.startswith(AUDIENCE_PREFIX)
        return self.cluster.api.service_account_token(self.cluster.home, "penstock-operator", audience)

    def forget(self, audience: str) -> None:
        raise AssertionError(audience)


def _nowhere(text: str) -> None:
    del text


@contextlib.asynccontextmanager
async def fleet(cluster: Cluster, home: Path) -> AsyncIterator[Fleet]:
    async with contextlib.AsyncExitStack() as stack:
        kube = await stack.enter_async_context(Kube(Login(kubeconfig=str(cluster.api.kubeconfig))))
        made = Fleet(cluster, kube, home, stack)
        made.announce()
        yield made
