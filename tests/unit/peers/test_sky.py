"""SkyServe's packing by target rates, and its hysteresis in decisions."""

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.peers.sky import Hysteresis, SkyServe, wanted_instances
from penstock.sim.policies import Counts

TARGETS = {"l4": 1.0, "h100": 10.0}


@pytest.mark.parametrize(
    ("qps", "l4", "h100", "expected"),
    [
        pytest.param(12.0, counts(2), counts(1), 3, id="exactly the sum: nothing is missing"),
        pytest.param(13.0, counts(2), counts(1), 4, id="one over is one of the largest"),
        pytest.param(32.5, counts(2), counts(1), 6, id="twenty and a half over are three of the largest"),
        pytest.param(11.0, counts(2), counts(1), 3, id="packed: the H100 and one L4 must exceed the rate"),
        pytest.param(10.5, counts(2), counts(1), 2, id="packed: the H100 and one L4 do"),
        pytest.param(9.0, counts(2), counts(1), 1, id="packed: the H100 alone"),
        pytest.param(9.0, counts(2), counts(0, starting=1), 2, id="one that starts counts for up, not for packing"),
        pytest.param(5.0, counts(0), counts(0), 0, id="nothing there: the least"),
    ],
)
def test_instances(qps: float, l4: Counts, h100: Counts, expected: int) -> None:
    assert wanted_instances(qps, TARGETS, {"l4": l4, "h100": h100}) == expected


def test_hysteresis_counts_decisions_of_one_direction() -> None:
    law = Hysteresis(2, up=3, down=4)

    assert [law.decide(wanted) for wanted in (5, 5, 1, 5, 5, 6)] == [2, 2, 2, 2, 2, 6]
    assert [law.decide(wanted) for wanted in (1, 1, 6, 1, 1, 1, 1)] == [6, 6, 6, 6, 6, 6, 1]


def test_from_none_at_once() -> None:
    assert Hysteresis(0, up=3, down=4).decide(2) == 2


def run(law: SkyServe, rate: float, decisions: int, l40s: int, h100: int) -> dict[str, int]:
    fleet = {"l40s": counts(l40s), "h100": counts(h100)}
    plan: dict[str, int] = {}
    for number in range(1, decisions + 1):
        now_s = number * law.tick_s
        rows = {"l40s": [busy("a", running=10, at_s=now_s)]}
        plan = dict(law.decide(look(now_s, fleet, rows=rows, arrived=int(rate * now_s))))
    return plan


def test_new_ones_are_of_the_cheapest_type_with_a_place() -> None:
    place = scene(spec(initial=1, most=3), spec("h100", "H100", initial=0))

    assert run(SkyServe(place), 60.0, 14, 1, 0) == {"l40s": 1, "h100": 0}
    assert run(SkyServe(place), 60.0, 15, 1, 0) == {"l40s": 3, "h100": 1}  # 1 + ⌈(60 - 4) / 19⌉


def test_those_with_the_lowest_target_go_first() -> None:
    law = SkyServe(scene(spec(initial=3), spec("h100", "H100", initial=1)), downscale_delay_s=20.0)

    assert run(law, 10.0, 1, 3, 1) == {"l40s": 0, "h100": 1}


def test_nothing_is_decided_before_lengths_are_known() -> None:
    law = SkyServe(scene())

    assert law.decide(look(20.0, {"l40s": counts(1)}, arrived=100)) == {}
