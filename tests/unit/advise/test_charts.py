"""What the charts of a model show of hours and gaps."""

from tests.unit.advise.histories import grid, history

from penstock.advise import charts
from penstock.advise.assemble import pasts
from penstock.advise.past import Hour
from penstock.advise.wish import Wish

HOUR_S = 3600.0


def hour(number: int, met: float, requests: float = 10.0) -> Hour:
    return Hour(start_s=number * HOUR_S, requests=requests, met_ratio=met)


def test_each_hour_is_level_and_those_that_were_not_played_are_gaps() -> None:
    (past,) = pasts(history(), grid(1.0), Wish().slo)

    found = charts._hours([hour(2, 0.9), hour(3, 1.0), hour(5, 0.8), hour(9, 0.5, 0.0)], past)

    assert found == (
        (0.0, None),
        *((7200.0, 0.9), (10_800.0, 0.9)),
        *((10_800.0, 1.0), (14_400.0, 1.0), (14_400.0, None)),
        *((18_000.0, 0.8), (21_600.0, 0.8), (21_600.0, None)),
        (86_400.0, None),
    )
