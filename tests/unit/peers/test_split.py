"""Independent laws on a mix: each sees its own pods, its own answers, and its part of what the router sees."""

from collections.abc import Mapping
from dataclasses import replace

from tests.unit.peers.looks import busy, counts, look, scene, spec

from penstock.peers.rivals import Knobs
from penstock.peers.split import per_variant
from penstock.sim.policies import FirstToken, Policy, Seen, Served
from penstock.sim.scene import Scene

MIXED = scene(spec("l40s", "L40S", most=12), spec("h100", "H100", most=6))
ROWS = {"l40s": [busy("a", running=1)], "h100": [busy("b", running=2), busy("c", running=3)]}
FLEET = {"l40s": counts(1), "h100": counts(3)}


class Spy:
    """Remembers what it was shown."""

    def __init__(self, scene: Scene, *, target: float) -> None:
        (self.spec,) = scene.variants
        self.tick_s, self.target, self.shown = 15.0 / target, target, list[Seen]()

    def decide(self, seen: Seen) -> Mapping[str, int]:
        self.shown.append(seen)
        return {self.spec.name: 1}


def split(knobs: Knobs) -> tuple[Policy, dict[str, Spy]]:
    spies: dict[str, Spy] = {}

    def law(scene: Scene, **own: float) -> Policy:
        spy = Spy(scene, **own)
        spies[spy.spec.name] = spy
        return spy

    return per_variant(law)(MIXED, knobs), spies


def test_each_law_sees_its_own_pods_and_its_own_knobs() -> None:
    policy, spies = split({"target": 1, "target@h100": 3})

    wanted = policy.decide(look(0, FLEET, rows=ROWS, in_flight={"l40s": 5, "h100": 15}))

    assert wanted == {"l40s": 1, "h100": 1}
    assert policy.tick_s == 5
    assert (spies["l40s"].target, spies["h100"].target) == (1, 3)
    shown = spies["h100"].shown[0]
    assert [row.pod for row in shown.observation.scrape.rows] == ["b", "c"]
    assert [key.name for key in shown.observation.targets] == ["h100"]
    assert shown.fleet == {"h100": counts(3)}
    assert shown.router.in_flight == {"h100": 15}


def test_what_the_router_sees_is_shared_as_requests_are() -> None:
    policy, spies = split({"target": 1})
    policy.decide(look(0, FLEET, in_flight={"l40s": 5, "h100": 15}, queued=3, arrived=100, arrived_input_tokens=1000))
    policy.decide(look(15, FLEET, in_flight={"l40s": 10, "h100": 10}, arrived=200, arrived_input_tokens=3000))

    first, second = spies["l40s"].shown
    assert (first.router.queued, first.router.arrived, first.router.arrived_input_tokens) == (1, 25, 250)
    assert (second.router.arrived, second.router.arrived_input_tokens) == (75, 1250)


def test_an_idle_fleet_shares_by_its_pods_and_an_empty_one_evenly() -> None:
    policy, spies = split({"target": 1})
    policy.decide(look(0, FLEET, queued=8))
    policy.decide(look(15, {"l40s": counts(0), "h100": counts(0)}, queued=3))

    assert [seen.router.queued for seen in spies["l40s"].shown] == [2, 2]
    assert [seen.router.queued for seen in spies["h100"].shown] == [6, 2]


def test_answers_are_those_of_the_variant_in_both_directions() -> None:
    served = [Served(float(at), ("l40s", "h100")[at % 2], 10, 10, 0.1, 0.1) for at in range(7)]
    policy, spies = split({"target": 1})
    first = [FirstToken(one.at_s, one.variant, one.ttft_s) for one in served]
    policy.decide(replace(look(10, FLEET, served=served), first_tokens=first))

    mine = spies["h100"].shown[0].served
    assert [one.at_s for one in mine] == [1, 3, 5]
    assert [one.at_s for one in reversed(mine)] == [5, 3, 1]
    assert [one.at_s for one in spies["l40s"].shown[0].first_tokens] == [0, 2, 4, 6]
    assert (len(mine), mine[0].at_s, [one.at_s for one in mine[1:]]) == (3, 1, [3, 5])
