"""What routers hold back counts as demand: engines that are shielded from a line cannot report it."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import MODEL, NOW, ROOM, decide_one, observe, rows, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow
from penstock.domain.readings import ABSENT, Known, Reading, Stale
from penstock.domain.variants import SloOverride
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

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
    ("lines", "ttft_s", "is_full"),
    [
        pytest.param([6] * 6, 0.5, True, id="a line that waits beyond the target"),
        pytest.param([6] * 5, 0.5, False, id="answers that were begun before may not have ended"),
        pytest.param([6], 0.5, False, id="a clump of one moment"),
        pytest.param([6, 6, 0, 6, 6], 0.5, False, id="a line that comes and goes"),
        pytest.param([6] * 5, 20.0, False, id="a clump that is gone within the target"),
        pytest.param([4] * 5, 0.5, False, id="a short line"),
    ],
)
def test_a_full_engine_tells_what_it_serves_at_most(lines: list[int], ttft_s: float, is_full: bool) -> None:
    """Without a written profile, that is: a person's word is not corrected. A moment's clump moved fleets."""
    slo = SloOverride(ttft_s=ttft_s, tpot_s=0.1)
    chat = variant(slo=slo, profiles=(), accelerator="H100", model="meta-llama/Llama-3.1-8B-Instruct")
    memory, served = Memory(), None

    for number, waiting in enumerate(lines):
        now_s = NOW + 15 * number
        seen = rows(chat, 1, total=0.6, at_s=now_s, waiting=Known(waiting, now_s))
        there = {chat.key: target(chat, 1)}
        (decision,), memory = decide(observe(chat, targets=there, seen=seen, now_s=now_s), memory, Config())
        served = decision.capacity_per_s

    assert served is not None
    assert (served == pytest.approx(0.6)) is is_full
