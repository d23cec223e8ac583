"""Blocks, and how one is played both ways."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.advise.seen import SEEN

from penstock.advise.blocks import chosen
from penstock.advise.past import Hour, ModelPast
from penstock.advise.replay import Job, Played, Recorded, play
from penstock.advise.tracks import Grid
from penstock.engine.steptime import GPUS
from penstock.scaling.config import DEFAULT_SLO
from penstock.sim.scene import StartupLaw, VariantSpec

DAY = 1440


def past(days: int, *, per_minute: Sequence[float] | None = None, scraped: Sequence[float] | None = None) -> ModelPast:
    steps = days * DAY + 1
    return ModelPast(
        namespace="n",
        model="m",
        grid=Grid(start_s=0.0, step_s=60.0, count=steps),
        arrivals=list(per_minute or [10.0] * steps),
        scraped=tuple(scraped or [1.0] * steps),
        lengths=((100.0, 10.0),) * steps,
        cvs=(None, None),
        hours=(),
        variants=(),
    )


def test_all_is_played_where_that_is_not_too_much() -> None:
    blocks = chosen(past(2), 14_400.0, 1e9, random.Random(1))

    assert [(one.first, one.last, one.weight) for one in blocks[:2]] == [(1, 241, 1.0), (241, 481, 1.0)]
    assert sum(one.last - one.first for one in blocks) == 2 * DAY


def test_blocks_that_were_hardly_seen_are_not_played() -> None:
    scraped = [0.0 if 100 <= step < 200 else 1.0 for step in range(DAY + 1)]

    assert chosen(past(1, scraped=scraped), 14_400.0, 1e9, random.Random(1))[0].first == 241


def test_some_blocks_stand_for_all_of_their_time_of_the_day() -> None:
    blocks = chosen(past(7), 14_400.0, 30_000.0, random.Random(1))

    assert sum(one.requests for one in blocks) < 40_000
    assert sum(one.weight * (one.last - one.first) for one in blocks) == 7 * DAY


def test_blocks_are_short_where_traffic_is_much() -> None:
    blocks = chosen(past(7, per_minute=[6_000.0] * (7 * DAY + 1)), 14_400.0, 1_000_000.0, random.Random(1))

    assert {one.last - one.first for one in blocks} == {15}
    assert sum(one.requests for one in blocks) < 1_500_000


def test_the_busiest_block_and_that_of_the_worst_hour_are_always_played() -> None:
    busy = [50.0 if 3000 <= step < 3100 else 10.0 for step in range(7 * DAY + 1)]
    one = replace(past(7, per_minute=busy), hours=(Hour(start_s=6000 * 60.0, requests=600, met_ratio=0.5),))

    blocks = chosen(one, 14_400.0, 30_000.0, random.Random(1))

    assert any(block.first <= 3050 < block.last and block.weight == 1 for block in blocks)
    assert any(block.first <= 6001 < block.last and block.weight == 1 for block in blocks)


def test_recorded_replicas_are_asked_for_before_they_were_ready_and_go_when_they_went() -> None:
    policy = Recorded({"v": (2, 2, 4, 4, 1, 1)}, 60.0, 60.0)

    assert [policy.decide(replace(SEEN, now_s=at_s))["v"] for at_s in (0, 60, 120, 180, 240, 9_000)] == [
        2,
        4,
        4,
        4,
        1,
        1,
    ]


def job() -> Job:
    spec = VariantSpec(
        name="v",
        accelerator="L40S",
        cost=GPUS["L40S"],
        usd_per_h=2.0,
        max_replicas=8,
        min_replicas=1,
        startup=StartupLaw(median_s=60.0),
    )
    steps = 15
    return Job(
        model="meta-llama/Llama-3.1-8B-Instruct",
        variants=(spec,),
        slo=DEFAULT_SLO,
        step_s=60.0,
        lead_s=300.0,
        counts=(30.0,) * steps,
        lengths=((500.0, 50.0),) * steps,
        cvs=(0.5, 0.5),
        ran={"v": (3,) * steps},
        ahead_s=0.0,
        seed=1,
    )


@pytest.fixture(scope="module")
def once() -> tuple[Played, Played]:
    return play(job())


def test_a_block_is_played_both_ways_and_its_lead_not_counted(once: tuple[Played, Played]) -> None:
    ran, ours = once

    assert ran.usd_per_h == pytest.approx(6.0)
    assert ran.replicas == (3,)
    assert ran.hours == ((300, 300),)
    assert ran.shares == (1.0, 1.0)
    assert ours.usd_per_h < 6.0
    assert ours.hours[0][0] == 300


@pytest.mark.unmeasured
def test_the_same_job_comes_to_the_same(once: tuple[Played, Played]) -> None:
    assert play(job()) == once
