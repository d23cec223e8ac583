"""Tells of outcomes: status of the object when it must be written, events, gauges and log lines, all from one value."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from penstock.api.annotated import is_declared
from penstock.api.kinds import HPAS, SCALED_OBJECTS, VARIANTS, Kind
from penstock.controller.about import about
from penstock.controller.declared import Declared
from penstock.controller.metrics import Meters
from penstock.controller.ports import Objects
from penstock.controller.world import World
from penstock.domain.decisions import Outcome
from penstock.domain.errors import InvalidField, Refused, Unreachable
from penstock.domain.observations import Target
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import ObjectKey, Variant
from penstock.status.events import EventText, events
from penstock.status.invalid import invalid_events, invalid_status
from penstock.status.logline import LogLine, variant_line
from penstock.status.summary import must_write, variant_status

log = logging.getLogger("penstock.operator")


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports one outcome at a time."""

    objects: Objects
    world: World
    meters: Meters
    declared: Declared = field(default_factory=Declared)

    async def report(self, outcome: Outcome, body: Mapping[str, Any], now_s: float) -> None:
        """Write, publish, post and log what came of one variant."""
        previous = body.get("status") or {}
        status = variant_status(outcome, previous, now_s)
        self.meters.told(outcome)
        write_line(variant_line(outcome))
        if must_write(previous, status, now_s):
            await self._write(body, status, events(previous, outcome))

    async def report_invalid(self, error: InvalidField, body: Mapping[str, Any], now_s: float) -> None:
        """Tell of an object that cannot be read; its last decision, and its gauges, stay as they are: a hold, too."""
        self.meters.held(OptimizationReason.INVALID_CONFIGURATION)
        meta, previous = body["metadata"], body.get("status") or {}
        status = invalid_status(error, int(meta.get("generation") or 0), previous, now_s)
        if status != previous:
            facts = {"namespace": meta["namespace"], "variant": meta["name"], "error": str(error)}
            log.warning("Invalid object", extra=facts)
            await self._write(body, status, invalid_events(error, previous))

    async def own(self, variant: Variant, body: Mapping[str, Any], target: Target) -> None:
        """Make the target the owner, as WVA did in the shape that names none (and only there)."""
        owners = body["metadata"].get("ownerReferences") or ()
        if not variant.legacy_shape or not target.uid or any(owner.get("uid") == target.uid for owner in owners):
            return
        owner = {
            "apiVersion": target.ref.api_version,
            "kind": target.ref.kind,
            "name": target.ref.name,
            "uid": target.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }
        try:
            await self.objects.own(variant.key, variant.uid, owner)
        except (Refused, Unreachable) as error:
            log.warning("Owner not set", extra={"variant": str(variant.key), "error": str(error)})

    async def _write(self, body: Mapping[str, Any], status: Mapping[str, Any], news: Iterable[EventText]) -> None:
        """Write a status and post the events of what changed; an API server that is away costs only this."""
        meta = body["metadata"]
        key, uid = ObjectKey(meta["namespace"], meta["name"]), str(meta["uid"])
        try:
            if is_declared(body):
                self.declared.note(body, status)
            else:
                self.world.variants.see(await self.objects.write_status(VARIANTS, body, status))
            for event in news:
                await self.objects.event(about(_kind(body), body), event.type, event.reason, event.message)
        except (Refused, Unreachable) as error:
            if isinstance(error, Refused) and error.status == HTTPStatus.NOT_FOUND:
                self.world.variants.drop(key, uid)
            log.warning("Status not written", extra={"variant": str(key), "error": str(error)})


def _kind(body: Mapping[str, Any]) -> Kind:
    return next((kind for kind in (HPAS, SCALED_OBJECTS) if kind.name == body.get("kind")), VARIANTS)


def write_line(line: LogLine | None) -> None:
    """Write a line of `status.logline` to the log."""
    if line is not None:
        log.log(logging.getLevelNamesMapping()[line.level], line.message, extra=dict(line.fields))
