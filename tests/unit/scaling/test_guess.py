"""Nothing is ordered on a guess of what an engine serves while those that run keep up: a window of measuring tells."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import NOW, PROFILE, known, observe, row, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, Observation
from penstock.domain.readings import ABSENT
from penstock.domain.variants import SloOverride, Variant
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

CHAT = variant(
    model="meta-llama/Llama-3.1-8B-Instruct",
    accelerator="L40S",
    profiles=(),
    slo=SloOverride(ttft_s=2.0, tpot_s=0.1),
)
UNMEASURED = {"tpot_s": ABSENT}  # its first answers are not at their end


def busy(of: Variant, now_s: float, **changes: Any) -> Observation:
    """Return one engine before which a router counts more than any such engine serves."""
    inflow = Inflow(waiting=known(0, now_s), arrivals_per_s=known(60, now_s))
    seen = observe(of, targets={of.key: target(of, 1)}, seen=[row(of, at_s=now_s, **changes)], now_s=now_s)
    return replace(seen, inflows={ModelScope(of.key.namespace, of.model): inflow})


def numbers(of: Variant = CHAT, **changes: Any) -> list[int]:
    """Return what is asked for in five passes, by which a window is over."""
    memory, found = Memory(), []
    for step in range(5):
        (decision,), memory = decide(busy(of, NOW + 15 * step, **changes), memory, Config())
        found.append(decision.desired or 0)
    return found


def test_one_window_is_waited_for() -> None:
    *before, after = numbers(**UNMEASURED)

    assert before == [1] * 4
    assert after > 1


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({**UNMEASURED, "waiting": known(5)}, id="a line"),
        pytest.param({**UNMEASURED, "ttft_s": known(4.0)}, id="late first tokens"),
        pytest.param({}, id="it was measured"),
    ],
)
def test_nothing_is_waited_for_where_more_is_known(changes: dict[str, Any]) -> None:
    assert numbers(**changes)[0] > 1


def test_a_written_profile_is_no_guess() -> None:
    assert numbers(replace(CHAT, profiles=(replace(PROFILE, accelerator="L40S"),)), **UNMEASURED)[0] > 1
