"""The published formula and its components."""

import pytest

from penstock.domain.policies import Norms, Weights
from penstock.ordering.score import Terms, score

BUILT_IN = Terms.of(Weights(), Norms())


@pytest.mark.parametrize(
    ("criticality", "own_wait_s", "avg_wait_s", "rate_per_s", "expected"),
    [
        pytest.param(1, 0.0, 0.0, 0.0, 0.08, id="nothing but criticality"),
        pytest.param(5, 0.0, 0.0, 0.0, 0.40, id="highest criticality"),
        pytest.param(3, 30.0, 0.0, 0.0, 0.44, id="half the wait"),
        pytest.param(3, 600.0, 0.0, 0.0, 0.64, id="wait is capped"),
        pytest.param(3, 10.0, 30.0, 0.0, 0.44, id="the workload's mean wait where it is longer"),
        pytest.param(3, 0.0, 0.0, 1.0, 0.14, id="half the rate penalty at one per second"),
        pytest.param(1, 0.0, 0.0, 1e12, -0.12, id="the lowest of all"),
        pytest.param(5, 60.0, 0.0, 0.0, 0.80, id="the highest of all"),
        pytest.param(2, 30.0, 0.0, 1 / 60, 0.3567, id="waited for half a minute: ahead of"),
        pytest.param(4, 0.0, 0.0, 1 / 60, 0.3167, id="a fresh one two levels above"),
    ],
)
def test_final_score(
    criticality: int, own_wait_s: float, avg_wait_s: float, rate_per_s: float, expected: float
) -> None:
    result = score(
        BUILT_IN, criticality=criticality, own_wait_s=own_wait_s, avg_wait_s=avg_wait_s, rate_per_s=rate_per_s
    )

    assert result.final_score == pytest.approx(expected, abs=5e-5)


def test_score_carries_what_it_was_made_of() -> None:
    terms = Terms.of(Weights(wait_time=1, criticality=2, request_rate=3), Norms(max_wait_s=10, rate_half_per_s=4))

    result = score(terms, criticality=4, own_wait_s=5.0, avg_wait_s=2.0, rate_per_s=4.0)

    assert (result.criticality, result.own_wait_s, result.avg_wait_s, result.rate_per_s) == (4, 5.0, 2.0, 4.0)
    assert (result.normalized_wait, result.normalized_crit, result.normalized_rate) == (0.5, 0.8, 0.5)
    assert result.final_score == 1 * 0.5 + 2 * 0.8 - 3 * 0.5
