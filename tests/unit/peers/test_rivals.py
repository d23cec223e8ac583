"""What holds for every rival: it can be found, built, swept and asked, and keeps to its bounds."""

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.domain.errors import InvalidField
from penstock.peers.all import RIVALS, rival
from penstock.peers.rivals import MIX, SINGLE, SPLIT, Rival, own_knobs

MIXED = scene(spec("l40s", "L40S", most=12), spec("h100", "H100", most=6))
EACH = [pytest.param(one, id=one.code) for one in RIVALS]


def test_numbers_are_unique_and_found() -> None:
    assert len({one.code for one in RIVALS}) == len(RIVALS)
    assert rival("B7").name == "llm-d slo-aware"
    with pytest.raises(InvalidField, match=r"rival='B99'.*B8 \(Knative KPA\)"):
        rival("B99")


@pytest.mark.parametrize("one", EACH)
def test_points_begin_with_the_defaults_and_never_repeat(one: Rival) -> None:
    for shown in (MIXED.only("l40s"), MIXED.only("h100"), MIXED):
        points = one.points(shown)

        assert points[0] == {}
        assert len({tuple(sorted(point.items())) for point in points}) == len(points)
        assert len(points) <= (53 if one.code == "B0" else 24)
        assert all(knob.partition("@")[0] in one.defaults for point in points for knob in point)


@pytest.mark.parametrize("one", EACH)
def test_every_default_lies_on_its_axis_of_the_grid(one: Rival) -> None:
    for knob, values in one.grid.items():
        assert one.defaults[knob] in values
    for grid in one.by_accelerator.values():
        assert all(set(values) <= set(one.grid[knob]) for knob, values in grid.items())

    for shown in (MIXED.only("l40s"), MIXED.only("h100"), MIXED):
        for name in (variant.name for variant in shown.variants):
            points = [own_knobs(point, name) for point in one.points(shown)]
            for knob in one.grid if len(one.grid) > 1 else ():
                # beside other values of the other knobs, not in the defaults alone
                assert any(point.get(knob) == one.defaults[knob] for point in points), knob


def test_settings_that_the_autoscaler_refuses_are_not_swept() -> None:
    points = [{**rival("B16").defaults, **point} for point in rival("B16").points(MIXED)]

    assert {(point["up"], point["down"]) for point in points} == {(0.85, 0.7), (0.85, 0.5), (0.6, 0.5)}


@pytest.mark.parametrize("one", EACH)
def test_every_point_can_be_run_within_the_bounds(one: Rival) -> None:
    shapes = [MIXED.only("l40s"), MIXED.only("h100")] if SINGLE in one.shapes else []
    shapes += [MIXED] if one.shapes & {SPLIT, MIX} else []
    assert shapes

    for shown in shapes:
        for point in one.points(shown)[:4]:
            policy = one.policy(shown, point)
            names = [variant.name for variant in shown.variants]
            fleet = {name: counts(2) for name in names}
            rows = {name: [busy(f"{name}-{pod}", running=90, waiting=9, kv=0.9) for pod in range(2)] for name in names}
            for tick in range(8):
                at_s = tick * policy.tick_s
                seen = look(at_s, fleet, rows=rows, in_flight=dict.fromkeys(names, 198), arrived=tick * 100)
                wanted = policy.decide(seen)

                assert all(0 <= wanted.get(one.name, 0) <= one.max_replicas for one in shown.variants)
                assert wanted.keys() <= set(names)


def test_values_that_make_sense_on_one_gpu_go_together_on_a_mix() -> None:
    points = rival("B8").points(MIXED)

    assert {"target@l40s": 8, "target@h100": 32, "delay_s": 0} in points
    assert {"target": 8, "delay_s": 0} in rival("B8").points(MIXED.only("l40s"))
    assert {"target@l40s": 100, "target@h100": 100, "delay_s": 300} in points
    assert {"target@l40s": 100, "target@h100": 100, "delay_s": 0} not in points  # these are the defaults


@pytest.mark.parametrize("knob", ["speed", "target@a100"])
def test_unknown_knobs_are_refused(knob: str) -> None:
    with pytest.raises(InvalidField, match="B8 has delay_s, target"):
        rival("B8").policy(MIXED, {knob: 1})
