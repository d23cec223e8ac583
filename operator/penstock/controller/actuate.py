"""Hands a decision over, after looking again: still leader, same object, same count as decided upon."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from penstock.api.kinds import VARIANTS
from penstock.api.names import FIELD_MANAGER
from penstock.controller.drains import Drains, Traffic
from penstock.controller.ports import Leadership, Objects, Scales
from penstock.controller.targets import Sight
from penstock.domain.decisions import Decision, Outcome, Verdict
from penstock.domain.errors import Refused, Unreachable
from penstock.domain.observations import Scale
from penstock.domain.reasons import ActiveReason
from penstock.domain.variants import Actuation, ObjectKey, Variant

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
    drains: Drains
    ended: Callable[[ObjectKey, float], None] = lambda _key, _requests: None

    async def act(self, decision: Decision, variant: Variant, sight: Sight, traffic: Traffic) -> Outcome:
        """Apply one decision and return what came of it; requests that it ended are told to `ended`.

        Raises:
            NotOurs: there is nothing to report, the next pass sees anew.
        """
        current = sight.target.current
        active, now = await self._hand_over(decision, variant, sight, traffic)
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
        self, decision: Decision, variant: Variant, sight: Sight, traffic: Traffic
    ) -> tuple[Verdict[ActiveReason], int | None]:
        """Return how it went, and the count as it is now where that was learnt."""
        if _all_stay(decision, sight):
            await self.drains.release(sight.pods, traffic.instance)
        done = _without_acting(decision, sight)
        if done is not None or decision.desired is None or sight.scale is None:
            return done or Verdict(ActiveReason.HOLDING), None
        try:
            await self._look_again(variant)
            if decision.desired > sight.scale.replicas:
                return await self._scale(decision.desired, variant, sight.scale)
            return await self._lower(decision.desired, variant, sight, sight.scale, traffic)
        except Unreachable as error:
            return Verdict(ActiveReason.HOLDING, {"error": error.cause}), None

    async def _lower(
        self, wanted: int, variant: Variant, sight: Sight, scale: Scale, traffic: Traffic
    ) -> tuple[Verdict[ActiveReason], int | None]:
        """Let replicas end their work, and lower the scale by those that have."""
        if not self.leadership.leading:
            raise NotOurs("another operator leads")
        try:
            step = await self.drains.shrink(sight, wanted, traffic)
        except Refused as error:
            return Verdict(ActiveReason.HOLDING, {"error": f"{error.status} {error.message}"}), None
        if step.lower_to is None or step.lower_to >= scale.replicas:
            return Verdict(ActiveReason.DRAINING), None
        active, now = await self._scale(step.lower_to, variant, scale)
        if now == step.lower_to:
            self.ended(variant.key, step.ended)
        draining = active.reason is ActiveReason.SCALE_APPLIED and step.lower_to > wanted
        return (Verdict(ActiveReason.DRAINING), now) if draining else (active, now)

    async def _look_again(self, variant: Variant) -> None:
        """Make sure that the object still says what was decided upon."""
        body = await self.objects.get(VARIANTS, variant.key)
        meta: Mapping[str, Any] = body["metadata"] if body else {}
        same = (meta.get("uid"), meta.get("generation")) == (variant.uid, variant.generation)
        if not same or meta.get("deletionTimestamp"):
            raise NotOurs(f"{variant.key} has gone or was edited")

    async def _scale(
        self, wanted: int, variant: Variant, decided_upon: Scale
    ) -> tuple[Verdict[ActiveReason], int | None]:
        namespace, ref = variant.key.namespace, variant.target
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


def _without_acting(decision: Decision, sight: Sight) -> Verdict[ActiveReason] | None:
    """Return how a decision ends that changes no count, None where one is to be changed."""
    if decision.active is not None:
        return decision.active
    if decision.desired is None or sight.scale is None:
        return Verdict(ActiveReason.HOLDING)
    if decision.mode is not Actuation.SCALE:
        return Verdict(_WITHOUT_WRITING[decision.mode])
    return Verdict(ActiveReason.SCALE_APPLIED) if decision.desired == sight.scale.replicas else None


def _all_stay(decision: Decision, sight: Sight) -> bool:
    """Whether no replica is to leave. While a number is only held, those that were told to go on leaving."""
    if decision.active is not None:
        return decision.active.reason is not ActiveReason.HOLDING
    if decision.desired is None or sight.scale is None:
        return False
    return decision.mode is not Actuation.SCALE or decision.desired >= sight.scale.replicas


def manager_of_replicas(body: Mapping[str, Any]) -> str:
    """Return who set `spec.replicas` last, by the object's own account, or empty; never ourselves."""
    entries = body.get("metadata", {}).get("managedFields") or ()
    setters = [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for entry in entries
        if "f:replicas" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and entry.get("manager") != FIELD_MANAGER
    ]
    return max(setters, default=("", ""))[1]
