"""Decisions judged by what came after: errors of forecasts, and what runs by the least that would do."""

from dataclasses import replace

import pytest
from tests.unit.controller.test_actuate import DECISION

from penstock.controller.hindsight import Hindsight, Judgement
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Allocation, Decision
from penstock.domain.variants import ObjectKey
from penstock.scaling.history import ModelPast, Moment

SCOPE = ModelScope("llm", "m")
LEAD_S = 180.0


def decision(
    name: str = "chat", *, replicas: int = 2, each: float | None = 10.0, per_s: float | None = 1.0
) -> Decision:
    cost = None if each is None else replicas * each
    alloc = Allocation(replicas=replicas, cost_per_h=cost, cost_per_replica_per_h=each)
    return replace(DECISION, key=ObjectKey("llm", name), alloc=alloc, capacity_per_s=per_s)


def after(past: ModelPast, moment: Moment) -> ModelPast:
    moments, since_s = past.with_moment(moment, gap_s=120.0)
    return replace(past, moments=moments, since_s=since_s)


def played(rates: list[float], decisions: list[Decision] | None = None, lead_s: float = LEAD_S) -> Judgement:
    """Return the judgement after a pass each 15 s that saw these arrivals per second."""
    hindsight, past = Hindsight(), ModelPast()
    for turn, rate in enumerate(rates):
        now_s = 1000.0 + 15.0 * turn
        past = after(past, Moment(now_s, rate))
        hindsight.saw({SCOPE: replace(past, lead_s=lead_s)}, decisions or [decision()], now_s)
    return hindsight.judged[SCOPE]


def test_a_steady_rate_is_foretold() -> None:
    assert played([2.0] * 20).forecast_error_ratio == 0.0


def test_a_step_was_not_foretold() -> None:
    assert played([2.0] * 12 + [4.0]).forecast_error_ratio == pytest.approx(0.5)


def test_it_is_the_forecast_that_was_decided_by() -> None:
    """Since requests are of another mix, how many came before tells nothing."""
    hindsight, past = Hindsight(), ModelPast()
    for turn in range(20):
        now_s = 1000.0 + 15.0 * turn
        past = after(past, Moment(now_s, 8.0 if turn < 12 else 2.0))
        past = replace(past, lead_s=15.0, others_since_s=1180.0 if turn >= 12 else None)
        if turn >= 12:
            hindsight.saw({SCOPE: past}, [decision()], now_s)

    assert hindsight.judged[SCOPE].forecast_error_ratio == 0.0


def test_who_starts_sooner_looks_less_far_ahead() -> None:
    """A forecast for the moment at which nobody could serve yet would be held against who never made it."""
    rates = [2.0] * 8 + [4.0] * 4

    assert played(rates, lead_s=60.0).forecast_error_ratio is not None
    assert played(rates, lead_s=180.0).forecast_error_ratio is None


def test_errors_fade_with_one_judgement_a_minute() -> None:
    soon, later = (played([2.0] * 12 + [4.0] * calm).forecast_error_ratio for calm in (1, 120))

    assert soon == pytest.approx(0.5)
    assert later is not None
    assert 0.5 * 0.9**30 < later < 0.5 * 0.9**20, "half an hour, of which the forecasts of before it count some minutes"


def test_a_trend_is_part_of_what_was_foretold() -> None:
    error = played([200.0 + 2.0 * turn for turn in range(120)]).forecast_error_ratio

    assert error is not None
    assert error < 0.04, "by the level alone it is twice as much"


def looked(*passes: tuple[float, float | None]) -> dict[float, float | None]:
    """Return the error of forecasts, by second, after passes that saw so much a second; None: the model has gone."""
    hindsight, past, found = Hindsight(), ModelPast(), dict[float, float | None]()
    for now_s, rate in passes:
        if rate is None:
            hindsight.saw({}, [], now_s)
            continue
        past = after(past, Moment(now_s, rate))
        hindsight.saw({SCOPE: replace(past, lead_s=LEAD_S)}, [decision()], now_s)
        found[now_s] = hindsight.judged[SCOPE].forecast_error_ratio
    return found


@pytest.mark.parametrize(("late_s", "error"), [(60.0, 0.5), (61.0, None)])
def test_a_forecast_that_nobody_could_look_at_in_time_is_not_judged(late_s: float, error: float | None) -> None:
    then_s = 1000.0 + LEAD_S + late_s

    assert looked((1000.0, 2.0), (then_s, 4.0))[then_s] == error


def test_a_model_that_has_gone_is_not_judged_by_what_was_thought_of_it_before() -> None:
    due_s = 1000.0 + LEAD_S

    gone_before = looked((1000.0, 2.0), (1015.0, None), (due_s, 4.0))
    gone_after = looked((1000.0, 2.0), (due_s, 4.0), (due_s + 15, None), (due_s + 30, 4.0))

    assert gone_before[due_s] is None
    assert (gone_after[due_s], gone_after[due_s + 30]) == (0.5, None)


@pytest.mark.parametrize("rates", [[2.0] * 11, [0.0] * 30])
def test_nothing_to_judge(rates: list[float]) -> None:
    assert played(rates).forecast_error_ratio is None


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
    assert played([2.0], decisions).cost_ratio == ratio


def test_an_idle_model_has_no_least() -> None:
    assert played([0.0]).cost_ratio is None


def test_a_model_whose_demand_is_unknown_or_that_has_gone_is_not_judged() -> None:
    hindsight = Hindsight()
    past = after(ModelPast(), Moment(1000.0, 2.0))

    hindsight.saw({SCOPE: past}, [decision()], 1015.0)
    blind = dict(hindsight.judged)
    hindsight.saw({SCOPE: past}, [], 1000.0)

    assert (blind, hindsight.judged) == ({}, {})
