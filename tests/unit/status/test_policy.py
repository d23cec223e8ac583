"""Status and events of a WorkloadPolicy."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.status.outcomes import DECIDED_S, reasons

from penstock.domain.decisions import Verdict
from penstock.domain.policies import Ordering, Policy, Programs, Weights
from penstock.domain.reasons import PolicyReason
from penstock.domain.rollouts import PolicyOutcome, RouterReport
from penstock.domain.variants import ObjectKey
from penstock.status.policy import policy_events, policy_status

LEVELS = Programs(
    headers=(), body_fields=(), parent_headers=(), idle_ttl_s=600, max_programs=100, levels=8, admission="Level",
    locality="CostGuard", engine_priority="Auto",
)  # fmt: skip
HYBRID = Policy(ordering=Ordering.HYBRID, lane_share_ratio=0.1, programs=LEVELS)
GOOD = RouterReport(pod="penstock-router-5d9c-abcde", generation=7, hash="3fb1c2", applied_at="2026-11-20T09:14:31Z")
BAD = RouterReport(
    pod="penstock-router-5d9c-klmno",
    generation=6,
    hash="9ab0d1",
    applied_at="2026-11-20T08:00:02Z",
    error="PUT timed out after 2s",
)


def result(**changes: Any) -> PolicyOutcome:
    calm = PolicyOutcome(
        key=ObjectKey("llm", "chat"),
        generation=7,
        accepted=Verdict(PolicyReason.ACCEPTED),
        programmed=Verdict(PolicyReason.PROGRAMMED),
        degraded=Verdict(PolicyReason.AS_EXPECTED),
        routers=(GOOD,),
        effective=HYBRID,
        stable_generation=7,
        starvation_bound_s=25.2,
    )
    return replace(calm, **changes)


def test_a_router_that_does_not_answer() -> None:
    status = policy_status(
        result(routers=(GOOD, BAD), programmed=Verdict(PolicyReason.ROUTER_UNREACHABLE)), {}, DECIDED_S
    )

    conditions = status.pop("conditions")
    assert status == {
        "observedGeneration": 7,
        "programmed": "1/2",
        "reason": "RouterUnreachable",
        "routers": [
            {
                "pod": "penstock-router-5d9c-klmno",
                "appliedGeneration": 6,
                "hash": "9ab0d1",
                "appliedAt": "2026-11-20T08:00:02Z",
                "role": "Stable",
                "error": "PUT timed out after 2s",
            },
            {
                "pod": "penstock-router-5d9c-abcde",
                "appliedGeneration": 7,
                "hash": "3fb1c2",
                "appliedAt": "2026-11-20T09:14:31Z",
                "role": "Stable",
            },
        ],
        "effective": {
            "ordering": "Hybrid",
            "weights": {"waitTime": 0.4, "criticality": 0.4, "requestRate": 0.2, "service": 1.0},
            "laneShare": "10%",
            "levels": 8,
            "starvationBound": "26s",
        },
        "rollout": {"phase": "Stable", "stableGeneration": 7},
    }
    assert [(row["type"], row["status"], row["reason"], row["message"]) for row in conditions] == [
        ("Accepted", "True", "Accepted", "The policy holds for its target."),
        (
            "Programmed",
            "False",
            "RouterUnreachable",
            "A router does not answer: see routers[].error, or penstock doctor wp/chat.",
        ),
        ("Degraded", "False", "AsExpected", "Nothing is amiss."),
    ]


def test_orderings_by_request_show_neither_levels_nor_a_bound() -> None:
    plain = Policy(weights=Weights(wait_time=0.2, criticality=0.7, request_rate=0.1))

    status = policy_status(result(effective=plain, starvation_bound_s=None), {}, DECIDED_S)

    assert status["effective"] == {
        "ordering": "WorkloadAware",
        "weights": {"waitTime": 0.2, "criticality": 0.7, "requestRate": 0.1},
        "laneShare": "0%",
    }


@pytest.mark.parametrize(
    ("changes", "reason", "conditions"),
    [
        pytest.param(
            {}, "Programmed", {"Accepted": "True", "Programmed": "True", "Degraded": "False"}, id="programmed"
        ),
        pytest.param(
            {"accepted": Verdict(PolicyReason.CONFLICTED, {"policy": "old"}), "programmed": None, "effective": None},
            "Conflicted",
            {"Accepted": "False", "Degraded": "False"},
            id="a loser has no Programmed",
        ),
        pytest.param(
            {"accepted": Verdict(PolicyReason.INVALID), "programmed": Verdict(PolicyReason.ROUTER_REJECTED)},
            "RouterRejected",
            {"Accepted": "False", "Programmed": "False", "Degraded": "False"},
            id="refused by a router",
        ),
        pytest.param(
            {"accepted": Verdict(PolicyReason.INVALID), "programmed": Verdict(PolicyReason.RECONCILING, {"kept": "6"})},
            "Invalid",
            {"Accepted": "False", "Programmed": "False", "Degraded": "False"},
            id="the last good one stays",
        ),
        pytest.param(
            {"programmed": Verdict(PolicyReason.NO_ROUTERS), "routers": ()},
            "NoRouters",
            {"Accepted": "True", "Programmed": "False", "Degraded": "False"},
            id="no routers",
        ),
        pytest.param(
            {"degraded": Verdict(PolicyReason.MIXED_ROUTER_VERSIONS, {"pods": "a"})},
            "Programmed",
            {"Accepted": "True", "Programmed": "True", "Degraded": "True"},
            id="degraded",
        ),
    ],
)
def test_conditions(changes: dict[str, Any], reason: str, conditions: dict[str, str]) -> None:
    status = policy_status(result(**changes), {}, DECIDED_S)

    assert status["reason"] == reason
    assert {kind: row[0] for kind, row in reasons(status).items()} == conditions


def test_a_loser_shows_no_routers() -> None:
    status = policy_status(
        result(
            accepted=Verdict(PolicyReason.CONFLICTED),
            programmed=None,
            routers=(),
            effective=None,
            stable_generation=None,
        ),
        {},
        DECIDED_S,
    )

    assert set(status) == {"observedGeneration", "conditions", "reason"}


def test_no_more_routers_than_fit_and_those_in_error_first() -> None:
    many = (*(replace(GOOD, pod=f"router-{number:03}") for number in range(150)), replace(BAD, pod="z"))

    status = policy_status(result(routers=many), {}, DECIDED_S)

    assert (len(status["routers"]), status["routers"][0]["pod"]) == (100, "z")
    assert status["programmed"] == "150/151"


def test_a_router_that_never_answered_has_no_values() -> None:
    silent = RouterReport(pod="r", error="timeout")

    assert policy_status(result(routers=(silent,)), {}, DECIDED_S)["routers"] == [
        {"pod": "r", "role": "Stable", "error": "timeout"}
    ]


def test_transition_times_move_with_the_status() -> None:
    first = policy_status(result(), {}, DECIDED_S)
    later = policy_status(result(programmed=Verdict(PolicyReason.RECONCILING)), first, DECIDED_S + 60)

    assert {row["type"]: row["lastTransitionTime"] for row in later["conditions"]} == {
        "Accepted": "2026-11-20T09:14:30Z",
        "Programmed": "2026-11-20T09:15:30Z",
        "Degraded": "2026-11-20T09:14:30Z",
    }


def test_events_tell_each_reason_once_for_a_generation() -> None:
    before = policy_status(result(programmed=Verdict(PolicyReason.RECONCILING)), {}, DECIDED_S)
    done = result()

    first = [(one.type, one.reason) for one in policy_events(before, done)]
    again = policy_events(policy_status(done, before, DECIDED_S), done)
    edited = [one.reason for one in policy_events(policy_status(done, before, DECIDED_S), replace(done, generation=8))]
    lost = [
        (one.type, one.reason)
        for one in policy_events({}, result(accepted=Verdict(PolicyReason.CONFLICTED), programmed=None))
    ]

    assert first == [("Normal", "Programmed")]
    assert again == []
    assert edited == ["Programmed"]
    assert lost == [("Warning", "Conflicted")]
