"""Endpoints from the cluster: ready pods, found by an InferencePool or a selector, times the ports they serve on."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from penstock.api.drains import is_draining
from penstock.api.inferencepool import parse_pool
from penstock.api.kinds import PODS, POOLS, Kind
from penstock.api.names import ANNOTATION_ACTIVE_PORTS
from penstock.domain.errors import InvalidField
from penstock.domain.requests import Endpoint
from penstock.router.sources import Following, Publish, Scope

OLD_ACTIVE_PORTS: Final = "inference.networking.k8s.io/active-ports"
_log: Final = logging.getLogger("penstock.router.endpoints")


def of_pods(pods: Iterable[Mapping[str, Any]], ports: tuple[int, ...]) -> tuple[Endpoint, ...]:
    """Return `ip:port` of every pod that is ready and stays, in a stable order."""
    found = [
        Endpoint(address=_address(pod["status"]["podIP"], port), pod=pod["metadata"]["name"])
        for pod in pods
        if _serves(pod)
        for port in _active(pod, ports)
    ]
    return tuple(sorted(found, key=lambda endpoint: (endpoint.pod, endpoint.address)))


def _serves(pod: Mapping[str, Any]) -> bool:
    status, metadata = pod.get("status") or {}, pod["metadata"]
    conditions = status.get("conditions") or ()
    is_ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    leaves = "deletionTimestamp" in metadata or is_draining(metadata.get("annotations") or {})
    return is_ready and not leaves and bool(status.get("podIP"))


def _active(pod: Mapping[str, Any], ports: tuple[int, ...]) -> Iterator[int]:
    """Yield the ports that the pod's annotation leaves of the pool's; all of them without one."""
    named = _annotation(pod, ANNOTATION_ACTIVE_PORTS) or _annotation(pod, OLD_ACTIVE_PORTS)
    active = {part.strip() for part in named.split(",")} if named else None
    return (port for port in ports if active is None or str(port) in active)


def _annotation(pod: Mapping[str, Any], name: str) -> str:
    return str((pod["metadata"].get("annotations") or {}).get(name, ""))


def _address(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


class SelectedEndpoints:
    """Endpoints of the pods that a label selector finds."""

    def __init__(self, following: Following, namespace: str, selector: str, ports: tuple[int, ...]) -> None:
        self._following, self._namespace, self._selector, self._ports = following, namespace, selector, ports

    @property
    def scope(self) -> Scope | None:
        """The selector itself."""
        return Scope(self._namespace, self._selector)

    async def run(self, publish: Publish) -> None:
        """Publish after each change of the pods."""
        async for pods in self._following.follow(PODS, self._namespace, selector=self._selector):
            publish(of_pods(pods, self._ports))


class PoolEndpoints:
    """Endpoints of an InferencePool, whose selector and ports may change at any time."""

    def __init__(self, following: Following, namespace: str, name: str, group: str) -> None:
        self._following, self._namespace, self._name = following, namespace, name
        self._kind = Kind(group, POOLS.version, POOLS.plural, POOLS.name)
        self._selector: str | None = None

    @property
    def scope(self) -> Scope | None:
        """The pool's selector as it was read last."""
        return None if self._selector is None else Scope(self._namespace, self._selector)

    async def run(self, publish: Publish) -> None:
        """Publish after each change of the pool or its pods; without the pool, that there is no endpoint."""
        shape: _Shape | None = None
        pods: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            async for objects in self._following.follow(self._kind, self._namespace, name=self._name):
                wanted = self._shape(objects, shape)
                if wanted == shape and wanted is not None:
                    continue
                if pods is not None:
                    pods.cancel()
                    pods = None
                shape = wanted
                if shape is None:
                    publish(())
                else:
                    self._selector = shape.selector
                    pods = group.create_task(self._selected(shape).run(publish))

    def _selected(self, shape: "_Shape") -> SelectedEndpoints:
        return SelectedEndpoints(self._following, self._namespace, shape.selector, shape.ports)

    def _shape(self, objects: tuple[Mapping[str, Any], ...], last: "_Shape | None") -> "_Shape | None":
        """Return what to follow from now on; None where there is no pool."""
        name = f"{self._namespace}/{self._name}"
        if not objects:
            _log.warning("there is no such InferencePool; waiting for it", extra={"pool": name})
            return None
        try:
            pool = parse_pool(objects[0])
        except InvalidField as error:
            facts = {"pool": name, "error": str(error)}
            _log.warning("the InferencePool cannot be used; the last good one holds", extra=facts)
            return last
        return _Shape(",".join(f"{key}={value}" for key, value in pool.match_labels.items()), pool.target_ports)


class _Shape(NamedTuple):
    """What of a pool decides where its endpoints are."""

    selector: str
    ports: tuple[int, ...]
