"""A policy as it is in force, as people read it."""

from typing import Any

from tests.unit.doctor.patients import operator, policy, policy_body

from penstock.doctor.facts import PodSight
from penstock.doctor.inforce import policy_story
from penstock.doctor.policy import examine_policy

EFFECTIVE = {
    "ordering": "Hybrid",
    "weights": {"waitTime": 0.4, "criticality": 0.0, "requestRate": 0.2, "service": 1.0},
    "laneShare": "10%",
    "starvationBound": "26s",
}


def told(rows: list[dict[str, Any]] | None, **status: Any) -> list[str]:
    facts = policy(body=policy_body(status), routers=(PodSight(name="router-1"),))
    return policy_story(facts, examine_policy(facts, operator()), rows).splitlines()


def running(**changed: Any) -> dict[str, Any]:
    says = {"revision": 12, "generation": 7, "hash": "3fb1c2", "source": "pushed", "appliedAt": "2026-11-20T09:14:31Z"}
    return {"pod": "router-1"} | says | changed


def test_order_and_guarantee_in_words() -> None:
    order = "Hybrid by 0.4 wait - 0.2 request rate + 1 service; 10% go to the oldest, so that none waits above 26s"

    assert f"  order     {order}" in told([], effective=EFFECTIVE)


def test_a_router_that_runs_it() -> None:
    line = "  runs      router-1: generation 7 (3fb1c2), revision 12, pushed, since 2026-11-20T09:14:31Z"

    assert line in told([running()])


def test_what_a_router_runs_instead() -> None:
    other = told([running(uid="another", generation=3)])
    builtin = told([running(uid="", generation=0, appliedAt="", source="builtin")])
    old = told([running(generation=6)])

    assert "  lacks     router-1: generation 3 of another policy (3fb1c2), revision 12, pushed, since" in other[2]
    assert "  lacks     router-1: its built-in defaults, revision 12, builtin" in builtin
    assert old[2].startswith("  lacks     router-1: generation 6 (3fb1c2)")


def test_without_the_operator_the_status_tells() -> None:
    said = [{"pod": "router-1", "appliedGeneration": 6, "hash": "9ab0d1", "error": "PUT timed out after 2s"}]

    lines = told(None, routers=said)

    assert "  lacks     router-1: generation 6 (9ab0d1), PUT timed out after 2s" in lines
    assert "  amiss     router: router-1: PUT timed out after 2s" in lines
    assert any(line.startswith("            fix: check that NetworkPolicies") for line in lines)


def test_of_a_router_that_nobody_knows_nothing_is_made_up() -> None:
    assert "  lacks     router-1: unknown" in told(None, routers=[])
