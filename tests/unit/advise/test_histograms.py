"""Shares and spreads out of buckets."""

import math
import random

import pytest

from penstock.advise.histograms import share_below, variation


@pytest.mark.parametrize(
    ("buckets", "limit", "share"),
    [
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 2.0, 0.9, id="at a bound"),
        pytest.param({1.0: 20, 2.0: 90, math.inf: 100}, 1.5, 0.55, id="between two, below the first quarter"),
        pytest.param({1.0: 84, 2.0: 99, math.inf: 100}, 1.5, 0.96, id="between two, in the tail"),
        pytest.param({1.0: 98, 2.0: 100, math.inf: 100}, 1.5, 0.99, id="in the tail, with nothing beyond"),
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 0.5, 0.25, id="below the first"),
        pytest.param({1.0: 50, 2.0: 90, math.inf: 100}, 9.0, 0.9, id="beyond the last: not known to be met"),
        pytest.param({1.0: 50, 2.0: 49.9, math.inf: 50}, 2.0, 1.0, id="extrapolated counts that cross"),
        pytest.param({1.0: 0, math.inf: 0}, 1.0, None, id="nothing counted"),
        pytest.param({}, 1.0, None, id="no buckets"),
    ],
)
def test_share_below(buckets: dict[float, float], limit: float, share: float | None) -> None:
    assert share_below(buckets, limit) == (None if share is None else pytest.approx(share))


def test_a_target_between_two_buckets_of_vllm() -> None:
    """What exceeds 2 s is foretold of 1 s and 2.5 s, the nearest buckets that vLLM has."""
    chance = random.Random(1)
    values = [chance.lognormvariate(-1.0, 0.6) for _ in range(50_000)]
    buckets = {bound: float(sum(value <= bound for value in values)) for bound in (0.75, 1.0, 2.5, math.inf)}

    found = share_below(buckets, 2.0)

    assert found == pytest.approx(sum(value <= 2.0 for value in values) / 50_000, abs=0.004)


def test_variation_of_an_exponential_law_is_one() -> None:
    chance = random.Random(1)
    values = [chance.expovariate(1 / 1000) for _ in range(5000)]
    bounds = [100 * step for step in range(1, 100)]

    found = variation({**{float(one): sum(value <= one for value in values) for one in bounds}, math.inf: 5000})

    assert found == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("buckets", [{}, {10.0: 3.0, math.inf: 5.0}], ids=["nothing", "few"])
def test_no_variation_of_too_little(buckets: dict[float, float]) -> None:
    assert variation(buckets) is None
