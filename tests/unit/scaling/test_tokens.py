"""The token law of `saturation-v2` against the numbers that WVA's own code gives."""

import pytest

from penstock.domain.catalogue import SaturationThresholds
from penstock.scaling.tokens import (
    SAMPLES,
    Batches,
    FullLines,
    Pool,
    Replica,
    Room,
    demand_tokens,
    derived_tokens,
    held_back_tokens,
    learn,
    optimise,
    per_replica_tokens,
    room,
    used_tokens,
)

LIMITS = SaturationThresholds()
USUAL = Batches()


def replica(kv: float, queue: float = 0.0, fed: float = 0.0, made: float = 0.0, size: float = 16000) -> Replica:
    """Return one with 1000 blocks of 16 tokens."""
    return Replica(kv_ratio=kv, queue=queue, capacity_tokens=size, input_tokens=fed, output_tokens=made)


@pytest.mark.parametrize(
    ("pool", "pending", "demand", "required", "spare"),
    [
        pytest.param([replica(0.9), replica(0.8)], 0, 27200, 6400.0, 0.0, id="full caches"),
        pytest.param([replica(0.9, 4, 500), replica(0.8, 4, 500)], 0, 31200, 11105.88, 0.0, id="and lines"),
        pytest.param([replica(0.9, 4, 500), replica(0.8, 4, 500)], 1, 31200, 0.0, 0.0, id="and one that starts"),
        pytest.param([replica(0.3), replica(0.3)], 0, 9600, 0.0, 11885.71, id="spare, but not a replica"),
        pytest.param([replica(0.2), replica(0.2)], 0, 6400, 0.0, 16457.14, id="spare for a replica"),
    ],
)
def test_what_a_model_requires_and_spares(
    pool: list[Replica], pending: int, demand: float, required: float, spare: float
) -> None:
    each = per_replica_tokens(pool, "m", USUAL, FullLines(), LIMITS)
    held = sum(map(demand_tokens, pool))

    found = room(held, len(pool) * each, (len(pool) + pending) * each, LIMITS)

    assert (each, held) == (12800, demand)
    assert found == pytest.approx((required, spare), abs=0.01)


@pytest.mark.parametrize(
    ("pool", "pending", "replicas"),
    [
        pytest.param([replica(0.9), replica(0.8)], 0, 3, id="one more"),
        pytest.param([replica(0.9, 4, 500), replica(0.8, 4, 500)], 0, 3, id="still one"),
        pytest.param([replica(0.9, 4, 500), replica(0.8, 4, 500)], 1, 3, id="which starts already"),
        pytest.param([replica(0.3), replica(0.3)], 0, 2, id="not a whole one to spare"),
        pytest.param([replica(0.2), replica(0.2)], 0, 1, id="one fewer"),
    ],
)
def test_the_replicas_that_follow(pool: list[Replica], pending: int, replicas: int) -> None:
    current = len(pool) + pending
    found = room(sum(map(demand_tokens, pool)), len(pool) * 12800, current * 12800, LIMITS)

    assert optimise(found, [Pool(price=1.0, each=12800, current=current)]) == [replicas]


@pytest.mark.parametrize(
    ("ratio", "size", "used"),
    [
        pytest.param(0.5, 16001, 8000, id="rounded to even"),
        pytest.param(1.2, 16000, 16000, id="no more than there is"),
        pytest.param(-0.1, 16000, 0, id="nor less than nothing"),
    ],
)
def test_tokens_in_use(ratio: float, size: float, used: int) -> None:
    assert used_tokens(replica(ratio, size=size)) == used


def test_mean_input_counts_in_whole_tokens() -> None:
    assert demand_tokens(replica(0.0, 3, 99.9)) == 297


@pytest.mark.parametrize(
    ("budget", "fed", "made", "tokens"),
    [
        pytest.param(8192, 512, 256, 163840, id="by sequences"),
        pytest.param(2048, 2000, 100, 199923, id="by budget"),
        pytest.param(8192, 512, 0, None, id="unknown lengths"),
    ],
)
def test_the_compute_bound_that_settings_imply(budget: float, fed: float, made: float, tokens: int | None) -> None:
    assert derived_tokens(replica(0.0, fed=fed, made=made), Batches(budget, 256)) == tokens


def test_a_full_line_teaches_the_compute_bound_for_its_class_of_length() -> None:
    stuck = replica(0.25, 5, 1000, 200)
    lines = learn(FullLines(), "m", [stuck], LIMITS, 0.0)

    def each(engine: str, *pool: Replica) -> float:
        return per_replica_tokens(pool, engine, USUAL, lines, LIMITS)

    assert each("m", stuck) == 4000
    assert each("m", replica(0.1, 0, 1000, 200)) == 4000
    assert each("m", replica(0.1, 0, 1000, 600)) == 12800
    assert each("m", replica(0.1, 0, 1000, 99)) == 12800
    assert each("another", replica(0.1, 0, 1000, 200)) == 12800


def test_the_last_ten_full_lines_count() -> None:
    lines = FullLines()
    for step in range(SAMPLES + 2):
        lines = lines.adding("m|short", float(step), step)

    assert lines.mean("m|short") == 6  # 2 to 11, rounded down
    assert lines.since(10.0).mean("m|short") == 11
    assert lines.since(11.0) == FullLines()


def test_a_full_line_before_an_empty_cache_teaches_nothing() -> None:
    assert learn(FullLines(), "m", [replica(0.0, 9, 100, 100)], LIMITS, 0.0) == FullLines()


def test_the_capacity_of_a_variant_is_the_median_of_those_that_tell() -> None:
    pool = [replica(0.1, size=size) for size in (1000, 2000, 90000, 0)]

    assert per_replica_tokens(pool, "m", USUAL, FullLines(), LIMITS) == 1600
    assert per_replica_tokens(pool[3:], "m", USUAL, FullLines(), LIMITS) == 0


def test_what_pickers_hold_back_counts_whole() -> None:
    assert held_back_tokens(3, 500, 200) == 2100


CHEAP, DEAR = Pool(price=1.0, each=10.0, current=3), Pool(price=3.0, each=40.0, current=2)


@pytest.mark.parametrize(
    ("required", "spare", "pools", "expected"),
    [
        pytest.param(25.0, 0.0, (CHEAP, DEAR), [3, 3], id="from the best value"),
        pytest.param(99.0, 0.0, (CHEAP, DEAR), [3, 5], id="all of it"),
        pytest.param(
            99.0,
            0.0,
            (CHEAP, Pool(price=3.0, each=40.0, current=2, ceiling=3)),
            [9, 3],
            id="but for a ceiling",
        ),
        pytest.param(9.0, 0.0, (CHEAP, Pool(price=3.0, each=0.0, current=0)), [4, 0], id="not from what nobody knows"),
        pytest.param(0.0, 45.0, (CHEAP, DEAR), [3, 1], id="the dearest goes first, the rest is too little"),
        pytest.param(0.0, 115.0, (CHEAP, DEAR), [1, 0], id="then the cheapest, but the last one"),
        pytest.param(0.0, 35.0, (CHEAP, DEAR), [0, 2], id="the cheapest goes to nothing beside another"),
        pytest.param(0.0, 85.0, (CHEAP, Pool(price=3.0, each=40.0, current=2, floor=1)), [0, 1], id="but for a floor"),
        pytest.param(0.0, 9.0, (CHEAP, DEAR), [3, 2], id="less than any replica"),
        pytest.param(0.0, 0.0, (CHEAP, DEAR), [3, 2], id="neither"),
        pytest.param(25.0, 0.0, (CHEAP, CHEAP), [6, 3], id="up: the first of equals"),
        pytest.param(0.0, 10.0, (CHEAP, CHEAP), [2, 3], id="down: the first of equals"),
    ],
)
def test_the_optimiser(required: float, spare: float, pools: tuple[Pool, ...], expected: list[int]) -> None:
    assert optimise(Room(required, spare), pools) == expected
