"""What comes back from a status after a restart."""

from typing import Any

import pytest
from tests.unit.scaling.scene import NOW, PER_REPLICA, decide_one, observe, rows, target, variant

from penstock.domain.reasons import DecisionReason
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory, recall

CHAT = variant()
STATUS = {
    "desiredOptimizedAlloc": {"numReplicas": 3, "accelerator": "A100", "lastRunTime": "2023-11-14T22:10:00Z"},
    "decision": {"id": "7f3a91c2", "time": "2023-11-14T22:00:00Z", "reason": "DemandUp", "summary": "2 -> 3: because"},
}


def test_a_decision_comes_back_whole() -> None:
    found = recall(STATUS, NOW)

    assert found is not None
    assert (found.desired, found.decided_at_s) == (3, 1_699_999_800.0)
    assert (found.change.record_id, found.change.reason) == ("7f3a91c2", DecisionReason.DEMAND_UP)
    assert (found.change.at_s, found.change.summary) == (1_699_999_200.0, "2 -> 3: because")
    assert found.recommendations.highest == 3


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="no status"),
        pytest.param({"desiredOptimizedAlloc": {}}, id="no number"),
        pytest.param({"desiredOptimizedAlloc": {"numReplicas": 0, "accelerator": ""}}, id="WVA's empty value"),
        pytest.param({"desiredOptimizedAlloc": {"numReplicas": "3"}}, id="no integer"),
        pytest.param({"desiredOptimizedAlloc": {"numReplicas": -1}}, id="negative"),
        pytest.param({"desiredOptimizedAlloc": None}, id="null"),
    ],
)
def test_no_decision_is_no_past(status: dict[str, Any]) -> None:
    assert recall(status, NOW) is None


@pytest.mark.parametrize(
    "desired",
    [
        pytest.param({"numReplicas": 2, "accelerator": "A100"}, id="WVA's, without a decision"),
        pytest.param({"numReplicas": 2, "lastRunTime": "yesterday"}, id="an odd time"),
        pytest.param({"numReplicas": 2, "lastRunTime": "2023-11-14T22:10:00"}, id="a time without a zone"),
    ],
)
def test_what_is_odd_in_a_status_does_not_lose_the_number(desired: dict[str, Any]) -> None:
    found = recall({"desiredOptimizedAlloc": desired, "decision": {"reason": "Unheard"}}, NOW)

    assert found is not None
    assert (found.desired, found.decided_at_s, found.change.reason) == (2, NOW, DecisionReason.STEADY)


def test_after_a_restart_nothing_is_lowered_before_a_whole_window() -> None:
    recalled = recall(STATUS, NOW)
    assert recalled is not None
    memory, numbers = Memory().adding({CHAT.key: recalled}), []

    for step in range(0, 331, 30):
        now_s = NOW + step
        seen = rows(CHAT, 3, total=PER_REPLICA / 2, at_s=now_s)
        observation = observe(CHAT, targets={CHAT.key: target(CHAT, 3)}, seen=seen, now_s=now_s)
        (decision,), memory = decide(observation, memory, Config())
        numbers.append(decision.desired)

    assert numbers == [3] * 6 + [1] * 6  # what a start takes where nobody measured one


def test_after_a_restart_missing_metrics_still_hold() -> None:
    recalled = recall(STATUS, NOW)
    assert recalled is not None

    decision = decide_one(observe(CHAT, targets={CHAT.key: target(CHAT, 3)}), Memory().adding({CHAT.key: recalled}))

    assert (decision.desired, decision.computed, decision.record_id) == (3, False, "7f3a91c2")


def test_what_is_known_is_not_recalled_over() -> None:
    older, newer = recall(STATUS, NOW), recall({"desiredOptimizedAlloc": {"numReplicas": 9}}, NOW)
    assert older is not None
    assert newer is not None

    memory = Memory().adding({CHAT.key: older}).adding({CHAT.key: newer})

    assert memory.knows(CHAT.key)
    assert memory.last(CHAT.key, CHAT.uid) == older


@pytest.mark.parametrize("back_s", [60.0, 600.0, 3600.0])
def test_a_clock_that_is_set_back_unlearns_no_lengths(back_s: float) -> None:
    """Sums that fade by a negative time grow, and became negative with what was added."""
    memory = Memory()
    for now_s in (NOW, NOW + 15, NOW + 30, NOW + 30 - back_s, NOW + 45 - back_s):
        seen = rows(CHAT, 1, total=0.5, at_s=now_s)
        _, memory = decide(observe(CHAT, targets={CHAT.key: target(CHAT, 1)}, seen=seen, now_s=now_s), memory, Config())

    (past,) = memory.models.values()
    assert past.lengths.means is not None
    assert past.lengths.means == pytest.approx((100.0, 128.0), rel=0.01)
