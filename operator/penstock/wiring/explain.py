"""Runs `penstock explain` on a variant: finds the record behind a decision in the operator, through the API server."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from penstock.api.kinds import VARIANTS
from penstock.cluster.client import Kube
from penstock.cluster.connection import Login
from penstock.cluster.objects import Objects
from penstock.doctor.gather import nearest
from penstock.domain.errors import NoSuchObject, NotEnoughData
from penstock.domain.variants import ObjectKey
from penstock.records import changes
from penstock.records.record import Record, unpack
from penstock.wiring.operators import Operators, operators

_SECOND: Final = 1.0  # a status, and whoever copies from it, tells whole seconds
_LATEST_S: Final = 1e11  # as far ahead as an operator looks for its newest record


@dataclass(frozen=True, slots=True)
class Question:
    """Which variant, and of what moment (Unix time in seconds); None asks for its last change."""

    variant: ObjectKey
    at_s: float | None
    operator_namespace: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The record of the pass that decided what is asked about, and the object as it is now, where that is asked."""

    record: Record
    body: Mapping[str, Any] | None = None


def answer(login: Login, question: Question) -> Answer:
    """Return the record of the pass that decided what is asked about.

    Raises:
        NoSuchObject: there is no such variant.
        NotEnoughData: no operator keeps such a record, or nothing is decided yet.
        Unreachable, Refused: the API server or every operator did not answer, or said no.
    """
    return asyncio.run(_answer(login, question))


async def _answer(login: Login, question: Question) -> Answer:
    variant = question.variant
    async with Kube(login) as kube:
        if question.at_s is not None:
            asked = await operators(kube, question.operator_namespace)
            return Answer(await _find(asked, variant, question.at_s, _SECOND))
        body = await _object(Objects(kube), variant)
        asked = await operators(kube, question.operator_namespace)
        return Answer(await _of_last_change(asked, variant, _last_change_s(body, variant)), body)


async def _of_last_change(asked: Operators, variant: ObjectKey, changed_s: float) -> Record:
    """Return the record of the last change; of an operator that was started since, its newest one."""
    try:
        record = await _find(asked, variant, changed_s, _SECOND)
    except NotEnoughData:
        newest = await _known(asked, variant, _LATEST_S)
        if newest is None:
            raise
        return newest
    sought_s = changes.sought_s(record, variant)
    return record if sought_s is None else changes.teller(record, await _known(asked, variant, sought_s), variant)


async def _object(objects: Objects, variant: ObjectKey) -> Mapping[str, Any]:
    body = await objects.get(VARIANTS, variant)
    if body is None:
        like = nearest(variant.name, await objects.list(VARIANTS, variant.namespace))
        raise NoSuchObject(VARIANTS.name, str(variant), "va", like)
    return body


def _last_change_s(body: Mapping[str, Any], variant: ObjectKey) -> float:
    stamp = ((body.get("status") or {}).get("decision") or {}).get("time")
    if not stamp:
        raise NotEnoughData(f"nothing is decided yet for {variant}", f"see what is missing: {_doctor(variant)}")
    return datetime.fromisoformat(str(stamp)).timestamp()


async def _known(asked: Operators, variant: ObjectKey, at_s: float) -> Record | None:
    try:
        return await _find(asked, variant, at_s)
    except NotEnoughData:  # it has given way to newer ones
        return None


async def _find(asked: Operators, variant: ObjectKey, at_s: float, grace_s: float = 0.0) -> Record:
    """Return the newest record not after a moment (Unix time in seconds) that knows the variant."""
    answers = await asked.ask(f"/records?at={at_s + grace_s:.3f}")
    records = [unpack(body) for body in answers.bodies]
    known = [one for one in records if one.decision(variant)]
    if known:
        return max(known, key=lambda record: record.observation.now_s)
    if records:
        latest_s = max(record.observation.now_s for record in records)
        remedy = f"ask for a time at which the operator looked after it; now: {_doctor(variant)}"
        raise NotEnoughData(f"the pass at {_clock(latest_s)} knew no variant {variant}", remedy)
    for failure in answers.failures:
        raise failure
    remedy = "ask for a later time by --at; recordLimit says how much is kept, and a new pod begins without any"
    raise NotEnoughData(f"the operator keeps no record of {_clock(at_s)} or before", remedy)


def _doctor(variant: ObjectKey) -> str:
    return f"penstock doctor va/{variant.name} -n {variant.namespace}"


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
