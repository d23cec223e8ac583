"""Dynamo's planner: when it goes one up or down, and what it makes of a forecast."""

from dataclasses import replace

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.domain.readings import ABSENT
from penstock.peers.dynamo import Combined, Load, Throughput
from penstock.peers.dynamoload import Engine, easy_step, engines, load_step
from penstock.sim.scene import CHAT

L40S = spec()
CALM = Engine(
    spec=L40S,
    running=10,
    kv_tokens=11_000,
    queued_tokens=0,
    input_tokens=1000,
    context_tokens=1100,
    prefill_tokens=50,
)
QUEUED = replace(CALM, queued_tokens=60_000)  # thirty steps of 2,048 tokens: 4.7 s
CROWDED = replace(CALM, running=250, kv_tokens=190_000, prefill_tokens=1000)  # a step of 0.12 s


def test_first_token_in_whole_steps_of_the_budget() -> None:
    engine = replace(CALM, queued_tokens=2 * 2048 - 1000 + 100)

    expected = 2 * L40S.cost.step_s(2048, 2048.0**2, 10, 11_000) + L40S.cost.step_s(100, 1e4, 10, 11_000)
    assert engine.ttft_s() == pytest.approx(expected)


def test_cache_counts_what_is_in_line() -> None:
    assert replace(CALM, kv_tokens=99_000, queued_tokens=49_500).cache_ratio == 0.75


@pytest.mark.parametrize(
    ("fleet", "expected"),
    [
        pytest.param([QUEUED, QUEUED], 1, id="every first token is late"),
        pytest.param([CROWDED, CROWDED], 1, id="every step is late"),
        pytest.param([QUEUED, CALM], 0, id="one in time: not up; one late: not down"),
        pytest.param([QUEUED, CROWDED], 0, id="late in different ways"),
        pytest.param([CALM, CALM], -1, id="one could do the work of both"),
        pytest.param([CALM], 0, id="the last one stays"),
        pytest.param([replace(CALM, kv_tokens=100_000)] * 2, 0, id="one cache does not hold both"),
        pytest.param([replace(CALM, running=128, kv_tokens=60_000, prefill_tokens=800)] * 2, 0, id="eight tenths"),
    ],
)
def test_one_up_or_down(fleet: list[Engine], expected: int) -> None:
    assert load_step(fleet, CHAT, 0.8) == expected


@pytest.mark.parametrize(
    ("ratios", "up", "down", "expected"),
    [
        pytest.param([0.1, 1.1], 1.0, 0.6, 1, id="any above"),
        pytest.param([0.5, 0.5], 1.0, 0.6, -1, id="all below"),
        pytest.param([0.5, 0.7], 1.0, 0.6, 0, id="one between"),
        pytest.param([0.0], 1.0, 0.6, 0, id="the last one stays"),
        pytest.param([0.3, 0.41], 0.4, 0.1, 1, id="latency goes up earlier"),
    ],
)
def test_easy(ratios: list[float], up: float, down: float, expected: int) -> None:
    assert easy_step(ratios, up, down) == expected


def test_an_engine_without_lengths_tells_nothing() -> None:
    whole = busy("a", running=3)

    assert len(engines(L40S, [whole, replace(whole, input_tokens=ABSENT)])) == 1


@pytest.mark.parametrize(
    ("ready", "starting", "pods", "expected"),
    [
        pytest.param(2, 0, 2, {"l40s": 3}, id="free to move"),
        pytest.param(2, 1, 2, {}, id="a scaling is under way"),
        pytest.param(3, 0, 2, {}, id="an engine is unheard of"),
        pytest.param(0, 1, 0, {}, id="no engine"),
    ],
)
def test_load_is_frozen_while_scaling(ready: int, starting: int, pods: int, expected: dict[str, int]) -> None:
    rows = {"l40s": [busy(f"p{number}", running=40, waiting=60) for number in range(pods)]}

    assert Load(scene()).decide(look(0.0, {"l40s": counts(ready, starting=starting)}, rows=rows)) == expected


def test_throughput_divides_the_forecast_by_the_capacity() -> None:
    law = Throughput(scene(), predictor=0)

    def replicas(at_s: float, arrived: int) -> int | None:
        rows = {"l40s": [busy("a", running=3, at_s=at_s)]}
        seen = look(at_s, {"l40s": counts(1)}, rows=rows, arrived=arrived, arrived_input_tokens=1000 * arrived)
        return law.decide(seen).get("l40s")

    assert [replicas(180, 180), replicas(360, 3780), replicas(540, 3960)] == [1, 4, 1]  # 1/s, 20/s, 1/s at 5.4/s each


def test_throughput_is_the_floor_of_load() -> None:
    law = Combined(scene(), predictor=0)
    rows = {"l40s": [busy(f"p{number}", running=3, at_s=180.0) for number in range(2)]}
    calm = look(180.0, {"l40s": counts(2)}, rows=rows, arrived=3600, arrived_input_tokens=3_600_000)

    assert Load(scene()).decide(calm) == {"l40s": 1}
    assert law.decide(calm) == {"l40s": 4}


def test_nothing_is_forecast_before_there_is_traffic() -> None:
    assert Throughput(scene()).decide(look(0.0, {"l40s": counts(1)})) == {}


@pytest.mark.parametrize("foreseen", [1e6, 4e13, float("inf")])
def test_a_forecast_that_blew_up_asks_for_all_there_may_be(foreseen: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """An autoregression over ten-minute bursts foresaw prompts of 4e13 tokens, and ended a comparison of an hour."""
    law = Throughput(scene(), predictor=0)
    rows = {"l40s": [busy(f"p{number}", running=3, at_s=180.0) for number in range(2)]}
    monkeypatch.setattr(law._inputs, "next", lambda: foreseen)

    found = law.decide(look(180.0, {"l40s": counts(2)}, rows=rows, arrived=3600, arrived_input_tokens=3_600_000))

    assert found == {"l40s": scene().variants[0].max_replicas}
