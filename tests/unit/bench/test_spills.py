"""Passes in which replicas found no place: from when others were short to when they were not."""

import pytest
from tests.unit.scaling.scene import NOW, observe, rows, target, variant

from penstock.bench.spills import spill_s
from penstock.records.record import Record
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

SMALL, LARGE = variant("small"), variant("large")


def record(number: int, stuck: int, small: tuple[int, int], large: tuple[int, int], need_per_s: float) -> Record:
    """Return a pass in which a small one serves 1 req/s and a large one 4; numbers are those before and now."""
    there = {SMALL.key: target(SMALL, 2, stuck=stuck), LARGE.key: target(LARGE, 1)}
    now_s = NOW + 15 * number
    seen = [*rows(SMALL, 2, total=1.0, at_s=now_s), *rows(LARGE, 1, total=1.0, at_s=now_s)]
    observation = observe(SMALL, LARGE, targets=there, seen=seen, now_s=now_s)
    decisions, _ = decide(observation, Memory(), Config())
    told = {"small": (*small, 1.0), "large": (*large, 4.0)}
    return Record(
        version="0",
        observation=observation,
        memory=Memory(),
        config=Config(),
        decisions=tuple(
            one._replace(previous=before, desired=now, capacity_per_s=each, need_per_s=need_per_s)
            for one in decisions
            for before, now, each in [told[one.key.name]]
        ),
    )


@pytest.mark.parametrize(
    ("passes", "expected_s"),
    [
        pytest.param([(0, (2, 2), (1, 1), 6.0)], None, id="nobody without a place"),
        pytest.param([(1, (2, 2), (1, 1), 5.0)], None, id="enough without the one that waits"),
        pytest.param([(1, (2, 2), (1, 2), 6.0)], 0.0, id="the other grows at once"),
        pytest.param([(1, (2, 2), (1, 1), 6.0), (1, (2, 2), (1, 2), 6.0)], 15.0, id="a pass later"),
        pytest.param([(1, (2, 2), (1, 1), 6.0), (1, (2, 2), (1, 1), 4.0)], 15.0, id="less is needed"),
        pytest.param([(1, (2, 2), (1, 1), 6.0), (1, (2, 2), (1, 1), 6.0)], 15.0, id="nobody until the end"),
        pytest.param(
            [(1, (2, 2), (1, 1), 6.0), (1, (2, 2), (1, 1), 6.0), (0, (2, 2), (1, 1), 6.0)], 30.0, id="a place is found"
        ),
    ],
)
def test_the_time_until_others_serve_the_need(
    passes: list[tuple[int, tuple[int, int], tuple[int, int], float]], expected_s: float | None
) -> None:
    records = [record(number, *row) for number, row in enumerate(passes)]

    assert spill_s(records) == expected_s
