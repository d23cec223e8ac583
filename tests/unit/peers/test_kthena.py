"""Kthena's order of doubling batches, and its counts."""

import pytest
from tests.unit.peers.looks import counts, look, row, scene, spec

from penstock.peers.kthena import Kthena, batches


def test_batches_double_and_are_ordered_by_what_they_cost_together() -> None:
    order = batches([spec("cheap", usd=1.0, most=7), spec("dear", "H100", usd=3.0, most=3)])

    assert order == [("cheap", 1), ("cheap", 2), ("dear", 1), ("cheap", 4), ("dear", 2)]


def test_a_rate_of_one_gives_whole_types_by_price() -> None:
    order = batches([spec("dear", "H100", usd=3.0, most=3), spec("cheap", usd=1.0, most=7, least=2)], rate=1)

    assert order == [("cheap", 5), ("dear", 3)]


def law() -> Kthena:
    return Kthena(scene(spec(most=10, initial=2), spec("h100", "H100", most=10, initial=0)), target=10.0)


@pytest.mark.parametrize(
    ("metric", "current", "expected"),
    [
        pytest.param(43, 4, 4, id="within a tenth"),
        pytest.param(45, 4, 5, id="beyond it"),
        pytest.param(70, 4, 7, id="panic: all at once"),
        pytest.param(10, 4, 1, id="down at once, as nothing is remembered"),
        pytest.param(900, 4, 20, id="no more than there may be"),
        pytest.param(0, 1, 1, id="never none"),
    ],
)
def test_first_count(metric: float, current: int, expected: int) -> None:
    assert law().instances(0.0, metric, current) == expected


def test_up_waits_for_a_minute_of_agreement_short_of_panic() -> None:
    kthena = law()

    seen = [
        kthena.instances(at_s, metric, 10) for at_s, metric in ((0, 100), (15, 120), (30, 120), (60, 120), (75, 120))
    ]

    assert seen == [10, 10, 10, 10, 12]


def test_down_waits_for_five_minutes_below() -> None:
    kthena = law()
    kthena.instances(0, 100, 10)

    assert kthena.instances(300, 20, 10) == 10
    assert kthena.instances(315, 20, 10) == 2


def test_panic_holds_what_there_is_for_five_minutes() -> None:
    kthena = law()
    kthena.instances(0, 100, 4)

    assert kthena.instances(300, 10, 10) == 10
    assert kthena.instances(315, 10, 10) == 1


def test_which_replicas_run_follows_the_order() -> None:
    rows = {"l40s": [row("a", running=60, waiting=5), row("b", running=45, waiting=0)]}

    plan = law().decide(look(0.0, {"l40s": counts(2), "h100": counts(0)}, rows=rows))

    assert plan == {"l40s": 10, "h100": 1}


def test_silence_changes_nothing() -> None:
    assert law().decide(look(0.0, {"l40s": counts(2), "h100": counts(0)})) == {}
