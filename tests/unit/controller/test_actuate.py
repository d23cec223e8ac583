"""Acting on a decision: what was decided upon is looked at again, and every refusal has its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.controller.bodies import meta, pod
from tests.unit.controller.test_targets import REF, VARIANT

from penstock.api.kinds import Kind
from penstock.controller.actuate import Actuator, NotOurs, manager_of_replicas
from penstock.controller.drains import Drains, Traffic, loads, strays
from penstock.controller.pods import PodFacts, pod_facts
from penstock.controller.shrink import LEAVES, Load
from penstock.controller.targets import Sight
from penstock.domain.decisions import Allocation, Decision, Verdict
from penstock.domain.errors import PenstockError, Refused, Unreachable
from penstock.domain.observations import PodMetrics, Scale, Scrape, Target
from penstock.domain.readings import Known, Reading, Stale
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
TRAFFIC = Traffic(now_s=1000.0)
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
    pods_error: PenstockError | None = None
    annotated: dict[str, dict[str, str | None]] = field(default_factory=dict)
    ended: float = 0.0

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

    async def annotate(self, pod: ObjectKey, uid: str, annotations: Mapping[str, str | None]) -> None:
        assert uid == pod.name
        if self.pods_error is not None:
            raise self.pods_error
        self.annotated[pod.name] = dict(annotations)

    def note(self, key: ObjectKey, requests: float) -> None:
        assert key == VARIANT.key
        self.ended += requests

    async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
        del namespace, ref
        raise Unreachable("api", "timeout", "")

    def actuator(self) -> Actuator:
        return Actuator(self, self, self, Drains(self), self.note)  # type: ignore[arg-type] - it has what acting needs


async def test_decision_is_applied_from_the_count_that_was_seen() -> None:
    world = World()

    outcome = await world.actuator().act(DECISION, VARIANT, SIGHT, TRAFFIC)

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

    outcome = await world.actuator().act(DECISION._replace(**change), VARIANT, SIGHT, TRAFFIC)

    assert world.changed == []
    assert (outcome.active.reason, outcome.current) == (reason, 2)


async def test_unread_target_is_left_alone() -> None:
    outcome = await World().actuator().act(DECISION, VARIANT, replace(SIGHT, scale=None), TRAFFIC)

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
        await world.actuator().act(DECISION, VARIANT, SIGHT, TRAFFIC)

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
    outcome = await world.actuator().act(DECISION, VARIANT, SIGHT, TRAFFIC)

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


def draining(*names: str) -> tuple[PodFacts, ...]:
    """Return pods of which those that are named have been told to leave a minute ago."""
    mark = {"penstock.dev/draining": "1970-01-01T00:15:40Z", "controller.kubernetes.io/pod-deletion-cost": LEAVES}
    bodies = (pod(name, annotations=mark if name in names else {}) for name in ("a", "b"))
    return tuple(one for body in bodies if (one := pod_facts(body)) is not None)


SERVED = Traffic(now_s=1000.0, served=lambda _: True)
IDLE = replace(SERVED, loads={ObjectKey("llm", "a"): Load(0.0, 990.0)})
DOWN = DECISION._replace(desired=1)


async def test_nothing_is_lowered_before_those_that_leave_have_ended_their_work() -> None:
    first, second, third = World(), World(), World()

    told = await first.actuator().act(DOWN, VARIANT, replace(SIGHT, pods=draining()), SERVED)
    waiting = await second.actuator().act(DOWN, VARIANT, replace(SIGHT, pods=draining("a")), SERVED)
    done = await third.actuator().act(DOWN, VARIANT, replace(SIGHT, pods=draining("a")), IDLE)

    assert (told.active.reason, told.current, set(first.annotated)) == (ActiveReason.DRAINING, 2, {"a"})
    assert (waiting.active.reason, second.changed) == (ActiveReason.DRAINING, [])
    assert (done.active.reason, done.current, third.changed) == (ActiveReason.SCALE_APPLIED, 1, [(2, 1)])


async def test_what_ended_with_a_replica_is_counted() -> None:
    world = World()
    traffic = replace(IDLE, now_s=9000.0, loads={ObjectKey("llm", "a"): Load(3.0, 8990.0)})

    await world.actuator().act(DOWN, VARIANT, replace(SIGHT, pods=draining("a")), traffic)

    assert (world.changed, world.ended) == ([(2, 1)], 3.0)


@pytest.mark.parametrize(
    ("change", "freed"),
    [
        pytest.param({"desired": 2}, {"a"}, id="it may stay after all"),
        pytest.param({"desired": 3}, {"a"}, id="and more are needed"),
        pytest.param({"mode": Actuation.METRICS}, {"a"}, id="others decide now"),
        pytest.param({"active": Verdict(ActiveReason.PAUSED)}, {"a"}, id="paused"),
        pytest.param({"active": Verdict(ActiveReason.FOREIGN_SCALER)}, {"a"}, id="a foreign scaler"),
        pytest.param(
            {"active": Verdict(ActiveReason.HOLDING), "desired": 1}, set(), id="only held: it goes on leaving"
        ),
        pytest.param({"desired": None}, set(), id="no decision"),
    ],
)
async def test_who_was_told_to_leave_is_freed(change: dict[str, Any], freed: set[str]) -> None:
    world = World()

    await world.actuator().act(DECISION._replace(**change), VARIANT, replace(SIGHT, pods=draining("a")), SERVED)

    assert set(world.annotated) == freed
    assert all(set(texts.values()) == {None} for texts in world.annotated.values())


@pytest.mark.parametrize(
    ("error", "reason", "changed"),
    [
        pytest.param(Refused("api", 403, "", ""), ActiveReason.SCALE_APPLIED, [(2, 1)], id="no right: undrained"),
        pytest.param(Refused("api", 404, "", ""), ActiveReason.DRAINING, [], id="the pod has gone"),
        pytest.param(Refused("api", 500, "", ""), ActiveReason.HOLDING, [], id="server error"),
        pytest.param(Unreachable("api", "timeout", ""), ActiveReason.HOLDING, [], id="outage"),
    ],
)
async def test_pods_that_cannot_be_annotated(
    error: PenstockError, reason: ActiveReason, changed: list[tuple[int, int]]
) -> None:
    world = World(pods_error=error)

    outcome = await world.actuator().act(DOWN, VARIANT, replace(SIGHT, pods=draining()), SERVED)

    assert (outcome.active.reason, world.changed) == (reason, changed)


async def test_an_old_leader_tells_no_pod_to_leave() -> None:
    world = World(leading=False)

    with pytest.raises(NotOurs):
        await world.actuator().act(DOWN, VARIANT, replace(SIGHT, pods=draining()), SERVED)

    assert world.annotated == {}


async def test_a_pod_that_cannot_be_freed_is_freed_later(caplog: pytest.LogCaptureFixture) -> None:
    world = World(pods_error=Unreachable("api", "timeout", ""))

    outcome = await world.actuator().act(DECISION, VARIANT, replace(SIGHT, pods=draining("a")), SERVED)

    assert (outcome.active.reason, outcome.current) == (ActiveReason.SCALE_APPLIED, 3)
    assert "Pods still drain" in caplog.text


def test_pods_of_no_target_are_strays_unless_one_of_their_namespace_was_not_read() -> None:
    pods = draining("a", "b")
    seen = replace(SIGHT, pods=pods[:1])

    assert strays(pods, {VARIANT.key: seen}) == [pods[1]]
    assert strays(pods, {VARIANT.key: replace(seen, scale=None)}) == []
    assert strays(pods, {}) == list(pods)


def test_loads_are_of_fresh_samples_over_all_models_of_a_pod() -> None:
    def row(pod: str, model: str, running: Reading, namespace: str = "llm", at_s: float = 99.0) -> PodMetrics:
        return PodMetrics(
            namespace=namespace, pod=pod, model=model, sampled_at_s=at_s, running=running, waiting=Known(1.0, at_s)
        )

    scrape = Scrape(
        at_s=100.0,
        rows=(
            row("a", "m", Known(2.0, 99.0)),
            row("a", "n", Known(4.0, 98.0), at_s=98.0),
            row("b", "m", Stale(2.0, 9.0), namespace=""),
        ),
    )

    assert loads(scrape, draining()) == {ObjectKey("llm", "a"): Load(8.0, 98.0)}
    assert loads(replace(scrape, rows=(row("b", "m", Known(0.0, 99.0), namespace=""),)), draining()) == {
        ObjectKey("llm", "b"): Load(1.0, 99.0)
    }
