"""WorkloadPolicies reach real routers within a second, and status proves what each of them runs."""

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.integration.controller.fleet import SERVICE, Fleet
from tests.waiting import eventually

from penstock.api.document import policy_hash
from penstock.controller.plan import TERM_BITS
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Policy, PolicyDocument
from penstock.flow.scheduler import Scheduler
from penstock.programs.registry import Key
from penstock.programs.workload import Sums
from penstock.router.ports import RequestHead
from penstock.router.state import InForce, PolicyState

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

        await world.add("router-1")
        await eventually(lambda: world.document("router-1").generation == 1, "the last good one on a new pod")
        await eventually(lambda: len(world.cluster.policy()["status"]["routers"]) == 2, "its row")

    status = world.cluster.policy()["status"]
    assert world.reason(kind="Accepted") == "Invalid"
    assert world.reason(kind="Degraded") == "AsExpected"
    assert world.document("router-0") == world.document("router-1")
    assert status["rollout"]["stableGeneration"] == 1
    assert status["effective"]["ordering"] == "WorkloadAware"
    assert status["effective"]["weights"]["criticality"] == 1.0
    assert status["programmed"] == "0/2"
    assert {row["appliedGeneration"] for row in status["routers"]} == {1}


async def test_restarted_operator_gives_a_new_pod_the_last_good_generation(world: Fleet) -> None:
    await world.add("router-0")
    world.policy(weights={"criticality": 1.0})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: len(world.revisions()) == 1, "the revision")
    world.policy(ordering="EDF")
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "RouterRejected", "the verdict")
        await world.add("router-1")
        await eventually(lambda: world.document("router-1").generation == 1, "the last good one")
        await eventually(lambda: len(world.cluster.policy()["status"]["routers"]) == 2, "its row")
    world.cluster.delete("pods", "router-0")
    world.policy(rollout={"type": "Shadow"})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.cluster.policy()["status"]["observedGeneration"] == 3, "the verdict")
        await world.add("router-2")
        await eventually(lambda: world.document("router-2").generation == 1, "the last good one again")

    assert world.document("router-2").policy == world.document("router-1").policy
    assert world.document("router-2").policy.weights.criticality == 1.0


async def test_three_generations_are_kept_under_the_name_of_their_content(world: Fleet) -> None:
    await world.add("router-0")
    async with world.cluster.operating(interval=SLOW):
        for generation, weight in enumerate((1.0, 2.0, 3.0, 4.0, 2.0), 1):
            world.policy(weights={"criticality": weight})
            await eventually(lambda: world.revisions()[-1:] == [generation], f"revision {generation}")  # noqa: B023
        await eventually(lambda: world.revisions() == [3, 4, 5], "the end of older ones")

    newest = world.revision_bodies()[-1]
    uid = world.cluster.policy()["metadata"]["uid"]
    assert newest["metadata"]["name"] == f"chat-{world.document('router-0').hash}"
    assert newest["data"]["spec"]["weights"]["criticality"] == 2.0
    assert [owner["uid"] for owner in newest["metadata"]["ownerReferences"]] == [uid]
    assert newest["metadata"]["labels"] == {
        "app.kubernetes.io/name": "penstock",
        "app.kubernetes.io/component": "policy-revision",
        "penstock.dev/policy-uid": uid,
    }


async def test_routers_of_two_versions_are_named(world: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add("router-0")
    old = await world.add("router-1")
    world.policy(weights={"criticality": 1.0})
    async with world.cluster.operating(interval=SLOW):
        await eventually(lambda: world.reason() == "Programmed", "the first push")
        offer = PolicyState.offer

        def refuse(state: PolicyState, document: PolicyDocument) -> InForce:
            if state is old.state and document.generation == 2:
                raise InvalidField("tenantHeader", "x-team", "no such field in this version")
            return offer(state, document)

        monkeypatch.setattr(PolicyState, "offer", refuse)
        world.policy(tenantHeader="x-team")
        await eventually(lambda: world.reason(kind="Degraded") == "MixedRouterVersions", "the verdict")

    rows = {row["type"]: row for row in world.cluster.policy()["status"]["conditions"]}
    assert rows["Accepted"]["status"] == "True"
    assert (rows["Degraded"]["status"], rows["Degraded"]["message"]) == ("True", "Upgrade router-1.")
    assert [world.document(pod).generation for pod in ("router-0", "router-1")] == [2, 1]
    assert world.revisions() == [1]


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
