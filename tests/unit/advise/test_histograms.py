"""Shares and spreads out of buckets."""

import math
import random

import pytest

from penstock.advise.histograms import share_below, variation


@pytest.mark.parametrize(
    ("buckets", "limit", "share"),
    [
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 2.0, 0.9, id="at a bound"),
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 1.5, 0.7, id="between two"),
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 0.5, 0.25, id="below the first"),
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 9.0, 0.9, id="beyond the last: not known to be met"),
        pytest.param({1.0: 50, 2.0: 49.9, math.inf: 50}, 2.0, 1.0, id="extrapolated counts that cross"),
        pytest.param({1.0: 0, math.inf: 0}, 1.0, None, id="nothing counted"),
        pytest.param({}, 1.0, None, id="no buckets"),
    ],
)
def test_share_below(buckets: dict[float, float], limit: float, share: float | None) -> None:
    assert share_below(buckets, limit) == (None if share is None else pytest.approx(share))


def test_variation_of_an_exponential_law_is_one() -> None:
    chance = random.Random(1)
    values = [chance.expovariate(1 / 1000) for _ in range(5000)]
    bounds = [100 * step for step in range(1, 100)]

    found = variation({**{float(one): sum(value <= one for value in values) for one in bounds}, math.inf: 5000})

    assert found == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("buckets", [{}, {10.0: 3.0, math.inf: 5.0}], ids=["nothing", "few"])
def test_no_variation_of_too_little(buckets: dict[float, float]) -> None:
    assert variation(buckets) is None
