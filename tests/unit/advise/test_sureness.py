"""How sure an answer is: every bound of the table."""

from dataclasses import replace
from typing import Any

import pytest

from penstock.advise.sureness import Grounds, Level, sureness

BEST = Grounds(days=7, requests=1e6, unscraped_ratio=0.0, points=0.2, tpot_ratio=1.02, ttft_ratio=1.1)


def test_nothing_keeps_the_best_grounds_down() -> None:
    assert (sureness(BEST).level, sureness(BEST).because) == (Level.HIGH, ())


@pytest.mark.parametrize(
    ("worse", "level", "why"),
    [
        ({"days": 4.9}, Level.MEDIUM, "4.9 days seen"),
        ({"days": 1.0}, Level.LOW, "1.0 days seen"),
        ({"days": 0.9}, Level.NONE, "0.9 days seen, an answer takes 1 at least"),
        ({"requests": 99_000}, Level.MEDIUM, "99,000 requests"),
        ({"requests": 1_000}, Level.LOW, "1,000 requests"),
        ({"requests": 999}, Level.NONE, "999 requests, an answer takes 1,000 at least"),
        ({"unscraped_ratio": 0.06}, Level.MEDIUM, "6 % of the time unscraped"),
        ({"unscraped_ratio": 0.39}, Level.LOW, "39 % of the time unscraped"),
        ({"unscraped_ratio": 0.62}, Level.NONE, "62 % of the time unscraped, an answer takes 40 % at most"),
        ({"points": 2.0}, Level.MEDIUM, "2.0 points off"),
        ({"points": 14.0}, Level.LOW, "14.0 points off"),
        ({"points": 16.0}, Level.NONE, "16.0 points off"),
        ({"points": None}, Level.LOW, "no latency histograms"),
        ({"tpot_ratio": 0.8}, Level.MEDIUM, "the mean tpot is 0.80"),
        ({"tpot_ratio": 2.0}, Level.LOW, "the mean tpot is 2.00"),
        ({"ttft_ratio": 2.0}, Level.MEDIUM, "the mean ttft is 2.00"),
        ({"ttft_ratio": 0.0}, Level.NONE, "the mean ttft is 0.00"),
        ({"supposed": False}, Level.MEDIUM, "size is unknown"),
        ({"played_ratio": 0.2}, Level.MEDIUM, "20 % of the time played"),
    ],
    ids=str,
)
def test_the_weakest_ground_decides(worse: dict[str, Any], level: Level, why: str) -> None:
    found = sureness(replace(BEST, **worse))

    assert found.level is level
    assert why in "; ".join(found.because)


def test_only_what_decides_is_told() -> None:
    found = sureness(replace(BEST, days=3, requests=2_000))

    assert found.because == ("2,000 requests",)
