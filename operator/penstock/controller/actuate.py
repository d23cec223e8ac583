"""Hands a decision over, after looking again: still leader, same object, same count as decided upon."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import VARIANTS
from penstock.api.names import FIELD_MANAGER
from penstock.controller.ports import Leadership, Objects, Scales
from penstock.controller.targets import Sight
from penstock.domain.decisions import Decision, Outcome, Verdict
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.observations import Scale
from penstock.domain.reasons import ActiveReason
from penstock.domain.variants import Actuation, Variant

_MOVED: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})
_WITHOUT_WRITING: Final = {
    Actuation.METRICS: ActiveReason.GAUGE_PUBLISHED,
    Actuation.RECOMMEND: ActiveReason.RECOMMENDING,
}


class NotOurs(Exception):
    """The object has gone, was edited, or another operator leads: nothing may be said or done about it now."""


@dataclass(frozen=True, slots=True)
class Actuator:
    """Acts on decisions one by one."""

    scales: Scales
    objects: Objects
    leadership: Leadership

    async def act(self, decision: Decision, variant: Variant, sight: Sight) -> Outcome:
        """Apply one decision and return what came of it.

        Raises:
            NotOurs: there is nothing to report, the next pass sees anew.
        """
        current = sight.target.current
        active, now = await self._hand_over(decision, variant, sight)
        return Outcome(
            decision=decision,
            active=active,
            current=current if now is None else now,
            ready=sight.target.ready,
            starting=sight.target.starting,
            stuck=sight.target.stuck,
            draining=sight.target.draining,
        )

    async def _hand_over(
        self, decision: Decision, variant: Variant, sight: Sight
    ) -> tuple[Verdict[ActiveReason], int | None]:
        """Return how it went, and the count as it is now where that was learnt."""
        if decision.active is not None:
            return decision.active, None
        if decision.desired is None or sight.scale is None:
            return Verdict(ActiveReason.HOLDING), None
        if decision.mode is not Actuation.SCALE:
            return Verdict(_WITHOUT_WRITING[decision.mode]), None
        if decision.desired == sight.scale.replicas:
            return Verdict(ActiveReason.SCALE_APPLIED), None
        try:
            await self._look_again(variant)
            return await self._scale(decision, variant, sight.scale)
        except Unreachable as error:
            return Verdict(ActiveReason.HOLDING, {"error": error.cause}), None

    async def _look_again(self, variant: Variant) -> None:
        """Make sure that the object still says what was decided upon."""
        body = await self.objects.get(VARIANTS, variant.key)
        meta: Mapping[str, Any] = body["metadata"] if body else {}
        same = (meta.get("uid"), meta.get("generation")) == (variant.uid, variant.generation)
        if not same or meta.get("deletionTimestamp"):
            raise NotOurs(f"{variant.key} has gone or was edited")

    async def _scale(
        self, decision: Decision, variant: Variant, decided_upon: Scale
    ) -> tuple[Verdict[ActiveReason], int | None]:
        namespace, ref, wanted = variant.key.namespace, variant.target, decision.desired
        assert wanted is not None  # noqa: S101 - checked by the caller, for the type checker
        try:
            seen = await self.scales.read(namespace, ref)
            if (seen.uid, seen.replicas) != (decided_upon.uid, decided_upon.replicas):
                return await self._changed(variant), seen.replicas
            if not self.leadership.leading:
                raise NotOurs("another operator leads")
            await self.scales.change(namespace, ref, seen=seen.replicas, version=seen.resource_version, wanted=wanted)
        except Refused as error:
            return await self._refused(error, variant), None
        return Verdict(ActiveReason.SCALE_APPLIED), wanted

    async def _refused(self, error: Refused, variant: Variant) -> Verdict[ActiveReason]:
        if error.status == HTTPStatus.FORBIDDEN:
            return Verdict(ActiveReason.SCALE_FORBIDDEN, {"resource": f"{variant.target.kind.lower()}s"})
        if error.status in _MOVED:
            return await self._changed(variant)
        return Verdict(ActiveReason.HOLDING, {"error": f"{error.status} {error.message}"})

    async def _changed(self, variant: Variant) -> Verdict[ActiveReason]:
        try:
            body = await self.scales.body(variant.key.namespace, variant.target)
        except (Refused, Unreachable):
            body = {}
        return Verdict(ActiveReason.SCALE_CHANGED, {"manager": manager_of_replicas(body) or "Somebody else"})


def manager_of_replicas(body: Mapping[str, Any]) -> str:
    """Return who set `spec.replicas` last, by the object's own account, or empty; never ourselves."""
    entries = body.get("metadata", {}).get("managedFields") or ()
    setters = [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for entry in entries
        if "f:replicas" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and entry.get("manager") != FIELD_MANAGER
    ]
    return max(setters, default=("", ""))[1]
