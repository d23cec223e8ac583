"""A policy on its way to its routers, with one thing wrong at a time."""

from typing import Any

import pytest
from tests.unit.doctor.patients import operator, policy, policy_body, settings, told

from penstock.doctor.facts import PodSight, PolicyFacts, Rival
from penstock.doctor.findings import Level
from penstock.doctor.policy import examine_policy
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey


def reported(**router: Any) -> dict[str, Any]:
    return policy_body({"routers": [{"pod": "router-1", **router}]})


def test_a_programmed_policy_has_nothing_to_mend() -> None:
    found = examine_policy(policy(), operator())

    checks = ["object", "target", "routers", "conflicts", "router", "status", "operator"]
    assert [one.check for one in found.findings] == checks
    assert {one.level for one in found.findings} == {Level.OK}
    assert told(found, "router").text == "router-1 runs generation 7 (3fb1c2)"


@pytest.mark.parametrize(
    ("facts", "check", "level", "text"),
    [
        pytest.param(
            {"fault": InvalidField("spec.weights", {}, "name one")},
            "object",
            Level.FAIL,
            "name one",
            id="unusable spec",
        ),
        pytest.param({"routers": None}, "target", Level.FAIL, "there is no InferencePool chat in llm", id="no target"),
        pytest.param(
            {"routers": ()},
            "target",
            Level.FAIL,
            "no Penstock router stands behind InferencePool chat",
            id="no routers",
        ),
        pytest.param(
            {"routers": (PodSight(name="router-1"), PodSight(name="router-2", ready=False))},
            "routers",
            Level.FAIL,
            "1 of 2 ready; router-2: not ready",
            id="router not ready",
        ),
        pytest.param(
            {"rivals": (Rival(name="old", created_at_s=50.0), Rival(name="new", created_at_s=150.0))},
            "conflicts",
            Level.FAIL,
            "old is older and has the same routers",
            id="older rival",
        ),
        pytest.param(
            {"rivals": (Rival(name="a", created_at_s=100.0),)}, "conflicts", Level.FAIL, "a is older", id="tie by name"
        ),
        pytest.param(
            {"rivals": (Rival(name="zed", created_at_s=100.0),)},
            "conflicts",
            Level.WARN,
            "zed: younger",
            id="younger rival",
        ),
        pytest.param(
            {"body": policy_body({"routers": []})},
            "router",
            Level.FAIL,
            "the operator has not reported on it",
            id="unseen",
        ),
        pytest.param(
            {"body": reported(error="PUT timed out after 2s")},
            "router",
            Level.FAIL,
            "router-1: PUT timed out after 2s",
            id="unreachable",
        ),
        pytest.param(
            {"body": reported(appliedGeneration=6)},
            "router",
            Level.FAIL,
            "router-1 runs generation 6, the object has 7",
            id="old generation",
        ),
        pytest.param(
            {"body": policy_body({"observedGeneration": 6})},
            "status",
            Level.FAIL,
            "it is of generation 6, not 7",
            id="behind",
        ),
        pytest.param(
            {"body": {"metadata": {"generation": 7}}},
            "status",
            Level.FAIL,
            "the operator has written none",
            id="no status",
        ),
        pytest.param(
            {
                "body": policy_body(
                    {
                        "conditions": [
                            {"type": "Accepted", "status": "True"},
                            {"type": "Degraded", "status": "False"},
                            {"type": "Programmed", "status": "False", "reason": "Reconciling", "message": "Wait."},
                        ]
                    }
                )
            },
            "status",
            Level.FAIL,
            "Programmed is False, Reconciling: Wait.",
            id="condition",
        ),
        pytest.param(
            {
                "body": policy_body(
                    {"conditions": [{"type": "Degraded", "status": "True", "reason": "RolledBack", "message": "Edit."}]}
                )
            },
            "status",
            Level.FAIL,
            "Degraded is True, RolledBack: Edit.",
            id="degraded",
        ),
    ],
)
def test_what_can_be_wrong(facts: dict[str, Any], check: str, level: Level, text: str) -> None:
    found = told(examine_policy(policy(**facts), operator()), check)

    assert found.level is level
    assert text in found.text


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        pytest.param("PUT timed out after 2s", "NetworkPolicies", id="time"),
        pytest.param("timeout", "NetworkPolicies", id="timeout"),
        pytest.param("401 Unauthorized", "--operator-namespace", id="401"),
        pytest.param("403 wrong audience", "--operator-namespace", id="403"),
        pytest.param("connection refused", "9004", id="refused"),
        pytest.param("ordering=PLAS: choose FCFS", "answer", id="422"),
    ],
)
def test_remedy_of_a_routers_error(error: str, remedy: str) -> None:
    found = told(examine_policy(policy(body=reported(error=error)), operator()), "router")

    assert remedy in found.fix


def test_bad_status_after_a_failure_only_repeats_it() -> None:
    condition = {"type": "Accepted", "status": "False", "reason": "TargetNotFound", "message": "No pool."}

    found = examine_policy(policy(routers=None, body=policy_body({"conditions": [condition]})), operator())

    assert told(found, "status").level is Level.WARN


def test_routers_behind_an_unusable_spec_are_not_what_to_mend() -> None:
    fault = InvalidField("rollout.type", "Shadow", "remove it")

    found = told(examine_policy(policy(fault=fault, body=reported(appliedGeneration=6)), operator()), "router")

    assert (found.level, found.fix) == (Level.WARN, "")
    assert found.text == "router-1 runs generation 6, the object has 7"


def test_absent_policy_is_all_that_is_told() -> None:
    found = examine_policy(PolicyFacts(key=ObjectKey("llm", "chta"), nearest="chat"), operator())

    assert [one.text for one in found.findings] == ["there is no WorkloadPolicy llm/chta; there is chat"]


def test_operators_illness_is_named() -> None:
    found = told(examine_policy(policy(), operator(pods=())), "operator")

    assert (found.level, found.text) == (Level.FAIL, "pods: no operator runs in penstock-system")


BEHIND = [
    pytest.param(policy_body({"observedGeneration": 6}), id="behind"),
    pytest.param({"metadata": {"generation": 7}}, id="no status"),
]


@pytest.mark.parametrize("body", BEHIND)
def test_status_of_a_policy_that_nobody_looks_at_points_to_why(body: dict[str, Any]) -> None:
    found = examine_policy(policy(body=body), operator(settings=settings(watchNamespaces="other")))

    assert told(found, "object").text == "llm is not among the operator's watchNamespaces"
    assert (told(found, "status").level, told(found, "status").fix) == (Level.WARN, "see the check `object` above")
    assert told(found, "operator").level is Level.OK
    assert [one.check for one in found.findings if one.is_problem] == ["object"]


@pytest.mark.parametrize("body", [*BEHIND, pytest.param(policy_body({"routers": []}), id="a router unseen")])
@pytest.mark.parametrize(
    ("pods", "fix"),
    [
        pytest.param((), "see the check `operator` below", id="operator ill"),
        pytest.param(
            operator().pods, "see why: kubectl -n penstock-system logs deployment/penstock-operator", id="operator well"
        ),
    ],
)
def test_what_the_operator_left_undone_points_to_it_where_it_is_ill(
    body: dict[str, Any], pods: tuple[PodSight, ...], fix: str
) -> None:
    found = examine_policy(policy(body=body), operator(pods=pods))

    behind = [one for one in found.findings if one.is_problem and one.check != "operator"]
    assert {one.fix for one in behind} == {fix}


def test_a_condition_that_is_amiss_is_looked_at_by_name() -> None:
    condition = {"type": "Accepted", "status": "False", "reason": "Invalid", "message": "Mend it."}

    found = told(examine_policy(policy(body=policy_body({"conditions": [condition]})), operator()), "status")

    assert found.fix == "kubectl -n llm describe wp chat"
