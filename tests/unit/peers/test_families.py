"""What holds for every law: bounds kept, silence survived, knobs that fit."""

import pytest
from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.peers import all as rivals
from penstock.peers import chiron, dynamo, kthena, ray, sky, tokenscale, wva, wvatokens
from penstock.peers.rivals import MIX, SINGLE, Rival
from penstock.sim.policies import Seen, Served
from penstock.sim.scene import Scene

FAMILIES = (ray, sky, kthena, wva, wvatokens, dynamo, chiron, tokenscale)
RIVALS = [pytest.param(rival, id=rival.name) for family in FAMILIES for rival in family.FAMILY]
MIXED = scene(spec(most=4, initial=2), spec("h100", "H100", most=3, least=1, initial=1))


def scenes(rival: Rival) -> list[Scene]:
    return [MIXED.only("h100")] if rival.shapes == {SINGLE} else [MIXED, MIXED.only("h100")]


def under(load: int, now_s: float, place: Scene) -> Seen:
    fleet = {one.name: counts(2) for one in place.variants}
    rows = {
        name: [busy(f"{name}-{pod}", running=load, waiting=load, kv=min(load / 100, 1), at_s=now_s) for pod in "ab"]
        for name in fleet
    }
    return look(
        now_s,
        fleet,
        rows=rows,
        in_flight=dict.fromkeys(fleet, 4 * load),
        arrived=int(load * now_s),
        arrived_input_tokens=int(load * now_s) * 1000,
        served=[Served(now_s, name, 1000, 200, 0.2, 0.05) for name in fleet],
    )


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("load", [0, 3, 500])
def test_what_is_wanted_stays_within_bounds(rival: Rival, load: int) -> None:
    for place in scenes(rival):
        law = rival.policy(place)
        for number in range(1, 40):
            for name, wanted in law.decide(under(load, number * law.tick_s, place)).items():
                (own,) = (one for one in place.variants if one.name == name)
                assert own.min_replicas <= wanted <= own.max_replicas


@pytest.mark.parametrize("rival", RIVALS)
def test_silence_at_the_start_changes_nothing_much(rival: Rival) -> None:
    for place in scenes(rival):
        law = rival.policy(place)

        plan = law.decide(look(0.0, {one.name: counts(one.initial) for one in place.variants}))

        assert all(plan[one.name] <= one.initial for one in place.variants if one.name in plan)


@pytest.mark.parametrize("rival", RIVALS)
def test_every_point_of_the_sweep_can_be_built(rival: Rival) -> None:
    for place in scenes(rival):
        built = [rival.policy(place, point) for point in rival.points(place)]

        assert all(law.tick_s > 0 for law in built)


def test_laws_that_choose_between_variants_are_told_apart() -> None:
    choosing = {rival.code for family in FAMILIES for rival in family.FAMILY if MIX in rival.shapes}

    assert choosing == {"B13", "B14", "B15", "B16"}


@pytest.mark.parametrize("code", ["B8", "b8", "B2r", "b2R", "B17+B18"])
def test_a_rival_is_found_in_capitals_or_not(code: str) -> None:
    assert rivals.rival(code).code.lower() == code.lower()
