"""Routers that count less than engines serve: requests come by another way, and nobody is sent home by that count."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import MODEL, NOW, idle_row, known, observe, rows, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision
from penstock.domain.observations import Inflow
from penstock.domain.readings import ABSENT
from penstock.domain.reasons import MetricsReason
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory
from penstock.status.messages import message

CHAT, DEAR = variant(), variant("dear", cost_per_replica_per_h=90.0)
HERE = ModelScope("llm", MODEL)


def decided(served: float, counted: float, *, growth: float = 0.0, replicas: int = 6) -> Decision:
    """Return the last decision of a quarter of an hour in which engines serve, and routers count, so many a second."""
    memory = Memory()
    for step in range(60):
        now_s = NOW + 15.0 * step
        fields = {"backlog_growth_per_s": known(growth / replicas, now_s)}
        seen = rows(CHAT, replicas, total=served, at_s=now_s, **fields)
        observation = observe(CHAT, targets={CHAT.key: target(CHAT, replicas)}, seen=seen, now_s=now_s)
        inflow = Inflow(waiting=known(0, now_s), growth_per_s=known(0, now_s), arrivals_per_s=known(counted, now_s))
        (decision,), memory = decide(replace(observation, inflows={HERE: inflow}), memory, Config())
    return decision


@pytest.mark.parametrize("counted", [0.0, 1.0, 2.0])
@pytest.mark.unmeasured
def test_nobody_goes_by_the_count_of_routers_that_are_passed_by(counted: float) -> None:
    found = decided(4.0, counted)

    assert (found.desired or 0) >= 6
    assert found.need_per_s is not None
    assert found.need_per_s > 4.0
    assert found.metrics.reason is MetricsReason.FOUND
    assert "more requests than routers count" in message(found.metrics, {})


@pytest.mark.parametrize(
    ("served", "counted", "growth"),
    [
        pytest.param(4.0, 3.5, 0.0, id="nearly alike"),
        pytest.param(4.0, 0.0, -4.0, id="what they finish was a line"),
        pytest.param(0.1, 0.0, 0.0, id="too few to tell"),
        pytest.param(1.0, 4.0, 3.0, id="a line that grows"),
    ],
)
@pytest.mark.unmeasured
def test_what_agrees_is_believed(served: float, counted: float, growth: float) -> None:
    assert "routers" not in message(decided(served, counted, growth=growth).metrics, {})


@pytest.mark.parametrize(
    ("window_s", "passed_by"), [pytest.param(60.0, True, id="a minute"), pytest.param(5.0, False, id="seconds")]
)
def test_the_fewer_seconds_rates_are_of_the_less_they_tell(window_s: float, *, passed_by: bool) -> None:
    """Two requests a second where one was counted: a hundred and twenty for sixty, and ten for five."""
    seen = rows(CHAT, 6, total=2.0)
    inflow = Inflow(waiting=known(0), growth_per_s=known(0), arrivals_per_s=known(1.0))
    observation = replace(observe(CHAT, targets={CHAT.key: target(CHAT, 6)}, seen=seen), inflows={HERE: inflow})

    (decision,), _ = decide(observation, Memory(), Config(rate_window_s=window_s))

    assert ("routers" in message(decision.metrics, {})) is passed_by


def test_more_is_ordered_by_what_engines_serve() -> None:
    assert (decided(9.0, 0.0).desired or 0) > 6


def test_one_variant_that_is_passed_by_keeps_the_others() -> None:
    memory = Memory()
    for step in range(60):
        now_s = NOW + 15.0 * step
        seen = [*rows(CHAT, 4, total=3.0, at_s=now_s), idle_row(DEAR, at_s=now_s)]
        there = {CHAT.key: target(CHAT, 4), DEAR.key: target(DEAR, 1)}
        inflow = Inflow(waiting=known(0, now_s), growth_per_s=ABSENT, arrivals_per_s=known(0.0, now_s))
        observation = replace(observe(CHAT, DEAR, targets=there, seen=seen, now_s=now_s), inflows={HERE: inflow})
        decisions, memory = decide(observation, memory, Config())

    numbers = {one.key.name: one.desired or 0 for one in decisions}
    assert numbers["chat"] >= 4
    assert numbers["dear"] == 1
