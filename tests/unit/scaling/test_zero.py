"""Waking from zero: the router's word is enough, whatever monitoring says or does not say."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import MODEL, NOW, by_name, known, observe, remembering, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, Observation, ScrapeProblem, Target
from penstock.domain.readings import ABSENT, Stale
from penstock.domain.reasons import DecisionReason, MetricsReason, OptimizationReason, TargetReason
from penstock.scaling.config import Config

CHAT = variant(min_replicas=0)
DEAR = variant("dear", min_replicas=0, cost_per_replica_per_h=90.0)
ZERO = Config(scale_to_zero=True)
DOWN = ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="http://prometheus:9090", cause="timeout")
ILL = ScrapeProblem(reason=MetricsReason.PROMETHEUS_ERROR, peer="running", cause="500")


def asleep(inflow: Inflow | None, *, chat: Target | None = None, **scrape: Any) -> Observation:
    """Return both variants at zero, and what a router says of their model."""
    at = {CHAT.key: chat or target(CHAT, 0), DEAR.key: target(DEAR, 0)}
    return replace(
        observe(CHAT, DEAR, targets=at, **scrape), inflows={ModelScope("llm", MODEL): inflow} if inflow else {}
    )


@pytest.mark.parametrize("scrape", [{}, {"problem": DOWN}, {"problem": ILL}], ids=["up", "unreachable", "in error"])
@pytest.mark.parametrize(
    ("inflow", "woken"),
    [
        pytest.param(Inflow(waiting=known(1.0)), 1, id="one waits, rate unknown"),
        pytest.param(Inflow(waiting=known(2.0), arrivals_per_s=known(0.1)), 1, id="two wait, some arrive"),
        pytest.param(Inflow(waiting=known(0.0), arrivals_per_s=known(0.2)), 1, id="some arrive"),
        pytest.param(Inflow(waiting=known(0.0), arrivals_per_s=known(0.0)), 0, id="nothing is asked for"),
        pytest.param(Inflow(waiting=Stale(3.0, NOW - 900), arrivals_per_s=ABSENT), 0, id="a word of long ago"),
        pytest.param(Inflow(), 0, id="a router that tells nothing"),
        pytest.param(None, 0, id="no router"),
    ],
)
def test_the_routers_word_wakes_the_cheapest_alone(inflow: Inflow | None, woken: int, scrape: dict[str, Any]) -> None:
    found = by_name(asleep(inflow, **scrape), remembering((CHAT, 0), (DEAR, 0)), ZERO)

    assert (found["chat"].desired, found["dear"].desired) == (woken, 0)
    assert (found["chat"].this_pass is DecisionReason.FROM_ZERO) is bool(woken)
    assert (found["chat"].optimization.reason is OptimizationReason.SCALE_FROM_ZERO) is bool(woken)
    assert found["chat"].computed or not woken


@pytest.mark.parametrize(
    ("chat", "expected"),
    [
        pytest.param(replace(target(CHAT, 0), state=TargetReason.NOT_FOUND), (0, 1), id="a target that is not there"),
        pytest.param(target(CHAT, 1, ready=0, starting=1), (1, 0), id="one that starts is not woken twice"),
        pytest.param(target(CHAT, 1), (1, 0), id="one that serves, and of which nothing is known"),
    ],
)
def test_a_failing_monitoring_wakes_no_more_than_is_needed(chat: Target, expected: tuple[int, int]) -> None:
    waiting = Inflow(waiting=known(40.0))
    before = 1 if chat.current else 0

    found = by_name(asleep(waiting, chat=chat, problem=DOWN), remembering((CHAT, before), (DEAR, 0)), ZERO)

    assert (found["chat"].desired, found["dear"].desired) == expected
