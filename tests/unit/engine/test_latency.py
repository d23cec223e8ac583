"""llm-d-inference-sim's latency laws: which formula, which bounds, which load."""

import random

import pytest

from penstock.domain.errors import InvalidField
from penstock.engine.latency import Calculator, Latencies

CONSTANT = {"time_to_first_token_s": 0.1}
PER_TOKEN = {"prefill_overhead_s": 0.03, "prefill_time_per_token_s": 0.00025}


@pytest.mark.parametrize(
    ("latencies", "expected_s"),
    [
        pytest.param(Latencies(**CONSTANT), 0.1, id="unset, with a constant"),
        pytest.param(Latencies(**PER_TOKEN), 0.03 + 400 * 0.00025, id="unset, without one"),
        pytest.param(Latencies(**CONSTANT, **PER_TOKEN), 0.1, id="unset, with both"),
        pytest.param(Latencies(calculator=Calculator.PER_TOKEN, **CONSTANT, **PER_TOKEN), 0.13, id="per token"),
        pytest.param(Latencies(calculator=Calculator.CONSTANT, **PER_TOKEN), 0.0, id="constant and none given"),
    ],
)
def test_time_to_first_token(latencies: Latencies, expected_s: float) -> None:
    assert latencies.first_token_s(random.Random(1), 400, 1.0) == pytest.approx(expected_s)


@pytest.mark.parametrize(
    ("running", "slots", "factor"),
    [
        pytest.param(1, 5, 1.0, id="alone"),
        pytest.param(3, 5, 1.5, id="half way"),
        pytest.param(5, 5, 2.0, id="full"),
        pytest.param(1, 1, 1.0, id="one slot has no load"),
    ],
)
def test_load_stretches_linearly(running: int, slots: int, factor: float) -> None:
    assert Latencies(time_factor_under_load=2.0).load_factor(running, slots) == factor


def test_load_stretches_every_mean() -> None:
    latencies = Latencies(inter_token_latency_s=0.02, **PER_TOKEN)

    assert latencies.next_token_s(random.Random(1), 2.0) == pytest.approx(0.04)
    assert latencies.first_token_s(random.Random(1), 400, 2.0) == pytest.approx(0.26)


def test_a_drawn_time_never_leaves_seventy_percent() -> None:
    latencies = Latencies(inter_token_latency_s=0.1, inter_token_latency_std_dev_s=0.03, prefill_time_std_dev_s=9.0)
    chance = random.Random(7)

    gaps = [latencies.next_token_s(chance, 1.0) for _ in range(2000)]

    assert 0.03 <= min(gaps) < 0.05
    assert 0.15 < max(gaps) <= 0.17
    assert sum(gaps) / len(gaps) == pytest.approx(0.1, rel=0.03)
    assert latencies.first_token_s(chance, 10, 1.0) == 0.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param(
            {"inter_token_latency_s": 0.1, "inter_token_latency_std_dev_s": 0.031},
            r"inter-token-latency-std-dev='0.031s': write at most 30 % of --inter-token-latency", id="deviation"),
        pytest.param({"prefill_overhead_s": -1.0}, r"prefill-overhead='-1.0s': write 0s or more", id="negative"),
        pytest.param({"time_factor_under_load": 0.5}, r"time-factor-under-load=0.5: write 1 or more", id="factor"),
    ],
)  # fmt: skip
def test_impossible_latencies_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        Latencies(**fields)
