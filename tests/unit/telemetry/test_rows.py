"""From engines to a pod's row: sums, the fullest cache, weighted means, and honesty about age."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import ABSENT, Absent, Known, Stale
from penstock.domain.series import Signal
from penstock.telemetry.rows import UNRATED, RowKey, Shard, combine, rows

KEY = RowKey("llm", "p1", "m")
NOW_S = 1000.0


def row(*shards: Shard) -> PodMetrics:
    made = combine(KEY, shards, now_s=NOW_S, stale_after_s=120.0)
    assert made is not None
    return made


def test_engines_of_a_pod_add_up() -> None:
    made = row(
        Shard(at_s=990, running=1, waiting=5, kv_usage_ratio=0.2, completed_per_s=0.5, backlog_growth_per_s=-0.5),
        Shard(at_s=995, running=2, waiting=0, kv_usage_ratio=0.9, completed_per_s=1.5, backlog_growth_per_s=1.0),
    )

    assert made == PodMetrics(
        namespace="llm",
        pod="p1",
        model="m",
        sampled_at_s=995,
        running=Known(3, 995),
        waiting=Known(5, 995),
        kv_usage_ratio=Known(0.9, 995),
        completed_per_s=Known(2.0, 995),
        backlog_growth_per_s=Known(0.5, 995),
    )


def test_means_are_weighted_by_their_counts() -> None:
    made = row(Shard(at_s=990, means={Signal.TTFT: (3.0, 1.0)}), Shard(at_s=990, means={Signal.TTFT: (3.0, 9.0)}))

    assert made.ttft_s == Known(0.6, 990)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param((0.0, 0.0), ABSENT, id="nothing finished"),
        pytest.param((None, 2.0), ABSENT, id="no sum"),
        pytest.param((1.0, None), ABSENT, id="no count"),
        pytest.param((math.nan, 2.0), Absent("value is nan", impossible=True), id="no number"),
    ],
)
def test_a_mean_that_cannot_be_had(parts: tuple[float | None, float | None], expected: Absent) -> None:
    assert row(Shard(at_s=990, means={Signal.TPOT: parts})).tpot_s == expected


def test_what_nobody_said_is_absent_not_zero() -> None:
    made = row(Shard(at_s=990, running=1))

    assert (made.running, made.waiting, made.completed_per_s) == (Known(1, 990), ABSENT, ABSENT)


@pytest.mark.parametrize("other", [Shard(at_s=990), Shard(at_s=990, counted=True, completed_per_s=1.0)])
def test_a_counter_without_a_rate_is_not_an_engine_that_never_served(other: Shard) -> None:
    assert row(Shard(at_s=990, counted=True), other).completed_per_s == UNRATED


def test_a_silent_engine_is_left_out_while_another_speaks() -> None:
    assert row(Shard(at_s=800, running=7), Shard(at_s=990, running=1)).running == Known(1, 990)


def test_a_pod_that_is_silent_as_a_whole_is_stale() -> None:
    made = row(Shard(at_s=800, running=7), Shard(at_s=810, running=1))

    assert (made.running, made.sampled_at_s) == (Stale(8, 810), 810)


def test_without_a_time_there_is_no_row() -> None:
    assert combine(KEY, [Shard(running=3)], now_s=NOW_S, stale_after_s=120.0) is None
    assert rows({KEY: [Shard(running=3)]}, now_s=NOW_S, stale_after_s=120.0) == ()


@given(st.permutations([math.nan, 0.9, 0.1]))
def test_no_number_hides_behind_others(values: list[float]) -> None:
    made = row(*(Shard(at_s=990, kv_usage_ratio=value, running=value) for value in values))

    assert isinstance(made.kv_usage_ratio, Absent)
    assert isinstance(made.running, Absent)


def test_rows_come_in_order() -> None:
    keys = [RowKey("b", "p", "m"), RowKey("a", "q", "m"), RowKey("a", "p", "m"), RowKey("a", "z", "a")]

    found = rows({key: [Shard(at_s=990)] for key in keys}, now_s=NOW_S, stale_after_s=120.0)

    assert [(one.namespace, one.model, one.pod) for one in found] == [
        ("a", "a", "z"), ("a", "m", "p"), ("a", "m", "q"), ("b", "m", "p"),
    ]  # fmt: skip
