"""The pods of an operator, asked through the API server for what they keep."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from penstock.api.kinds import PODS
from penstock.api.names import APP, LABEL_APP, LABEL_COMPONENT
from penstock.cluster.client import Kube
from penstock.cluster.objects import Objects
from penstock.cluster.proxy import Proxy
from penstock.doctor.facts import PodSight
from penstock.doctor.gather import sights
from penstock.domain.errors import Refused, Unreachable

PORT: Final = 8080
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back, and why nothing came from some of them: one that is silent may not hide what another says."""

    bodies: tuple[bytes, ...]
    failures: tuple[Unreachable | Refused, ...]


@dataclass(frozen=True, slots=True)
class Operators:
    """All pods of the operator of a namespace."""

    proxy: Proxy
    namespace: str
    pods: tuple[PodSight, ...]

    async def ask(self, path: str) -> Answers:
        """Return what each of them answers to a GET on its port of metrics; a status other than 200 is no answer."""
        answers = await asyncio.gather(*(self._ask(pod, path) for pod in self.pods))
        return Answers(
            bodies=tuple(one for one in answers if isinstance(one, bytes)),
            failures=tuple(one for one in answers if isinstance(one, Unreachable | Refused)),
        )

    async def _ask(self, pod: PodSight, path: str) -> bytes | Unreachable | Refused | None:
        try:
            status, body = await self.proxy.pod(self.namespace, pod.name, pod.port or PORT, path)
        except Unreachable as error:
            return error
        except Refused as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return Refused(error.peer, error.status, error.message, f"grant get on pods/proxy in {self.namespace}")
            remedy = f"see why it does not answer: kubectl -n {self.namespace} describe pod {pod.name}"
            return Unreachable(f"operator {self.namespace}/{pod.name}", error.message[:_SHOWN], remedy)
        return body if status == HTTPStatus.OK else None


async def operators(kube: Kube, namespace: str) -> Operators:
    """Find the operator's pods.

    Raises:
        Unreachable: none runs there, or the API server did not answer. Refused: it said no.
    """
    bodies = await Objects(kube).list(PODS, namespace, f"{LABEL_APP}={APP},{LABEL_COMPONENT}=operator")
    pods = sights(bodies)
    if not pods:
        remedy = "name its namespace by --operator-namespace; penstock doctor tells what keeps it from running"
        raise Unreachable(f"operator in {namespace}", "none runs there", remedy)
    return Operators(Proxy(kube), namespace, pods)
