"""What a pass tells of its own time: that of deciding alone."""

from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.scaling.scene import observe, target, variant

from penstock.controller import scaling_pass
from penstock.controller.metrics import Meters
from penstock.controller.scaling_pass import ScalingPass
from penstock.scaling.config import Config
from penstock.scaling.memory import Memory

CHAT = variant()
DECIDING_S, JUDGING_S = 2.0, 30.0


def test_the_time_of_a_decision_is_not_that_of_judging_it(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = {"s": 0.0}

    def look(*_: object) -> None:
        passed["s"] += JUDGING_S

    def decide(*given: Any) -> object:
        passed["s"] += DECIDING_S
        return decided(*given)

    decided = scaling_pass.decide
    monkeypatch.setattr(scaling_pass, "decide", decide)
    monkeypatch.setattr(scaling_pass, "time", SimpleNamespace(monotonic=lambda: passed["s"]))
    parts: dict[str, Any] = dict.fromkeys(ScalingPass.__annotations__)
    meters, learned = Meters(), SimpleNamespace(memory=None)
    judge = SimpleNamespace(look=look, judged={})
    one = ScalingPass(**parts | {"meters": meters, "learned": learned, "judge": judge, "memory": Memory()})

    decisions = one._decide(observe(CHAT, targets={CHAT.key: target(CHAT, 1)}), Config())

    assert [decision.key for decision in decisions] == [CHAT.key]
    assert meters.registry.get_sample_value("penstock_decide_duration_seconds_sum") == DECIDING_S
    assert passed["s"] == DECIDING_S + JUDGING_S
    assert learned.memory is one.memory
