"""How far lengths scatter, by buckets of 1, 2, 5, 10, … tokens of laws that are known."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import exp, inf, log, nan, sqrt
from random import Random
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.engine.lengths import Lengths, aged, cv_of
from penstock.engine.scatter import scatter, token_bounds

BOUNDS = (*token_bounds(32_768), inf)


def counted(lengths: Sequence[float]) -> dict[float, float]:
    found = [0] * len(BOUNDS)
    for each in lengths:
        found[bisect_left(BOUNDS, each)] += 1
    return dict(zip(BOUNDS, map(float, accumulate(found)), strict=True))


def log_normal(mean: float, cv: float, count: int) -> list[int]:
    chance, sigma = Random(1), sqrt(log(1 + cv * cv))
    drawn = (round(mean * exp(chance.gauss(-sigma * sigma / 2, sigma))) for _ in range(count))
    return [min(max(each, 1), 32_768) for each in drawn]


@pytest.mark.parametrize("mean", [28.0, 300.0, 1155.0, 4000.0])
@pytest.mark.parametrize("cv", [0.4, 1.0, 2.0])
def test_a_log_normal_law_is_found_within_a_tenth(mean: float, cv: float) -> None:
    lengths = log_normal(mean, cv, 5000)

    assert scatter(counted(lengths)) == pytest.approx(pstdev(lengths) / fmean(lengths), rel=0.1)


@pytest.mark.parametrize(
    "lengths",
    [
        pytest.param([4000] * 500, id="all the same"),
        pytest.param([1000 + 80 * step / 50 for step in range(-100, 101)], id="on both sides of a bound"),
        pytest.param([1] * 40, id="one token each"),
        pytest.param([100_000] * 40, id="beyond the last bound"),
    ],
)
def test_lengths_that_are_much_alike_are_called_so(lengths: list[float]) -> None:
    found = scatter(counted(lengths))

    assert found is not None
    assert found < 0.35


def test_two_kinds_of_traffic_scatter_by_what_lies_between_them() -> None:
    lengths = [200] * 900 + [8000] * 100

    assert scatter(counted(lengths)) == pytest.approx(pstdev(lengths) / fmean(lengths), rel=0.1)


def test_one_far_longer_than_all_others_counts() -> None:
    assert scatter(counted([30] * 1000 + [30_000])) == pytest.approx(15.9, rel=0.4)


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param({}, id="no buckets"),
        pytest.param({1.0: 0.0, inf: 0.0}, id="no requests"),
        pytest.param({1.0: 3.0, 2.0: 4.0}, id="no total"),
        pytest.param({1.0: 3.0, inf: nan}, id="no number"),
    ],
)
def test_nothing_is_said_of_nothing(counts: dict[float, float]) -> None:
    assert scatter(counts) is None


def test_a_bound_that_only_some_engines_have_takes_nothing_away() -> None:
    short, long = counted([300] * 50), counted([300] * 50)
    both = {bound: short[bound] + (long[bound] if bound > 10_000 else 0.0) for bound in BOUNDS}
    both[500.0] = 100.0

    assert scatter(both) == pytest.approx(scatter(short), abs=0.2)


@given(st.lists(st.integers(1, 200_000), min_size=1, max_size=60))
def test_any_lengths_give_a_number(lengths: list[int]) -> None:
    found = scatter(counted(lengths))

    assert found is not None
    assert 0 <= found < 200


@pytest.mark.parametrize(
    ("square", "expected"),
    [
        pytest.param(0.59, 0.8, id="conversation"),
        pytest.param(4.6, 2.1, id="code"),
        pytest.param(0.001, 0.2, id="all the same"),
        pytest.param(1e6, 5.0, id="beyond what anybody has"),
    ],
)
def test_what_was_measured_counts_to_a_digit(square: float, expected: float) -> None:
    assert cv_of(square) == expected


@pytest.mark.parametrize(
    ("finished", "age_ratio", "expected"),
    [
        pytest.param(0.3, 0.0, 0.3, id="only finished ones are known"),
        pytest.param(0.3, 4.0, 2.6, id="the longest still run"),
        pytest.param(3.0, 4.0, 3.0, id="they have finished"),
        pytest.param(0.3, 1.1, 1.1, id="running ones are about as in the traces"),
        pytest.param(3.0, 1.1, 3.0, id="finished ones scatter more than measured"),
        pytest.param(None, 0.6, 0.4, id="nobody knows of finished ones"),
    ],
)
def test_the_wider_of_finished_and_running_answers_counts(
    finished: float | None, age_ratio: float, expected: float | None
) -> None:
    lengths = Lengths(input_tokens=600, output_tokens=1500, output_cv=finished)

    assert aged(lengths, age_ratio).output_cv == expected
