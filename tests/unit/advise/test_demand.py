"""Demand out of counters and backlogs, and arrivals drawn from it."""

import random
import statistics

import pytest

from penstock.advise.demand import arrivals, busiest, came, drawn


@pytest.mark.parametrize(
    ("completed", "backlog", "told"),
    [
        pytest.param(
            [90.0, 141.0, 151.0], [0.0, 30.0, 42.0], [0.0, 81.0, 22.0], id="finished, and what backlogs grew by"
        ),
        pytest.param([None, 20.0, 25.0], [None, 6.0, 6.0], [None, 26.0, 5.0], id="a new one had none before"),
        pytest.param([None, 31.0, 36.0], [None, 6.0, 6.0], [None, 6.0, 5.0], id="one that is older than it looks"),
        pytest.param([None, None, 2.0], [4.0, 7.0, 6.0], [4.0, 3.0, 1.0], id="nothing finished yet"),
        pytest.param([70.0, 80.0, 5.0], [9.0, 9.0, 2.0], [9.0, 10.0, 7.0], id="one that began anew"),
        pytest.param([1.0, 1.0, 1.0], [9.0, None, None], [10.0, None, None], id="one that is gone"),
        pytest.param([1.0, None, 9.0, 10.0], [9.0, None, 30.0, 31.0], [10.0, None, 0.0, 2.0], id="after a gap"),
        pytest.param([5.0, None, 9.0], [1.0, 1.0, 1.0], [6.0, 0.0, 4.0], id="a count that was missed once"),
        pytest.param([None, None], [None, None], [None, None], id="nothing seen"),
    ],
)
def test_what_came_to_one_engine(
    completed: list[float | None], backlog: list[float | None], told: list[float | None]
) -> None:
    assert came(completed, backlog, 30.0) == told


def test_the_most_that_an_engine_finished_in_a_step() -> None:
    assert busiest([[1.0, 4.0, None, 90.0], [None, 5.0, 10.0, 2.0]]) == 5.0
    assert busiest([[None, 3.0]]) == 0.0


def test_a_queue_that_drains_is_no_demand() -> None:
    assert arrivals(came([0.0, 120.0, 240.0], [120.0, 60.0, 0.0], 30.0)[1:], [1.0, 1.0]) == [60.0, 60.0]


def test_what_fell_by_more_than_was_finished_lessens_what_follows() -> None:
    assert arrivals([-30.0, 60.0], [1.0, 1.0]) == [0.0, 30.0]


def test_nobody_knows_what_came_while_nothing_was_scraped() -> None:
    assert arrivals([60.0, None, 60.0], [1.0, 0.0, 1.0]) == [60.0, None, 60.0]


def test_engines_that_were_not_seen_are_taken_for_like_the_others() -> None:
    assert arrivals([60.0], [0.5]) == [120.0]


def test_as_many_arrive_in_each_step_as_were_counted() -> None:
    found = drawn([3.0, 0.0, 5.0], [(100.0, 10.0)] * 3, 60.0, (0.5, 0.5), random.Random(1))

    assert [sum(1 for one in found if step * 60 <= one.at_s < step * 60 + 60) for step in range(3)] == [3, 0, 5]
    assert [one.at_s for one in found] == sorted(one.at_s for one in found)


def test_parts_of_requests_add_up() -> None:
    assert len(drawn([0.25] * 40, [(100.0, 10.0)] * 40, 60.0, (0.5, 0.5), random.Random(1))) == 10


def test_lengths_have_the_recorded_mean_and_spread() -> None:
    found = [one.input_tokens for one in drawn([20_000.0], [(1000.0, 100.0)], 60.0, (0.8, 0.5), random.Random(1))]

    assert statistics.mean(found) == pytest.approx(1000, rel=0.03)
    assert statistics.stdev(found) / statistics.mean(found) == pytest.approx(0.8, rel=0.05)


def test_the_same_seed_draws_the_same() -> None:
    first, second = (drawn([9.0], [(50.0, 5.0)], 60.0, (1.0, 1.0), random.Random(7)) for _ in range(2))

    assert first == second
