"""Ray Serve's formula and delays."""

import pytest
from tests.unit.peers.looks import counts, look, scene, spec

from penstock.peers.ray import RayServe, desired


@pytest.mark.parametrize(
    ("raw", "running", "up", "down", "expected"),
    [
        pytest.param(5.0, 2, 1.0, 1.0, 5, id="in proportion"),
        pytest.param(2.1, 2, 1.0, 1.0, 3, id="a part of one is one"),
        pytest.param(10.0, 2, 0.5, 1.0, 6, id="half of the way up"),
        pytest.param(4.0, 8, 1.0, 0.5, 6, id="half of the way down"),
        pytest.param(1.8, 2, 1.0, 1.0, 2, id="not fewer for a part of one"),
        pytest.param(1.0, 2, 1.0, 0.3, 1, id="a fall that rounding swallows is one"),
    ],
)
def test_factors_apply_to_the_difference(raw: float, running: int, up: float, down: float, expected: int) -> None:
    assert desired(raw, running, up, down) == expected


def wanted(law: RayServe, now_s: float, ongoing: int, ready: int) -> int:
    return law.decide(look(now_s, {"l40s": counts(ready)}, in_flight={"l40s": ongoing}))["l40s"]


def test_up_after_thirty_seconds_without_a_break() -> None:
    law = RayServe(scene(spec(initial=2)), target=2.0)

    seen = [wanted(law, at_s, 12, 2) for at_s in (0, 10, 20, 30)]

    assert seen == [2, 2, 2, 6]


def test_a_break_begins_the_delay_anew() -> None:
    law = RayServe(scene(spec(initial=2)), target=2.0, look_back_s=1.0)

    seen = [wanted(law, at_s, load, 2) for at_s, load in ((0, 12), (10, 12), (20, 4), (30, 12), (40, 12), (60, 12))]

    assert seen == [2, 2, 2, 2, 2, 6]


def test_down_after_ten_minutes_and_never_below_one() -> None:
    law = RayServe(scene(spec(initial=3)), target=2.0)

    seen = [wanted(law, at_s, 0, 3) for at_s in range(0, 601, 10)]

    assert set(seen[:-1]) == {3}
    assert seen[-1] == 1


def test_ongoing_requests_are_averaged_over_thirty_seconds() -> None:
    law = RayServe(scene(spec(initial=1)), target=2.0, upscale_delay_s=0.0)

    seen = [wanted(law, at_s, load, 1) for at_s, load in ((0, 2), (10, 2), (20, 8), (30, 8))]

    assert seen == [1, 1, 2, 3]


def test_the_first_replica_waits_for_nothing() -> None:
    law = RayServe(scene(spec(initial=0)), target=2.0)

    assert wanted(law, 0, 0, 0) == 0
    assert wanted(law, 10, 3, 0) == 1
