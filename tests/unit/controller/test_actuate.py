"""Acting on a decision: what was decided upon is looked at again, and every refusal has its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.controller.bodies import meta
from tests.unit.controller.test_targets import REF, VARIANT

from penstock.api.kinds import Kind
from penstock.controller.actuate import Actuator, NotOurs, manager_of_replicas
from penstock.controller.targets import Sight
from penstock.domain.decisions import Allocation, Decision, Verdict
from penstock.domain.errors import PenstockError, Refused, Unreachable
from penstock.domain.observations import Scale, Target
from penstock.domain.reasons import (
    ActiveReason,
    DecisionReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    TargetReason,
)
from penstock.domain.variants import Actuation, ObjectKey, Slo, SloSource, TargetRef

DECISION = Decision(
    key=VARIANT.key,
    model="m",
    generation=1,
    target_ref=REF,
    mode=Actuation.SCALE,
    desired=3,
    previous=2,
    computed=True,
    reason=DecisionReason.DEMAND_UP,
    summary="2 -> 3",
    record_id="r",
    changed_at_s=0.0,
    decided_at_s=0.0,
    target=Verdict(TargetReason.FOUND),
    metrics=Verdict(MetricsReason.FOUND),
    optimization=Verdict(OptimizationReason.SUCCEEDED),
    limited=Verdict(LimitReason.WITHIN),
    active=None,
    alloc=Allocation(),
    slo=Slo(ttft_s=2.0, tpot_s=0.1, attainment_ratio=0.995, source=SloSource.DEFAULT),
    min_replicas=1,
    max_replicas=None,
)
SCALE = Scale(2, "app=chat", "d1", "7")
SIGHT = Sight(Target(ref=REF, state=TargetReason.FOUND, facts={}, current=2, ready=2), SCALE)


@dataclass(slots=True)
class World:
    """The API server and leadership, all in one: as a test says."""

    now: Scale = SCALE
    body_now: Mapping[str, Any] | None = field(
        default_factory=lambda: {"metadata": meta("chat", uid="va", generation=1)}
    )
    leading: bool = True
    term: int = 1
    error: PenstockError | None = None
    changed: list[tuple[int, int]] = field(default_factory=list)

    async def get(self, kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
        assert (kind.name, key) == ("VariantAutoscaling", VARIANT.key)
        return self.body_now

    async def read(self, namespace: str, ref: TargetRef) -> Scale:
        assert (namespace, ref) == ("llm", REF)
        return self.now

    async def change(self, namespace: str, ref: TargetRef, *, seen: int, version: str, wanted: int) -> None:
        assert (namespace, ref, version) == ("llm", REF, self.now.resource_version)
        if self.error is not None:
            raise self.error
        self.changed.append((seen, wanted))

    async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
        del namespace, ref
        raise Unreachable("api", "timeout", "")

    def actuator(self) -> Actuator:
        return Actuator(self, self, self)  # type: ignore[arg-type] - it has what acting needs


async def test_decision_is_applied_from_the_count_that_was_seen() -> None:
    world = World()

    outcome = await world.actuator().act(DECISION, VARIANT, SIGHT)

    assert world.changed == [(2, 3)]
    assert (outcome.active.reason, outcome.current) == (ActiveReason.SCALE_APPLIED, 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"desired": 2}, ActiveReason.SCALE_APPLIED, id="it is so already"),
        pytest.param({"mode": Actuation.METRICS}, ActiveReason.GAUGE_PUBLISHED, id="others read our gauges"),
        pytest.param({"mode": Actuation.RECOMMEND}, ActiveReason.RECOMMENDING, id="only a recommendation"),
        pytest.param({"desired": None}, ActiveReason.HOLDING, id="no decision yet"),
        pytest.param({"active": Verdict(ActiveReason.PAUSED)}, ActiveReason.PAUSED, id="paused"),
    ],
)
async def test_nothing_is_written(change: dict[str, Any], reason: ActiveReason) -> None:
    world = World()

    outcome = await world.actuator().act(replace(DECISION, **change), VARIANT, SIGHT)

    assert world.changed == []
    assert (outcome.active.reason, outcome.current) == (reason, 2)


async def test_unread_target_is_left_alone() -> None:
    outcome = await World().actuator().act(DECISION, VARIANT, replace(SIGHT, scale=None))

    assert outcome.active.reason is ActiveReason.HOLDING


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World(body_now=None), id="the object has gone"),
        pytest.param(World(body_now={"metadata": meta("chat", uid="va", generation=2)}), id="it was edited"),
        pytest.param(World(body_now={"metadata": meta("chat", uid="new", generation=1)}), id="it was made anew"),
        pytest.param(
            World(body_now={"metadata": meta("chat", uid="va", generation=1, deletionTimestamp="t")}), id="it is going"
        ),
        pytest.param(World(leading=False), id="another operator leads"),
    ],
)
async def test_what_is_not_ours_any_more_is_not_touched(world: World) -> None:
    with pytest.raises(NotOurs):
        await world.actuator().act(DECISION, VARIANT, SIGHT)

    assert world.changed == []


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        pytest.param(World(now=Scale(5, "app=chat", "d1", "8")), ActiveReason.SCALE_CHANGED, id="moved before"),
        pytest.param(World(now=Scale(2, "app=chat", "d2", "8")), ActiveReason.SCALE_CHANGED, id="another object"),
        pytest.param(World(error=Refused("api", 422, "", "")), ActiveReason.SCALE_CHANGED, id="moved right now"),
        pytest.param(World(error=Refused("api", 409, "", "")), ActiveReason.SCALE_CHANGED, id="conflict"),
        pytest.param(World(error=Refused("api", 403, "", "")), ActiveReason.SCALE_FORBIDDEN, id="no right"),
        pytest.param(World(error=Refused("api", 500, "", "")), ActiveReason.HOLDING, id="server error"),
        pytest.param(World(error=Unreachable("api", "timeout", "")), ActiveReason.HOLDING, id="outage"),
    ],
)
async def test_refusals(world: World, reason: ActiveReason) -> None:
    outcome = await world.actuator().act(DECISION, VARIANT, SIGHT)

    assert outcome.active.reason is reason
    assert world.changed == []


def test_manager_is_who_set_replicas_last_but_never_we() -> None:
    replicas = {"f:spec": {"f:replicas": {}}}
    entries = [
        {"manager": "kubectl", "time": "2026-11-20T09:00:00Z", "fieldsV1": replicas},
        {"manager": "argocd", "time": "2026-11-20T10:00:00Z", "fieldsV1": replicas},
        {"manager": "penstock", "time": "2026-11-20T11:00:00Z", "fieldsV1": replicas},
        {"manager": "kubelet", "time": "2026-11-20T12:00:00Z", "fieldsV1": {"f:status": {}}},
    ]

    assert manager_of_replicas({"metadata": {"managedFields": entries}}) == "argocd"
    assert manager_of_replicas({}) == ""
