"""The words of a summary: what was asked for, and what one replica gives."""

import pytest

from penstock.scaling.forecast import Forecast
from penstock.scaling.observe import Gauges
from penstock.scaling.phrases import asked, by_saturation, by_slo, change


def ahead(expected_per_s: float, backlog_per_s: float = 0.0) -> Forecast:
    return Forecast(
        level_per_s=expected_per_s, trend_per_s=0.0, burst_per_s=0.0, backlog_per_s=backlog_per_s, lead_s=94.0
    )


@pytest.mark.parametrize(
    ("wanted", "missed", "words"),
    [
        pytest.param(
            ahead(2.0),
            "",
            "2.0 req/s expected in 94 s, one replica serves 0.83 req/s within the SLO",
            id="arrivals",
        ),
        pytest.param(
            ahead(2.0, 0.5),
            "",
            "2.5 req/s expected in 94 s (2.0 req/s arriving by then, the rest to work off the line), "
            "one replica serves 0.83 req/s within the SLO",
            id="and a line",
        ),
        pytest.param(
            ahead(0.5),
            "slo.ttft",
            "0.50 req/s expected in 94 s, one replica serves 0.83 req/s at best, slo.ttft cannot be met",
            id="out of reach",
        ),
        pytest.param(ahead(0.0), "", "nothing arrives or waits", id="engines finish the last requests"),
    ],
)
def test_what_a_decision_by_latency_says(wanted: Forecast, missed: str, words: str) -> None:
    assert by_slo(asked(wanted), 0.83, missed) == words


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


@pytest.mark.parametrize(
    ("engines", "words"),
    [
        pytest.param([Gauges(0.5, 2.0), Gauges(0.7, None)], "60% of the KV cache and 2.0 requests in line", id="both"),
        pytest.param([Gauges(None, 3.0)], "3.0 requests in line", id="one"),
    ],
)
def test_how_full_engines_are(engines: list[Gauges], words: str) -> None:
    assert by_saturation(engines) == f"{words} per engine of the model"


def test_engines_that_do_not_tell_how_full_they_are() -> None:
    assert by_saturation([Gauges(None, None)]) == "no engine tells how full it is"
