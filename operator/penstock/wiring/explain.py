"""Runs `penstock explain`: finds the record behind a decision in the operator, through the API server."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import PODS, VARIANTS
from penstock.api.names import APP, LABEL_APP, LABEL_COMPONENT
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.objects import Objects
from penstock.cluster.proxy import Proxy
from penstock.domain.errors import NotEnoughData, Refused, Unreachable
from penstock.domain.variants import ObjectKey
from penstock.records.record import Record, unpack

PORT: Final = 8080
_SECOND: Final = 1.0  # a status tells whole seconds


@dataclass(frozen=True, slots=True)
class Question:
    """Which variant, and of what moment (Unix time in seconds); None asks for its last change."""

    variant: ObjectKey
    at_s: float | None
    operator_namespace: str


def record_of(login: Login, question: Question) -> Record:
    """Return the record of the pass that decided what is asked about.

    Raises:
        NotEnoughData: no operator keeps such a record, or nothing is decided yet.
        Unreachable, Refused: the API server did not answer, or said no.
    """
    return asyncio.run(_record_of(login, question))


async def _record_of(login: Login, question: Question) -> Record:
    async with Kube(login) as kube:
        objects, proxy = Objects(kube), Proxy(kube)
        at_s = question.at_s if question.at_s is not None else await _last_change_s(objects, question.variant)
        pods = await objects.list(PODS, question.operator_namespace, f"{LABEL_APP}={APP},{LABEL_COMPONENT}=operator")
        found = [await _fetch(proxy, pod, at_s + _SECOND) for pod in pods]
    records = [record for record in found if record is not None and record.decision(question.variant)]
    if not records:
        raise NotEnoughData(f"no operator in {question.operator_namespace} has a record of {question.variant} then")
    return max(records, key=lambda record: record.observation.now_s)


async def _last_change_s(objects: Objects, variant: ObjectKey) -> float:
    body = await objects.get(VARIANTS, variant)
    if body is None:
        raise Refused(
            "Kubernetes API", HTTPStatus.NOT_FOUND, f"no VariantAutoscaling {variant}", "name one that is there"
        )
    stamp = ((body.get("status") or {}).get("decision") or {}).get("time")
    if not stamp:
        raise NotEnoughData(f"nothing is decided yet for {variant}")
    return datetime.fromisoformat(str(stamp)).timestamp()


async def _fetch(proxy: Proxy, pod: Mapping[str, Any], at_s: float) -> Record | None:
    """Return what one operator has; one that does not answer has nothing, since another may."""
    meta = pod["metadata"]
    try:
        status, body = await proxy.pod(meta["namespace"], meta["name"], PORT, f"/records?at={at_s:.3f}")
    except (Unreachable, Refused):
        return None
    return unpack(body, f"record of {meta['name']}") if status == HTTPStatus.OK else None
