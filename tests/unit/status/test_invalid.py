"""Status of an object that cannot be read."""

from penstock.domain.errors import InvalidField
from penstock.status.invalid import invalid_events, invalid_status

ERROR = InvalidField("spec.schedules[0].schedule", "at night", "write five cron fields")
SENTENCE = "spec.schedules[0].schedule='at night': write five cron fields."
BEFORE = {
    "desiredOptimizedAlloc": {"numReplicas": 3},
    "conditions": [
        {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-11-20T09:00:00Z"},
        {"type": "TargetResolved", "status": "True", "reason": "TargetFound"},
    ],
}


def test_decision_stays_and_two_conditions_turn() -> None:
    status = invalid_status(ERROR, 2, BEFORE, 0.0)

    assert status["desiredOptimizedAlloc"] == {"numReplicas": 3}
    assert status["observedGeneration"] == 2
    assert [(row["type"], row["status"]) for row in status["conditions"]] == [
        ("Ready", "False"),
        ("TargetResolved", "True"),
        ("OptimizationReady", "False"),
    ]
    assert status["conditions"][0]["message"] == SENTENCE
    assert status["conditions"][0]["lastTransitionTime"] == "1970-01-01T00:00:00Z"


def test_same_fault_changes_nothing_and_is_told_once() -> None:
    status = invalid_status(ERROR, 2, BEFORE, 0.0)

    assert invalid_status(ERROR, 2, status, 60.0) == status
    assert [(event.type, event.reason, event.message) for event in invalid_events(ERROR, BEFORE)] == [
        ("Warning", "InvalidConfiguration", SENTENCE)
    ]
    assert invalid_events(ERROR, status) == []
