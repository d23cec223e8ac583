"""Decisions judged by what came after: errors of the forecasts they rest on, and what runs by the least that would do.

Every past here was made by real passes.
"""

from dataclasses import replace

import pytest
from tests.unit.controller.test_actuate import DECISION
from tests.unit.scaling.scene import MODEL, NOW, observe, row, variant

from penstock.controller.hindsight import Judgement, judged
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Allocation, Decision
from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

SCOPE = ModelScope("llm", MODEL)
CHAT = variant()
LEAD_S = 180.0


def looked(
    *passes: tuple[float, float | None], startup_time_s: float = LEAD_S, there: bool = True
) -> dict[float, Judgement | None]:
    """Return what each pass knew, by its second, of a model of which so much arrived.

    None: nobody could tell; or, unless it is `there`, the variant has gone.
    """
    memory, found = Memory(), dict[float, Judgement | None]()
    one = replace(CHAT, startup_time_s=startup_time_s)
    for at_s, rate in passes:
        now_s = NOW + at_s
        seen = () if rate is None else (row(one, rate=rate, at_s=now_s),)
        variants = (one,) if there or rate is not None else ()
        decisions, memory = decide(observe(*variants, seen=seen, now_s=now_s), memory, Config())
        found[at_s] = judged(memory.models, decisions, now_s).get(SCOPE)
    return found


def error_after(*rates: float, startup_time_s: float = LEAD_S) -> float | None:
    """Return the error of forecasts after a pass each 15 s that saw these arrivals per second."""
    passes = looked(*((15.0 * turn, rate) for turn, rate in enumerate(rates)), startup_time_s=startup_time_s)
    last = passes[15.0 * (len(rates) - 1)]
    assert last is not None
    return last.forecast_error_ratio


def decision(
    name: str = "chat", *, replicas: int = 2, each: float | None = 10.0, per_s: float | None = 1.0
) -> Decision:
    cost = None if each is None else replicas * each
    alloc = Allocation(replicas=replicas, cost_per_h=cost, cost_per_replica_per_h=each)
    return DECISION._replace(key=ObjectKey("llm", name), model=MODEL, alloc=alloc, capacity_per_s=per_s)


def cost_ratio(rate: float, *decisions: Decision) -> float | None:
    """Return what these cost, by what would do for a pass that saw so much a second."""
    _, memory = decide(observe(CHAT, seen=[row(CHAT, rate=rate)]), Memory(), Config())
    return judged(memory.models, decisions, NOW)[SCOPE].cost_ratio


def test_a_steady_rate_is_foretold() -> None:
    assert error_after(*[2.0] * 20) == pytest.approx(0.0)


@pytest.mark.parametrize(("before", "after", "error"), [(2.0, 4.0, 0.5), (4.0, 3.0, 0.25), (0.0, 1.0, 1.0)])
def test_a_step_was_not_foretold(before: float, after: float, error: float) -> None:
    """By the larger of both, so that one half is as far off as the double."""
    assert error_after(*[before] * 12, after) == pytest.approx(error)


def test_who_starts_sooner_looks_less_far_ahead() -> None:
    """A forecast for the moment at which nobody could serve yet would be held against who never made it."""
    rates = [2.0] * 8 + [4.0] * 4

    assert error_after(*rates, startup_time_s=60.0) is not None
    assert error_after(*rates, startup_time_s=180.0) is None


def test_errors_fade_with_one_judgement_a_minute() -> None:
    soon, later = (error_after(*[2.0] * 12, *[4.0] * calm) for calm in (1, 120))

    assert soon == pytest.approx(0.5)
    assert later is not None
    assert 0.5 * 0.9**30 < later < 0.5 * 0.9**20, "half an hour, of which the forecasts of before it count some minutes"


def test_a_trend_is_part_of_what_was_foretold() -> None:
    error = error_after(*(200.0 + 2.0 * turn for turn in range(120)))

    assert error is not None
    assert error < 0.04, "by the level alone it is twice as much"


@pytest.mark.parametrize(("late_s", "error"), [(60.0, 0.5), (61.0, None)])
def test_a_forecast_that_nobody_could_look_at_in_time_is_not_judged(late_s: float, error: float | None) -> None:
    due_s = LEAD_S + late_s

    found = looked((0.0, 2.0), (due_s, 4.0))[due_s]

    assert found is not None
    assert found.forecast_error_ratio == (None if error is None else pytest.approx(error))


def test_a_model_that_has_gone_is_not_judged_by_what_was_thought_of_it_before() -> None:
    before = looked((0.0, 2.0), (15.0, None), (LEAD_S, 4.0), there=False)
    after = looked((0.0, 2.0), (LEAD_S, 4.0), (LEAD_S + 15, None), (LEAD_S + 30, 4.0), there=False)

    errors = [found and found.forecast_error_ratio for found in (before[LEAD_S], after[LEAD_S], after[LEAD_S + 30])]
    assert errors == [None, pytest.approx(0.5), None]
    assert after[LEAD_S + 15] is None


def test_a_pass_that_did_not_know_the_demand_judges_nothing_and_forgets_nothing() -> None:
    found = looked((0.0, 2.0), (LEAD_S, 4.0), (LEAD_S + 15, None), (LEAD_S + 30, 4.0))

    first, blind, again = (found[LEAD_S + after_s] for after_s in (0, 15, 30))
    assert blind is None
    assert first is not None
    assert again is not None
    assert again.forecast_error_ratio == first.forecast_error_ratio == pytest.approx(0.5)


@pytest.mark.parametrize("rates", [[2.0] * 12, [0.0] * 30])
def test_nothing_to_judge(rates: list[float]) -> None:
    assert error_after(*rates) is None


@pytest.mark.parametrize(
    ("decisions", "ratio"),
    [
        pytest.param([decision()], 1.0, id="exactly what is needed"),
        pytest.param([decision(replicas=3)], 1.5, id="half more"),
        pytest.param([decision(), decision("cheap", replicas=0, each=5.0)], 2.0, id="a cheaper variant would do"),
        pytest.param([decision(), decision("new", per_s=None, replicas=0)], 1.0, id="one that nobody knows yet"),
        pytest.param([decision(each=None)], None, id="no price"),
        pytest.param([decision(), decision("new", each=None)], None, id="one without a price"),
        pytest.param([decision(per_s=None)], None, id="nobody knows the capacity"),
    ],
)
def test_what_runs_by_the_least_that_would_do(decisions: list[Decision], ratio: float | None) -> None:
    assert cost_ratio(2.0, *decisions) == ratio


def test_an_idle_model_has_no_least() -> None:
    assert cost_ratio(0.0, decision()) is None


def test_only_models_of_this_pass_are_judged() -> None:
    _, memory = decide(observe(CHAT, seen=[row(CHAT)]), Memory(), Config())

    assert judged(memory.models, [], NOW) == {}
    assert judged({}, [decision()], NOW) == {}
    assert set(judged(memory.models, [decision()], NOW)) == {SCOPE}
