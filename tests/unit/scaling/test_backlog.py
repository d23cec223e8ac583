"""What routers hold back counts as demand: engines that are shielded from a line cannot report it."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import MODEL, NOW, ROOM, decide_one, observe, rows, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow
from penstock.domain.readings import ABSENT, Known, Reading, Stale
from penstock.domain.variants import SloOverride

CHAT = variant()
HERE = ModelScope("llm", MODEL)


@pytest.mark.parametrize(
    ("waiting", "growth_per_s", "scope", "desired"),
    [
        pytest.param(0.0, 0.0, HERE, 1, id="nothing held back"),
        pytest.param(0.0, 1.0, HERE, 3, id="one more each second never reaches the engines"),
        pytest.param(60.0, 0.0, HERE, 2, id="a line of sixty, to be gone in a minute"),
        pytest.param(60.0, -0.5, HERE, 2, id="a line that shrinks by itself"),
        pytest.param(60.0, 1.0, ModelScope("llm", "other"), 1, id="another model's line"),
    ],
)
def test_what_routers_hold_back_is_demand(waiting: float, growth_per_s: float, scope: ModelScope, desired: int) -> None:
    calm = observe(CHAT, targets={CHAT.key: target(CHAT, 1)}, seen=rows(CHAT, 1, total=0.5))
    backlog = Inflow(waiting=Known(waiting, NOW), growth_per_s=Known(growth_per_s, NOW))

    decision = decide_one(replace(calm, inflows={scope: backlog}))

    assert decision.desired == desired


@pytest.mark.parametrize("unknown", [ABSENT, Stale(90.0, NOW - 900)], ids=["absent", "stale"])
def test_an_unknown_line_adds_nothing(unknown: Reading) -> None:
    calm = observe(CHAT, targets={CHAT.key: target(CHAT, 1)}, seen=rows(CHAT, 1, total=0.5))

    decision = decide_one(replace(calm, inflows={HERE: Inflow(waiting=unknown, growth_per_s=unknown)}))

    assert decision.desired == 1
    assert decision.need_per_s == pytest.approx(0.5 * ROOM)


@pytest.mark.parametrize(
    ("waiting", "ttft_s", "is_full"),
    [
        pytest.param(6.0, 0.5, True, id="a line that waits beyond the target"),
        pytest.param(6.0, 20.0, False, id="a clump that is gone within the target"),
        pytest.param(4.0, 0.5, False, id="a short line"),
    ],
)
def test_a_full_engine_tells_what_it_serves_at_most(waiting: float, ttft_s: float, is_full: bool) -> None:
    """Without a written profile, that is: a person's word is not corrected."""
    slo = SloOverride(ttft_s=ttft_s, tpot_s=0.1)
    chat = variant(slo=slo, profiles=(), accelerator="H100", model="meta-llama/Llama-3.1-8B-Instruct")
    seen = rows(chat, 1, total=0.6, waiting=Known(waiting, NOW))

    decision = decide_one(observe(chat, targets={chat.key: target(chat, 1)}, seen=seen))

    assert decision.capacity_per_s is not None
    assert (decision.capacity_per_s == pytest.approx(0.6)) is is_full
