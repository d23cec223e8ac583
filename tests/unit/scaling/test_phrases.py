"""The words of a summary: what was asked for, and what one replica gives."""

import pytest

from penstock.scaling.demand import Demand
from penstock.scaling.phrases import by_slo, change


def demand(arrivals_per_s: float, need_per_s: float) -> Demand:
    return Demand(arrivals_per_s=arrivals_per_s, need_per_s=need_per_s, input_tokens=100.0, output_tokens=128.0)


@pytest.mark.parametrize(
    ("wanted", "missed", "words"),
    [
        pytest.param(
            demand(2.0, 2.0),
            "",
            "2.0 req/s needed for the model, one replica serves 0.83 req/s within the SLO",
            id="arrivals",
        ),
        pytest.param(
            demand(2.0, 2.5),
            "",
            "2.5 req/s needed for the model (2.0 req/s arriving, the rest to work off the line), "
            "one replica serves 0.83 req/s within the SLO",
            id="and a line",
        ),
        pytest.param(
            demand(0.5, 0.5),
            "slo.ttft",
            "0.50 req/s needed for the model, one replica serves 0.83 req/s at best, slo.ttft cannot be met",
            id="out of reach",
        ),
        pytest.param(demand(0.0, 0.0), "", "nothing arrives or waits", id="engines finish the last requests"),
    ],
)
def test_what_a_decision_by_latency_says(wanted: Demand, missed: str, words: str) -> None:
    assert by_slo(wanted, 0.83, missed) == words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        pytest.param(2, 3, "2 -> 3: because", id="moved"),
        pytest.param(3, 3, "3: because", id="stays"),
        pytest.param(None, 3, "3: because", id="the first"),
    ],
)
def test_how_a_number_moves(before: int | None, after: int, words: str) -> None:
    assert change(before, after, "because") == words


def test_a_summary_fits_its_field() -> None:
    assert len(change(1, 2, "x" * 500)) == 256
