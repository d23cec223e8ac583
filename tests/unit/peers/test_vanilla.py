"""A plain HPA on vLLM's series: its degenerate queue law, and what it makes of missing series."""

from dataclasses import replace

from tests.unit.peers.looks import busy, counts, look, row, scene, spec

from penstock.peers.all import rival
from penstock.peers.vanilla import inside

SCENE = scene(spec(most=20))


def test_a_queue_of_21_at_five_each_wants_five() -> None:
    rows = [busy("p0", running=250, waiting=21), busy("p1", running=250)]

    assert rival("B1").policy(SCENE).decide(look(0, {"l40s": counts(2)}, rows={"l40s": rows})) == {"l40s": 5}


def test_nothing_waiting_goes_to_the_minimum_however_busy_it_is() -> None:
    policy, current = rival("B1").policy(SCENE), 8
    for tick in range(22):
        rows = [busy(f"p{index}", running=200) for index in range(current)]
        current = policy.decide(look(tick * 15, {"l40s": counts(current)}, rows={"l40s": rows}))["l40s"]

    assert current == 1


def test_the_router_wakes_it_from_zero_and_six_minutes_of_silence_put_it_to_sleep() -> None:
    policy = rival("B1").policy(replace(SCENE, idle_before_zero_s=60.0))

    woken = policy.decide(look(0, {"l40s": counts(0)}, queued=1))
    asleep = [policy.decide(look(at_s, {"l40s": counts(1)}))["l40s"] for at_s in (15, 345, 360)]

    assert woken == {"l40s": 1}
    assert asleep == [1, 1, 0]


def test_kv_cache_in_proportion_and_nothing_without_series() -> None:
    policy = rival("B2").policy(SCENE)
    rows = [busy("p0", running=90, kv=0.9), busy("p1", running=90, kv=0.85)]

    assert policy.decide(look(0, {"l40s": counts(2)}, rows={"l40s": rows})) == {"l40s": 3}
    assert policy.decide(look(15, {"l40s": counts(3)})) == {"l40s": 3}


def test_requests_inside_are_those_that_run_and_those_that_wait() -> None:
    policy = rival("B2r").policy(SCENE)
    rows = [busy("p0", running=40, waiting=8)]

    assert policy.decide(look(0, {"l40s": counts(1)}, rows={"l40s": rows})) == {"l40s": 3}
    assert inside(row("p0", running=4.0)) == row("p0", running=4.0).running


def test_an_hpa_knows_no_zero() -> None:
    policy = rival("B2").policy(replace(SCENE, idle_before_zero_s=60.0))

    assert policy.decide(look(0, {"l40s": counts(0)})) == {"l40s": 1}
