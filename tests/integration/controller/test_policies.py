"""WorkloadPolicies reach real routers within a second, and status proves what each of them runs."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.controller.cluster import Cluster
from tests.integration.controller.fleet import SERVICE, Fleet, fleet
from tests.kubeapi import KubeApi
from tests.waiting import eventually

from penstock.api.document import policy_hash
from penstock.controller.plan import TERM_BITS
from penstock.domain.policies import Policy, PolicyDocument
from penstock.flow.scheduler import Scheduler
from penstock.programs.registry import Key
from penstock.programs.workload import Sums
from penstock.router.ports import RequestHead


@pytest.fixture(name="world")
async def _world(kube_api: KubeApi, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(Cluster(kube_api), tmp_path) as made:
        yield made


SLOW = "1h"  # so that only what happens, and not the interval, can have caused a push


async def test_policy_reaches_every_router_within_a_second(world: Fleet) -> None:
    await world.add("router-0")
    await world.add("router-1")
    async with world.cluster.operating(interval=SLOW):
        world.policy(weights={"criticality": 1.0})
        await eventually(lambda: world.reason() == "Programmed", "the first push")
        world.policy(weights={"criticality": 2.0})
        applied_s = time.monotonic()
        await eventually(lambda: world.document("router-0").policy.weights.criticality == 2.0, "the edit")
        took_s = time.monotonic() - applied_s
        await eventually(lambda: world.cluster.policy()["status"]["observedGeneration"] == 2, "its proof")

    status = world.cluster.policy()["status"]
    assert took_s < 1.0
    assert status["programmed"] == "2/2"
    assert status["reason"] == "Programmed"
    assert [row["pod"] for row in status["routers"]] == ["router-0", "router-1"]
    assert {row["appliedGeneration"] for row in status["routers"]} == {2}
    assert {row["hash"] for row in status["routers"]} == {world.document("router-1").hash}
    assert status["effective"]["ordering"] == "WorkloadAware"
    assert world.document("router-0") == world.document("router-1")
    assert "Programmed" in dict(world.cluster.events("chat"))


async def test_deleted_policy_leaves_the_defaults(world: Fleet) -> None:
    await world.add("router-0")
    async with world.cluster.operating(interval=SLOW):
        world.policy(weights={"criticality": 1.0})
        await eventually(lambda: world.document("router-0").uid, "the push")
        revision = world.document("router-0").revision
        world.cluster.delete("workloadpolicies", "chat", "penstock.dev/v1alpha1")
        await eventually(lambda: not world.document("router-0").uid, "the defaults")

    assert world.document("router-0").policy == Policy()
    assert world.document("router-0").revision > revision


async def test_oldest_policy_wins_and_the_next_follows_at_once(world: Fleet) -> None:
    await world.add("router-0")
    world.policy("first", weights={"criticality": 1.0})
    world.policy("second", target=SERVICE, weights={"criticality": 2.0})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason("second", "Accepted") == "Conflicted", "the conflict")
        await eventually(lambda: world.document("router-0").name == "first", "the winner's push")
        world.cluster.delete("workloadpolicies", "first", "penstock.dev/v1alpha1")
        await eventually(lambda: world.document("router-0").name == "second", "the next one's push")
        await eventually(lambda: world.reason("second") == "Programmed", "its proof")

    assert world.reason("second", "Accepted") == "Accepted"
    await eventually(lambda: "Conflicted" in dict(world.cluster.events("second")), "the event of the conflict")


async def test_new_pod_gets_the_policy_and_a_vanished_one_leaves_the_status(world: Fleet) -> None:
    await world.add("router-0")
    world.policy()
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "Programmed", "the first push")
        await world.add("router-1")
        await eventually(lambda: world.cluster.policy()["status"]["programmed"] == "2/2", "the new pod")
        world.cluster.delete("pods", "router-0")
        await eventually(lambda: world.cluster.policy()["status"]["programmed"] == "1/1", "the end of the old one")

    assert [row["pod"] for row in world.cluster.policy()["status"]["routers"]] == ["router-1"]


async def test_drift_is_repaired(world: Fleet) -> None:
    await world.add("router-0")
    world.policy(weights={"criticality": 1.0})
    async with world.cluster.operating():
        await eventually(lambda: world.reason() == "Programmed", "the first push")
        right = world.document("router-0")
        foreign = PolicyDocument(
            schema=1,
            revision=77 << TERM_BITS,
            uid="x",
            name="x",
            generation=9,
            hash=policy_hash(Policy()),
            policy=Policy(),
        )
        await world.put_by_hand("router-0", foreign)
        await eventually(lambda: world.document("router-0").hash == right.hash, "the repair")

    repaired = world.document("router-0")
    assert repaired == replace(right, revision=repaired.revision)
    assert repaired.revision >> TERM_BITS > 77


async def test_unreachable_router_is_named_and_delays_nobody(world: Fleet) -> None:
    await world.add("router-1")
    world.place("router-0", ready=True)
    world.policy()
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "RouterUnreachable", "the verdict")

    status = world.cluster.policy()["status"]
    assert status["programmed"] == "1/2"
    assert status["routers"][0] | {"pod": "router-0", "error": "connection refused"} == status["routers"][0]
    assert world.document("router-1").name == "chat"


async def test_token_of_one_pod_is_worthless_at_another(world: Fleet) -> None:
    await world.add("router-0", uid="somebody-else")
    world.policy()
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "RouterUnreachable", "the verdict")

    assert "403" in world.cluster.policy()["status"]["routers"][0]["error"]
    assert world.document("router-0").uid == ""


async def test_what_a_router_cannot_run_is_rejected_and_the_last_good_one_stays(world: Fleet) -> None:
    await world.add("router-0")
    world.policy(weights={"criticality": 1.0})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "Programmed", "the first push")
        world.policy(ordering="EDF")
        await eventually(lambda: world.reason() == "RouterRejected", "the verdict")
        await eventually(lambda: "RouterRejected" in dict(world.cluster.events("chat")), "its event")

    assert world.reason(kind="Accepted") == "Invalid"
    assert world.document("router-0").generation == 1


@pytest.mark.parametrize("kind", ["Canary", "Shadow"])
async def test_a_rollout_in_parts_is_refused_and_the_last_good_generation_stays(world: Fleet, kind: str) -> None:
    await world.add("router-0")
    world.policy(weights={"criticality": 1.0})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "Programmed", "the first push")
        world.policy(weights={"criticality": 2.0}, rollout={"type": kind})
        await eventually(lambda: world.reason(kind="Accepted") == "Invalid", "the verdict")

    assert world.document("router-0").generation == 1
    rows = world.cluster.policy()["status"]["conditions"]
    said = next(row["message"] for row in rows if row["type"] == "Accepted")
    assert said == f"rollout.type={kind}: remove it; this version applies a policy to all routers at once."


async def test_routers_of_one_policy_hear_what_all_of_them_saw(world: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[int, Mapping[Key, Sums]] = {}
    hear = Scheduler.hear

    def note(scheduler: Scheduler, sums: Mapping[Key, Sums]) -> None:
        heard[id(scheduler)] = sums
        hear(scheduler, sums)

    monkeypatch.setattr(Scheduler, "hear", note)
    head = RequestHead(headers={b"x-workload-context": b'{"workload_id": "agents"}'}, path=b"/v1/completions")
    routers = [await world.add("router-0"), await world.add("router-1")]
    world.policy()
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "Programmed", "the push")
        for router in routers:
            for ticket in [router.gate.submit(head, lambda _: None) for _ in range(3)]:
                router.gate.done(ticket)
        both = lambda: [sums["", "agents"].rate_per_s for sums in heard.values() if ("", "agents") in sums]  # noqa: E731
        await eventually(lambda: len(both()) == 2, "the sums")

    assert both() == [pytest.approx(6 / 60)] * 2


async def test_target_without_routers(world: Fleet) -> None:
    world.policy()
    world.policy("lost", target={"group": "", "kind": "Service", "name": "nowhere"})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "NoRouters", "the verdict")
        await eventually(lambda: world.reason("lost", "Accepted") == "TargetNotFound", "the other verdict")

    assert world.cluster.policy()["status"]["programmed"] == "0/0"
    assert "programmed" not in world.cluster.policy("lost")["status"]
