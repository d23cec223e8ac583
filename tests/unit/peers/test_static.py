"""Fleets that never change: the ladder of those worth having, the peak of traffic, and how high it asks to climb."""

import pytest
from tests.unit.peers.looks import counts, look, scene, spec

from penstock.engine.capacity import capacity
from penstock.engine.lengths import Lengths
from penstock.peers.all import rival
from penstock.peers.static import begun, ladder, peak_per_s
from penstock.sim.scene import Scene
from penstock.sim.traces import Arrival

LENGTHS = Lengths(input_tokens=1000.0, output_tokens=200.0)


def evenly(per_s: float, length_s: float = 600.0) -> list[Arrival]:
    count = round(per_s * length_s)
    return [
        Arrival(at_s=number / count * length_s, input_tokens=1000, output_tokens=200) for number in range(count)
    ]  # fmt: skip


def fleet(place: Scene, arrivals: list[Arrival], **knobs: float) -> dict[str, int]:
    law = rival("B0").policy(place, knobs, arrivals)
    return dict(law.decide(look(0.0, {one.name: counts(1) for one in place.variants})))


def test_each_fleet_of_the_ladder_serves_more_than_all_that_cost_less() -> None:
    specs = [spec("l40s", most=3, usd=2.0), spec("h100", "H100", most=1, usd=5.0)]

    # three L40S at 6 an hour serve 12 a second, and one H100 at 5 serves 20
    assert ladder(specs, (4.0, 20.0)) == [
        (4.0, (1, 0)), (8.0, (2, 0)), (20.0, (0, 1)), (24.0, (1, 1)), (28.0, (2, 1)), (32.0, (3, 1)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(1.0, 100 / 60, id="the busiest minute"),
        pytest.param(0.99, 99.01 / 60, id="the 99th of a hundred, nearly"),
        pytest.param(0.98, 98.02 / 60, id="the 98th"),
        pytest.param(0.0, 1 / 60, id="the quietest"),
    ],
)
def test_the_peak_is_a_quantile_of_minutes(share: float, expected: float) -> None:
    arrivals = [Arrival(at_s=60.0 * minute, input_tokens=1, output_tokens=1) for minute in range(100)
                for _ in range(minute + 1)]  # fmt: skip

    assert peak_per_s(arrivals, 6000.0, share) == pytest.approx(expected)


def test_a_last_minute_that_is_cut_short_counts_as_long_as_it_is() -> None:
    assert peak_per_s(evenly(2.0, 80.0), 80.0, 1.0) == pytest.approx(2.0)
    assert peak_per_s([], 80.0, 1.0) == 0.0


@pytest.mark.parametrize(
    ("knobs", "replicas"),
    [
        pytest.param({}, 3, id="2.5 times what 90 % of one serves"),
        pytest.param({"load": 1.0}, 3, id="2.25 times what one serves"),
        pytest.param({"load": 1.2}, 2, id="1.9 times what 120 % of one serves"),
        pytest.param({"more": -1}, 2, id="one step fewer"),
        pytest.param({"more": -9}, 1, id="no less than one"),
        pytest.param({"more": 9}, 5, id="no more than there may be"),
        pytest.param({"replicas": 4}, 4, id="told"),
        pytest.param({"replicas": 99}, 5, id="told more than there may be"),
    ],
)
def test_one_variant_gets_what_its_peak_needs(knobs: dict[str, float], replicas: int) -> None:
    place = scene(spec(most=5), length_s=600.0)
    per_s = capacity(place.variants[0].shape, LENGTHS, place.slo).per_s

    assert fleet(place, evenly(2.5 * 0.9 * per_s), **knobs) == {"l40s": replicas}


def test_a_mix_gets_the_cheapest_fleet_for_its_peak() -> None:
    place = scene(spec(most=12), spec("h100", "H100", most=6), length_s=600.0)
    # nearly five to one: five L40S at 9.30 an hour serve a little more than one H100 at 7.52
    small, large = (capacity(one.shape, LENGTHS, place.slo).per_s for one in place.variants)

    assert fleet(place, evenly(0.9 * (large + 0.5 * small))) == {"l40s": 1, "h100": 1}
    assert fleet(place, evenly(0.9 * (large + 0.5 * small)), more=-1) == {"l40s": 5, "h100": 0}
    assert fleet(place, evenly(0.9 * 0.5 * small)) == {"l40s": 1, "h100": 0}
    assert fleet(place, []) == {"l40s": 1, "h100": 0}
    assert fleet(place, [], **{"replicas@h100": 2}) == {"l40s": 0, "h100": 2}


def test_it_stands_from_the_first_second_on() -> None:
    place = scene(spec(most=12, initial=4), spec("h100", "H100", most=6, initial=1))
    policies = [rival("B0").policy(place, {"replicas@h100": 2}), rival("B16").policy(place)]

    begins = [{one.name: one.initial for one in begun(place, policy).variants} for policy in policies]

    assert begins == [{"l40s": 0, "h100": 2}, {"l40s": 4, "h100": 1}]


def test_who_does_not_foresee_is_not_shown_the_traffic() -> None:
    assert [one.code for one in [rival("B0"), rival("B8"), rival("B17")] if one.foreseen] == ["B0"]
