"""The step-time table against the kernel times that it was fitted to."""

import pytest

from penstock.domain.errors import InvalidField
from penstock.engine.steptime import GPUS, cost_of


@pytest.mark.parametrize(
    ("tokens", "decodes", "kernel_ms"),
    [
        pytest.param(1024, 0, 22.0, id="a prompt of 1024"),
        pytest.param(4096, 0, 90.0, id="a prompt of 4096"),
        pytest.param(0, 1, 6.2, id="one decode at 1024"),
        pytest.param(0, 64, 10.4, id="64 decodes at 1024"),
        pytest.param(0, 256, 19.6, id="256 decodes at 1024"),
    ],
)
def test_kernel_time_is_within_six_percent_of_what_was_measured_on_h100(
    tokens: int, decodes: int, kernel_ms: float
) -> None:
    answer = GPUS["H100"].kernel_ms(tokens, float(tokens * tokens), decodes, decodes * 1024)

    assert answer == pytest.approx(kernel_ms, rel=0.06)


def test_a_mixed_step_follows_the_formula() -> None:
    cost = GPUS["A100"]

    answer = cost.step_s(512, 512 * (512 + 2 * 100), 8, 8 * 700)

    compute = 7.19 + 0.05482 * (512 + 8)
    expected = (compute + 8.19e-5 * 5600 + 1.58e-6 * 512 * 712) * 1.1 + 1
    assert answer == pytest.approx(expected / 1000)


def test_a_short_prompt_costs_the_floor_and_a_decode_alone_does_not() -> None:
    cost = GPUS["L40S"]

    assert cost.kernel_ms(1, 1.0, 0, 0) == pytest.approx(25.0, abs=1e-4)
    assert cost.kernel_ms(0, 0.0, 1, 0) == pytest.approx(22.2446)


@pytest.mark.parametrize("gpu", GPUS)
def test_every_row_gets_dearer_with_work(gpu: str) -> None:
    cost = GPUS[gpu]

    idle = cost.step_s(0, 0.0, 1, 100)
    assert (
        idle
        < cost.step_s(0, 0.0, 64, 100)
        < cost.step_s(0, 0.0, 64, 100_000)
        < cost.step_s(2048, 2048.0**2, 64, 100_000)
    )


def test_an_unknown_gpu_names_the_known_ones() -> None:
    with pytest.raises(InvalidField, match=r"gpu='B999': write one of H100, H200"):
        cost_of("B999")

    assert cost_of("h100") is GPUS["H100"]
