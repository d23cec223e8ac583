"""WVA's two analysers against the numbers that its own code gives, and what its HPAs make of them."""

import pytest
from tests.unit.peers.looks import counts, look, row, scene, spec

from penstock.domain.observations import PodMetrics
from penstock.peers.wva import Peaks, WvaV1, recommend
from penstock.peers.wvatokens import WvaV2
from penstock.sim.policies import Counts

CHEAP, DEAR = spec("cheap", usd=1.0), spec("dear", "H100", usd=3.0)


# --- V1: the move is tested with scaling.saturation; here is what becomes of it


@pytest.mark.parametrize(
    ("move", "fleet", "reporting", "before", "expected"),
    [
        pytest.param(1, (counts(2), counts(1)), (2, 1), {}, (3, 1), id="up: the cheapest"),
        pytest.param(-1, (counts(2), counts(2)), (2, 2), {}, (2, 1), id="down: the dearest"),
        pytest.param(-1, (counts(2), counts(1)), (2, 1), {}, (1, 1), id="down: never the last of a variant"),
        pytest.param(0, (counts(2), counts(1)), (2, 1), {}, (2, 1), id="neither"),
        pytest.param(1, (counts(2, starting=1), counts(1)), (2, 1), {"cheap": 3, "dear": 1}, (3, 1), id="one starts"),
        pytest.param(1, (counts(2), counts(1)), (1, 1), {}, (2, 1), id="one does not report: all frozen"),
        pytest.param(
            -1, (counts(2), counts(3)), (2, 3), {"cheap": 2, "dear": 2}, (2, 2), id="not followed: all frozen"
        ),
        pytest.param(-1, (counts(2), counts(3)), (2, 3), {"cheap": 2, "dear": 3}, (2, 2), id="followed: on it goes"),
    ],
)
def test_v1_recommends(
    move: int,
    fleet: tuple[Counts, Counts],
    reporting: tuple[int, int],
    before: dict[str, int],
    expected: tuple[int, int],
) -> None:
    names = ("cheap", "dear")

    desired = recommend(
        move, (CHEAP, DEAR), dict(zip(names, reporting, strict=True)), dict(zip(names, fleet, strict=True)), before
    )

    assert tuple(desired[name] for name in names) == expected


def test_ties_up_by_first_name_and_down_by_last() -> None:
    twins = (spec("a", usd=1.0), spec("b", usd=1.0))
    fleet = {"a": counts(2), "b": counts(2)}

    assert recommend(1, twins, {"a": 2, "b": 2}, fleet) == {"a": 3, "b": 2}
    assert recommend(-1, twins, {"a": 2, "b": 2}, fleet) == {"a": 2, "b": 1}


def test_a_peak_lasts_a_minute() -> None:
    peaks = Peaks()

    def queue(at_s: float, waiting: float) -> float:
        rows = {"cheap": [row("a", at_s, kv_usage_ratio=0.1, waiting=waiting)]}
        return peaks.read(look(at_s, {"cheap": counts(1)}, rows=rows))["cheap"][0].queue

    assert [queue(at_s, waiting) for at_s, waiting in ((0, 7), (15, 0), (45, 0), (60, 0))] == [7, 7, 7, 0]


def full(at_s: float, pods: int) -> dict[str, list[PodMetrics]]:
    return {"cheap": [row(f"p{number}", at_s, kv_usage_ratio=0.9, waiting=9.0) for number in range(pods)]}


def test_v1_adds_one_and_waits_for_it() -> None:
    law = WvaV1(scene(spec("cheap", initial=2)))

    first = law.decide(look(0.0, {"cheap": counts(2)}, rows=full(0.0, 2)))
    waiting = law.decide(look(30.0, {"cheap": counts(2, starting=1)}, rows=full(30.0, 2)))
    there = law.decide(look(60.0, {"cheap": counts(3)}, rows=full(60.0, 3)))

    assert [first["cheap"], waiting["cheap"], there["cheap"]] == [3, 3, 4]


def test_v1_falls_only_through_the_window_of_the_hpa() -> None:
    law = WvaV1(scene(spec("cheap", initial=3)))

    def idle(at_s: float) -> int:
        rows = {"cheap": [row(f"p{number}", at_s, kv_usage_ratio=0.0, waiting=0.0) for number in range(3)]}
        return law.decide(look(at_s, {"cheap": counts(3)}, rows=rows))["cheap"]

    assert [idle(at_s) for at_s in range(0, 301, 15)] == [3] * 20 + [2]


def test_without_any_series_nothing_is_recommended() -> None:
    assert WvaV1(scene()).decide(look(0.0, {"l40s": counts(1)})) == {}


# --- V2: the law is tested with scaling.tokens; here is what becomes of it


def test_v2_adds_for_full_caches_of_a_running_fleet() -> None:
    law = WvaV2(scene(spec("cheap", initial=2)))
    rows = {
        "cheap": [
            row(
                f"p{number}",
                kv_usage_ratio=0.9,
                waiting=0.0,
                kv_capacity_tokens=16000.0,
                input_tokens=1000.0,
                output_tokens=200.0,
            )
            for number in range(2)
        ]
    }

    assert law.decide(look(0.0, {"cheap": counts(2)}, rows=rows)) == {"cheap": 3}
