"""What became of a request, as people read it."""

from typing import Any

import pytest

from penstock.doctor.request import request_story

SCORE = {"final_score": 0.621, "normalized_wait": 0.02, "normalized_crit": 1.0, "normalized_rate": 0.11}


def dispatched(**changed: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-20T09:11:30.25Z",
        "requestId": "a1",
        "workloadId": "checkout",
        "criticality": 5,
        "policyGeneration": 7,
        "waited": 1.4004,
        "outcome": "Dispatched",
        "endpoint": "10.0.3.7:8000",
        "fallbacks": [],
        "queueSizeBefore": 12,
        "lane": False,
        "score": SCORE,
    } | changed


def told(decision: dict[str, Any]) -> list[str]:
    return request_story("a1", [{"pod": "router-1", "decisions": [decision]}]).splitlines()


def test_a_request_that_was_sent() -> None:
    assert told(dispatched(fallbacks=["10.0.3.8:8000", "10.0.3.9:8000"])) == [
        "a1  sent to 10.0.3.7:8000 at 09:11:30 after 1.4s in line by router-1",
        "  who       workload checkout, criticality 5",
        "  order     first of 12 in line by score 0.621: wait 0.02, criticality 1.00, request rate 0.11",
        "  else      10.0.3.8:8000, 10.0.3.9:8000, had that endpoint failed",
        "  policy    generation 7",
    ]


@pytest.mark.parametrize(
    ("changed", "order"),
    [
        pytest.param({"lane": True}, "the oldest of 12 in line, whatever its score", id="lane"),
        pytest.param({"score": None}, "first of 12 in line", id="no score"),
        pytest.param({"queueSizeBefore": 0, "score": None}, "nobody else was in line", id="alone"),
    ],
)
def test_why_it_was_the_next(changed: dict[str, Any], order: str) -> None:
    assert f"  order     {order}" in told(dispatched(**changed))


def test_a_request_that_was_refused() -> None:
    facts = {"outcome": "Rejected", "status": 429, "reason": "rejected-capacity", "waited": 0.0}

    lines = told(dispatched(**facts))

    assert lines[0] == "a1  refused with 429 (rejected-capacity) at 09:11:30 at once by router-1"
    assert lines[1:] == ["  who       workload checkout, criticality 5", "  policy    generation 7"]


def test_a_request_that_waits_now_and_was_sent_before() -> None:
    waiting = {"workloadId": "checkout", "criticality": 5, "waited": 3.0, "score": SCORE}
    rows = [{"pod": "router-1", "decisions": []}, {"pod": "router-2", "waiting": waiting, "decisions": [dispatched()]}]

    lines = request_story("a1", rows).splitlines()

    assert lines[0] == "a1  waits for 3s now at router-2"
    assert lines[2] == "  order     score 0.621: wait 0.02, criticality 1.00, request rate 0.11"
    assert lines[4].startswith("a1  sent to 10.0.3.7:8000")
