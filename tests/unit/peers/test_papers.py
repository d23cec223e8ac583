"""Chiron's and TokenScale's laws on numbers worked out by hand."""

import pytest
from tests.unit.peers.looks import busy, counts, look, row, scene, spec

from penstock.peers.chiron import Chiron, local_pressure, next_batch
from penstock.peers.profile import prefill_per_s
from penstock.peers.tokenscale import TokenScale, bucket_of, decode_velocity, lengths, shares
from penstock.sim.policies import Served
from penstock.sim.scene import CHAT


@pytest.mark.parametrize(
    ("batch", "pressure", "each", "expected"),
    [
        pytest.param(40, 2.0, 40, 20, id="late: down in proportion"),
        pytest.param(40, 0.5, 40, 50, id="early and full: up by half the room"),
        pytest.param(40, 0.5, 10, 40, id="early and empty: nothing learnt"),
        pytest.param(250, 0.5, 250, 256, id="never above the engine's own"),
        pytest.param(1, 9.0, 1, 1, id="never below one"),
    ],
)
def test_local_back_pressure(batch: float, pressure: float, each: float, expected: float) -> None:
    assert next_batch(batch, pressure, each, 256) == expected


def test_pressure_is_the_worse_of_both_targets() -> None:
    assert local_pressure((busy("a", running=1),), CHAT) == pytest.approx(0.5)  # 0.2 of 2 s, 50 of 100 ms
    assert local_pressure((row("a", ttft_s=3.0),), CHAT) == pytest.approx(1.5)
    assert local_pressure((), CHAT) is None


def test_chiron_keeps_a_share_to_spare() -> None:
    law = Chiron(scene(), spare=0.5)

    assert law.decide(look(0.0, {"l40s": counts(2)}, in_flight={"l40s": 64})) == {"l40s": 6}  # 64 / 16 · 1.5


def test_chiron_fills_instances_further_where_they_are_early() -> None:
    law = Chiron(scene(), spare=0.0)
    rows = {"l40s": [busy("a", running=16, at_s=15.0)]}

    assert law.decide(look(15.0, {"l40s": counts(2)}, rows=rows, in_flight={"l40s": 64})) == {"l40s": 4}  # ⌈64/20⌉


def answer(fed: int, made: int) -> Served:
    return Served(0.0, "l40s", fed, made, 0.1, 0.05)


def test_buckets_are_powers_of_two() -> None:
    assert bucket_of(answer(1023, 128)) == (9, 7)
    assert lengths((9, 7)) == (768, 192)
    assert shares([answer(600, 130), answer(700, 140), answer(10, 10), answer(9, 9)]) == {(3, 3): 0.5, (9, 7): 0.5}


def test_velocities() -> None:
    l40s = spec()

    assert prefill_per_s(l40s) == pytest.approx(2048 / l40s.cost.step_s(2048, 2048.0**2, 0, 0))
    slow, fast = (decode_velocity(l40s, 768, 192, tpot_s) for tpot_s in (0.05, 0.1))
    # 206 sequences of 864 tokens fill the cache of 198,000 at 229, and take 0.0675 s a step
    assert slow < fast == pytest.approx(229 / (192 * l40s.cost.step_s(0, 0.0, 229, 229 * 864)) * 960)


def test_tokenscale_adds_prefill_and_decode() -> None:
    served = [answer(600, 130)] * 4
    seen = look(15.0, {"l40s": counts(1)}, arrived=300, arrived_input_tokens=300_000, served=served)

    together = TokenScale(scene(), utilisation=1.0).decide(seen)
    larger = TokenScale(scene(), utilisation=1.0, joint=0.0).decide(seen)

    # 20 requests and 20,000 tokens a second: 20,000/12,700 = 1.6 and 20·960/15,600 = 1.2 replicas
    assert (together, larger) == ({"l40s": 3}, {"l40s": 2})


def test_tokenscale_gives_nothing_back_within_a_burst() -> None:
    law = TokenScale(scene(), utilisation=1.0)
    served = [answer(600, 130)] * 4

    def replicas(at_s: float) -> int:
        seen = look(at_s, {"l40s": counts(1)}, arrived=300, arrived_input_tokens=300_000, served=served)
        return law.decide(seen)["l40s"]

    assert [replicas(at_s) for at_s in (15, 30, 74, 91)] == [3, 3, 3, 1]
