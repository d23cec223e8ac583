"""What holds for every rival: it can be found, built, swept and asked, and keeps to its bounds."""

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.domain.errors import InvalidField
from penstock.peers.all import RIVALS, rival
from penstock.peers.rivals import MIX, SINGLE, SPLIT, Rival

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
        assert len(points) <= 17
        assert all(knob.partition("@")[0] in one.defaults for point in points for knob in point)


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


@pytest.mark.parametrize("knob", ["speed", "target@a100"])
def test_unknown_knobs_are_refused(knob: str) -> None:
    with pytest.raises(InvalidField, match="B8 has delay_s, target"):
        rival("B8").policy(MIXED, {knob: 1})


def test_static_stays_within_its_bounds() -> None:
    alone = MIXED.only("h100")

    assert rival("B0").policy(alone, {"replicas": 3}).decide(look(0, {"h100": counts(1)})) == {"h100": 3}
    assert rival("B0").policy(alone).decide(look(0, {"h100": counts(1)})) == {"h100": 6}
