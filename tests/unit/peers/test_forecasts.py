"""Predictors on sequences whose next number is known."""

import math

import pytest

from penstock.peers.forecasts import PREDICTORS, Autoregression, Constant, Forecast, Kalman


def after(predictor: Forecast, values: list[float]) -> float:
    forecast = 0.0
    for value in values:
        predictor.add(value)
        forecast = predictor.next()
    return forecast


@pytest.mark.parametrize("kind", PREDICTORS)
def test_zeros_before_the_first_number_and_a_constant_series(kind: type) -> None:
    assert after(kind(), [0.0, 0.0]) == 0.0
    assert after(kind(), [0.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0]) == pytest.approx(7.0)


def test_constant_repeats_the_last() -> None:
    assert after(Constant(), [1.0, 5.0, 3.0]) == 3.0


def test_kalman_by_hand() -> None:
    kalman = Kalman()

    # state (10, 0), covariance 1000 I; predicted: level 10, covariance 2001, 1000, 1000.1; gain 2001/2011, 1000/2011
    assert after(kalman, [10.0]) == 10.0
    level, trend = 10 + 2001 / 2011 * 10, 1000 / 2011 * 10
    assert after(kalman, [20.0]) == pytest.approx(level + trend)


def test_kalman_asked_twice_predicts_once() -> None:
    kalman = Kalman()
    after(kalman, [10.0, 20.0, 30.0])

    assert kalman.next() == kalman.next()


def test_kalman_follows_a_ramp() -> None:
    assert after(Kalman(), [100.0 + 10 * step for step in range(30)]) == pytest.approx(400.0, rel=0.01)


def test_autoregression_needs_five_points() -> None:
    assert after(Autoregression(), [1.0, 2.0, 3.0, 4.0]) == 4.0


def test_autoregression_follows_a_ramp() -> None:
    assert after(Autoregression(), [100.0 + 10 * step for step in range(12)]) == pytest.approx(220.0, rel=1e-3)


def test_autoregression_finds_a_decay() -> None:
    values = [50 + 200 * 0.5**step + (1 if step % 3 else -1) for step in range(14)]

    assert after(Autoregression(), values) == pytest.approx(50, abs=5)


def test_autoregression_finds_a_wave() -> None:
    wave = [100 + 50 * math.sin(2 * math.pi * step / 12) for step in range(30)]

    assert after(Autoregression(), wave) == pytest.approx(100 + 50 * math.sin(2 * math.pi * 30 / 12), abs=2)


def test_noise_without_memory_goes_through_logarithms() -> None:
    spiky = [10.0, 10.0, 1000.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0]

    assert after(Autoregression(), spiky) < sum(spiky) / len(spiky)


def test_never_below_zero() -> None:
    assert 0 <= after(Autoregression(), [50.0, 40.0, 30.0, 20.0, 10.0, 1.0]) < 1
