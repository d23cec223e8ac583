"""Looks at the operator and what it is told, and holds what all looking needs; nothing is ever changed."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from http import HTTPStatus

from penstock.api.crd import dropped
from penstock.api.kinds import CONFIGMAPS, DEFINITIONS, LEASES, NAMESPACES, NODES, PODS, POLICIES, VARIANTS, Kind
from penstock.api.names import APP, LABEL_APP, LABEL_COMPONENT, LEASE, OPERATOR_ACCOUNT, SETTINGS_CONFIGMAP
from penstock.doctor.facts import Body, OperatorFacts, PodSight, pod_sight
from penstock.doctor.ports import Engines, Objects, Routers, Scraping, Targets
from penstock.doctor.told import configmap_keys, options, read_told, wva_home
from penstock.domain.errors import InvalidField, Refused
from penstock.domain.variants import ObjectKey
from penstock.settings.misspelt import misspelt_variables
from penstock.settings.operator import OperatorOptions
from penstock.settings.unread import OPERATOR_VARIABLES, unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the doctor looks through."""

    objects: Objects
    engines: Engines
    targets: Targets
    scraping: Scraping
    routers: Routers


async def look_at_operator(objects: Objects, namespace: str, now_s: float) -> OperatorFacts:
    """Return what there is of the operator in its namespace.

    Raises:
        Unreachable, Refused: the API server could not be asked.
    """
    kinds = (VARIANTS, POLICIES)
    served = await asyncio.gather(*map(objects.serves, kinds))
    bodies = await objects.list(PODS, namespace, f"{LABEL_APP}={APP},{LABEL_COMPONENT}=operator")
    lease = await objects.get(LEASES, ObjectKey(namespace, LEASE))
    told, fault = _usable(options(next(iter(bodies), None), namespace))
    own = await objects.get(CONFIGMAPS, ObjectKey(namespace, SETTINGS_CONFIGMAP))
    named = configmap_keys(namespace, wva_home(told, own))
    configmaps = [own, *await asyncio.gather(*(objects.get(CONFIGMAPS, key) for key in named))]
    namespaces = await allowed(objects.list(NAMESPACES))
    settings, bad, catalogue = read_told(told, filter(None, configmaps), namespaces or ())
    return OperatorFacts(
        namespace=namespace,
        now_s=now_s,
        namespace_exists=await exists(objects, namespace),
        served=frozenset(kind.name for kind, known in zip(kinds, served, strict=True) if known),
        dropped=await _dropped(objects),
        pods=sights(bodies),
        lease=None if lease is None else lease.get("spec") or {},
        settings=settings,
        fault=fault or bad,
        catalogue=catalogue,
        unread=unread(filter(None, configmaps), operator_namespace=namespace, wva_namespace=settings.wva_namespace),
        variables=misspelt_variables(told.environ, OPERATOR_VARIABLES),
        lacks_nodes=settings.limit_to_nodes and await _lacks_nodes(objects, namespace),
    )


async def _lacks_nodes(objects: Objects, namespace: str) -> bool:
    """Return whether the operator may not list nodes; where we may not ask, it is taken to be able to."""
    try:
        return not await objects.may(ObjectKey(namespace, OPERATOR_ACCOUNT), "list", NODES)
    except Refused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return False
        raise


def _usable(told: OperatorOptions) -> tuple[OperatorOptions, InvalidField | None]:
    """Return options without flags and variables where one of them cannot be used, and which."""
    try:
        told({})
    except InvalidField as error:
        return OperatorOptions(flags={}, environ={}, operator_namespace=told.operator_namespace), error
    return told, None


async def exists(objects: Objects, namespace: str) -> bool:
    """Return whether a namespace is there; where we may not ask, it is taken to be."""
    found = await allowed(_listed(objects, NAMESPACES, namespace))
    return found is None or bool(found)


async def _dropped(objects: Objects) -> frozenset[str]:
    """Return the fields of variants that the cluster's definition does not know; none where we may not look."""
    found = await allowed(_listed(objects, DEFINITIONS, str(VARIANTS)))
    return dropped(found[0]) if found else frozenset()


async def _listed(objects: Objects, kind: Kind, name: str) -> list[Body]:
    body = await objects.get(kind, ObjectKey("", name))
    return [] if body is None else [body]


async def allowed(asking: Awaitable[list[Body]]) -> tuple[Body, ...] | None:
    """Return what was asked for, or None where we have no right to it."""
    try:
        return tuple(await asking)
    except Refused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return None
        raise


def sights(bodies: Iterable[Body]) -> tuple[PodSight, ...]:
    """Return the live ones among pods."""
    return tuple(filter(None, map(pod_sight, bodies)))


def nearest(name: str, bodies: Iterable[Body]) -> str:
    """Return the name among these objects that is most like one that does not exist, or empty."""
    names = [str(body["metadata"]["name"]) for body in bodies]
    return next(iter(get_close_matches(name, names, n=1, cutoff=0.5)), "")
