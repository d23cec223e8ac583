"""What runs inside the cluster, asked through the API server: pods and Services that cannot be reached from outside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlsplit

from penstock.api.kinds import PODS, SERVICES
from penstock.cluster.client import Kube, path_of, refusal

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A Service as a URL names it; `path` is what the URL has behind the host."""

    namespace: str
    service: str
    port: int
    scheme: str
    path: str


def place_of(url: str) -> Place | None:
    """Read `http://SERVICE.NAMESPACE.svc[.cluster.local][:PORT][/path]`; None for any other address."""
    try:
        parts = urlsplit(url)
        labels, port = (parts.hostname or "").split("."), parts.port
    except ValueError:
        return None
    if len(labels) < 3 or labels[2] != "svc" or parts.scheme not in _PORTS:
        return None
    return Place(
        namespace=labels[1],
        service=labels[0],
        port=port or _PORTS[parts.scheme],
        scheme=parts.scheme,
        path=parts.path.rstrip("/"),
    )


class Proxy:
    """GETs through the API server; both raise Unreachable (it is away) or Refused (it would not, or found nobody)."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def pod(self, namespace: str, pod: str, port: int, path: str) -> tuple[int, bytes]:
        """Return status and body of what a pod serves over plain HTTP."""
        return await self._get(f"{path_of(PODS, namespace)}/{quote(pod, safe='')}:{port}/proxy{path}", {})

    async def service(self, place: Place, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        """Return status and body of what a Service serves; a certificate behind it is not checked."""
        scheme = "https:" if place.scheme == "https" else ""
        name = f"{scheme}{quote(place.service, safe='')}:{place.port}"
        return await self._get(f"{path_of(SERVICES, place.namespace)}/{name}/proxy{place.path}{path}", query)

    async def _get(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        status, body = await self._kube.raw(path, query)
        own = _own_words(body) if status >= HTTPStatus.BAD_REQUEST else None
        if own is not None:
            raise refusal(status, own, path)
        return status, body


def _own_words(body: bytes) -> Mapping[str, object] | None:
    """Return the Status object by which the API server itself refuses; what is behind it may answer anything else."""
    try:
        decoded = json.loads(body)
    except ValueError:
        return None
    return decoded if isinstance(decoded, dict) and decoded.get("kind") == "Status" else None
