"""Runs `penstock explain` on a policy or a request: what the operator hears from routers, through the API server."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from penstock.api.kinds import POLICIES
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.doctor.examine import Asked, examine_policies
from penstock.doctor.facts import PolicyFacts
from penstock.doctor.findings import Examination
from penstock.domain.errors import NoSuchObject, NotEnoughData, Refused, Unreachable
from penstock.domain.variants import ObjectKey
from penstock.wiring.doctor import joined
from penstock.wiring.operators import operators

Rows = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class InForce:
    """A policy, what is wrong with it, and what its routers say; no rows where the operator does not answer."""

    facts: PolicyFacts
    examined: Examination
    routers: Rows | None


def policy(login: Login, key: ObjectKey, operator_namespace: str) -> InForce:
    """Return how a policy is in force.

    Raises:
        NoSuchObject: there is no such policy. Unreachable, Refused: the API server did not answer, or said no.
    """
    return asyncio.run(_policy(login, key, operator_namespace))


def request(login: Login, namespace: str, request_id: str, operator_namespace: str) -> Rows:
    """Return the rows of those routers of a namespace that know a request.

    Raises:
        NotEnoughData: none of them does.
        Unreachable, Refused: the API server or every operator did not answer, or said no.
    """
    return asyncio.run(_request(login, namespace, request_id, operator_namespace))


async def _policy(login: Login, key: ObjectKey, operator_namespace: str) -> InForce:
    async with Kube(login) as kube:
        asked = Asked(namespace=key.namespace, operator_namespace=operator_namespace, policy=key.name)
        ((facts, examined),) = await examine_policies(joined(kube), asked, time.time())
        if facts.body is None:
            raise NoSuchObject(POLICIES.name, str(key), "wp", facts.nearest)
        try:
            rows = await _rows(kube, operator_namespace, namespace=key.namespace)
        except (Unreachable, Refused):  # the examination tells of the operator what there is to tell
            rows = None
    return InForce(facts, examined, rows)


async def _request(login: Login, namespace: str, request_id: str, operator_namespace: str) -> Rows:
    async with Kube(login) as kube:
        rows = await _rows(kube, operator_namespace, namespace=namespace, request_id=request_id)
    known = tuple(row for row in rows if row.get("decisions") or "waiting" in row)
    if known:
        return known
    if not rows:
        raise NotEnoughData(f"no router runs in {namespace}", "name the namespace of the routers by -n")
    silent = [f"{row['pod']}: {row['error']}" for row in rows if row.get("error")]
    told = f"none of {len(rows)} routers in {namespace} knows request {request_id}"
    remedy = (
        "give the x-request-id of a call of late, each keeps its last 4096 decisions; before that: "
        f"kubectl -n {namespace} logs -l app.kubernetes.io/component=router -c router --tail=-1 | grep {request_id}"
    )
    raise NotEnoughData(f"{told}{''.join(f'; {one}' for one in silent)}", remedy)


async def _rows(kube: Kube, operator_namespace: str, **asked: str) -> Rows:
    """Return what the first operator that answers hears from routers."""
    answers = await (await operators(kube, operator_namespace)).ask(f"/routers?{urlencode(asked)}")
    for body in answers.bodies:
        return tuple(json.loads(body)["routers"])
    for failure in answers.failures:
        raise failure
    raise Unreachable(f"operator in {operator_namespace}", "it knows no /routers", "bring it to this version")
