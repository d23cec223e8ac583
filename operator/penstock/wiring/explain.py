"""Runs `penstock explain` on a variant: finds the record behind a decision in the operator, through the API server."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from penstock.api.kinds import PODS, VARIANTS
from penstock.api.names import APP, LABEL_APP, LABEL_COMPONENT
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.objects import Objects
from penstock.cluster.proxy import Proxy
from penstock.doctor.facts import PodSight
from penstock.doctor.gather import nearest, sights
from penstock.domain.errors import InvalidField, NotEnoughData, Refused, Unreachable
from penstock.domain.variants import ObjectKey
from penstock.records.record import Record, unpack

PORT: Final = 8080
_SECOND: Final = 1.0  # a status, and whoever copies from it, tells whole seconds
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Question:
    """Which variant, and of what moment (Unix time in seconds); None asks for its last change."""

    variant: ObjectKey
    at_s: float | None
    operator_namespace: str


def record_of(login: Login, question: Question) -> Record:
    """Return the record of the pass that decided what is asked about.

    Raises:
        InvalidField: there is no such variant.
        NotEnoughData: no operator keeps such a record, or nothing is decided yet.
        Unreachable, Refused: the API server or every operator did not answer, or said no.
    """
    return asyncio.run(_record_of(login, question))


async def _record_of(login: Login, question: Question) -> Record:
    async with Kube(login) as kube:
        objects = Objects(kube)
        at_s = question.at_s if question.at_s is not None else await _last_change_s(objects, question.variant)
        records = await _records(objects, Proxy(kube), question.operator_namespace)
        record = await records.find(question.variant, at_s, _SECOND)
        return record if question.at_s is not None else await records.change(question.variant, record)


async def _last_change_s(objects: Objects, variant: ObjectKey) -> float:
    body = await objects.get(VARIANTS, variant)
    if body is None:
        like = nearest(variant.name, await objects.list(VARIANTS, variant.namespace))
        remedy = f"there is {like}" if like else "name another by -n, or look: kubectl get va -A"
        raise InvalidField(f"VariantAutoscaling in {variant.namespace}", variant.name, remedy)
    stamp = ((body.get("status") or {}).get("decision") or {}).get("time")
    if not stamp:
        raise NotEnoughData(f"nothing is decided yet for {variant}", f"see what is missing: {_doctor(variant)}")
    return datetime.fromisoformat(str(stamp)).timestamp()


async def _records(objects: Objects, proxy: Proxy, namespace: str) -> "_Records":
    pods = sights(await objects.list(PODS, namespace, f"{LABEL_APP}={APP},{LABEL_COMPONENT}=operator"))
    if not pods:
        remedy = "name its namespace by --operator-namespace; penstock doctor tells what keeps it from running"
        raise Unreachable(f"operator in {namespace}", "none runs there", remedy)
    return _Records(proxy, namespace, pods)


@dataclass(frozen=True, slots=True)
class _Records:
    """What the pods of an operator keep."""

    proxy: Proxy
    namespace: str
    pods: tuple[PodSight, ...]

    async def change(self, variant: ObjectKey, record: Record) -> Record:
        """Return the pass that made the last change before a record, which tells when exactly that was."""
        changed_s = _changed_s(record, variant)
        if changed_s >= record.observation.now_s:
            return record
        earlier = await self.find(variant, changed_s)
        return earlier if _changed_s(earlier, variant) == earlier.observation.now_s else record

    async def find(self, variant: ObjectKey, at_s: float, grace_s: float = 0.0) -> Record:
        """Return the newest record not after a moment (Unix time in seconds) that knows the variant."""
        answers = await asyncio.gather(*(self._fetch(pod, at_s + grace_s) for pod in self.pods))
        records = [one for one in answers if isinstance(one, Record)]
        known = [one for one in records if one.decision(variant)]
        if known:
            return max(known, key=lambda record: record.observation.now_s)
        if records:
            latest_s = max(record.observation.now_s for record in records)
            remedy = f"ask for a time at which the operator looked after it; now: {_doctor(variant)}"
            raise NotEnoughData(f"the pass at {_clock(latest_s)} knew no variant {variant}", remedy)
        for one in answers:
            if isinstance(one, Unreachable | Refused):
                raise one
        remedy = "ask for a later time by --at; recordLimit says how much is kept, and a new pod begins without any"
        raise NotEnoughData(f"the operator keeps no record of {_clock(at_s)} or before", remedy)

    async def _fetch(self, pod: PodSight, at_s: float) -> Record | Unreachable | Refused | None:
        """Return what one pod has, None where it has nothing; one that does not answer may not hide another's."""
        try:
            status, body = await self.proxy.pod(self.namespace, pod.name, pod.port or PORT, f"/records?at={at_s:.3f}")
        except Unreachable as error:
            return error
        except Refused as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return Refused(error.peer, error.status, error.message, f"grant get on pods/proxy in {self.namespace}")
            remedy = f"see why it does not answer: kubectl -n {self.namespace} describe pod {pod.name}"
            return Unreachable(f"operator {self.namespace}/{pod.name}", error.message[:_SHOWN], remedy)
        return unpack(body, f"record of {pod.name}") if status == HTTPStatus.OK else None


def _changed_s(record: Record, variant: ObjectKey) -> float:
    decision = record.decision(variant)
    return record.observation.now_s if decision is None else decision.changed_at_s


def _doctor(variant: ObjectKey) -> str:
    return f"penstock doctor va/{variant.name} -n {variant.namespace}"


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
