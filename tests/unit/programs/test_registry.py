"""What the registry knows of each workload, and that nobody can make it grow."""

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.programs.registry import OTHER_TENANTS, Registry
from penstock.programs.workload import Workload


def after(waits: list[float]) -> Workload:
    workload = Workload("", "a", 0.0)
    for wait in waits:
        workload.arrive(0.0)
        workload.dispatched(wait)
        workload.leave(0.0)
    return workload


@pytest.mark.parametrize(
    ("waits", "idle_s", "expected"),
    [
        pytest.param([], 0.0, 0.0, id="none yet"),
        pytest.param([10.0], 0.0, 10.0, id="the first sample initialises"),
        pytest.param([0.0, 10.0], 0.0, 2.0, id="a first sample of zero is one too"),
        pytest.param([10.0, 20.0], 0.0, 12.0, id="a fifth of the way"),
        pytest.param([10.0, 20.0], 60.0, 6.0, id="half after a minute without a request"),
        pytest.param([10.0, 20.0], 600.0, 12.0 / 1024, id="ten half-lives"),
    ],
)
def test_mean_wait(waits: list[float], idle_s: float, expected: float) -> None:
    workload = after(waits)

    assert workload.own_wait_at(idle_s) == pytest.approx(expected)


def test_mean_wait_does_not_decay_while_a_request_is_active() -> None:
    workload = after([16.0])

    workload.arrive(60.0)

    assert (workload.avg_wait_s, workload.own_wait_at(600.0)) == (8.0, 8.0)


def test_counts() -> None:
    registry = Registry(10)

    first = registry.arrive("", "a", 1.0)
    second = registry.arrive("", "a", 2.0)
    registry.leave(first, 3.0)

    assert first is second
    assert (first.active, first.total, first.rate_per_s) == (1, 2, 2 / 60)


def test_tenants_are_kept_apart() -> None:
    registry = Registry(10)

    assert registry.arrive("x", "a", 0.0) is not registry.arrive("y", "a", 0.0)


def test_the_longest_idle_makes_room() -> None:
    registry = Registry(2)
    for name, left_s in (("a", 5.0), ("b", 4.0)):
        registry.leave(registry.arrive("", name, 1.0), left_s)
    registry.leave(registry.arrive("", "a", 6.0), 7.0)

    registry.arrive("", "c", 8.0)

    assert {row.workload_id for row in registry.rows(8.0)} == {"a", "c"}


def test_excess_is_folded_per_tenant() -> None:
    registry = Registry(1)
    registry.arrive("", "a", 0.0)

    folded = [registry.arrive(tenant, name, 0.0) for tenant, name in (("x", "b"), ("x", "c"), ("y", "b"))]

    assert [(row.tenant, row.workload_id, row.active) for row in folded] == [
        ("x", "other", 2), ("x", "other", 2), ("y", "other", 1)]  # fmt: skip


def test_excess_of_too_many_tenants_is_folded_into_one() -> None:
    registry = Registry(1)
    registry.arrive("", "a", 0.0)

    rows = {id(registry.arrive(f"t{n}", "b", 0.0)) for n in range(10 * OTHER_TENANTS)}

    assert len(rows) == OTHER_TENANTS + 1


def test_a_folded_request_leaves_where_it_came() -> None:
    registry = Registry(1)
    first = registry.arrive("", "a", 0.0)
    folded = registry.arrive("", "b", 0.0)
    registry.leave(first, 1.0)
    registry.arrive("", "b", 2.0)

    registry.leave(folded, 3.0)

    assert (folded.active, folded.workload_id) == (0, "other")


@pytest.mark.parametrize(("now_s", "left"), [pytest.param(309.9, 2, id="not yet"), pytest.param(310.0, 1, id="now")])
def test_idle_entries_are_forgotten_after_five_minutes(now_s: float, left: int) -> None:
    registry = Registry(10)
    registry.leave(registry.arrive("", "idle", 0.0), 10.0)
    registry.arrive("", "busy", 0.0)

    registry.forget(now_s)

    assert len(registry) == left
    assert registry.next_forget_s == (310.0 if left == 2 else math.inf)


def test_an_idle_fold_is_forgotten_too() -> None:
    registry = Registry(1)
    registry.arrive("", "a", 0.0)
    registry.leave(registry.arrive("", "b", 0.0), 10.0)

    registry.forget(310.0)

    assert [row.workload_id for row in registry.rows(310.0)] == ["a"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.floats(0, 200)), max_size=120))
def test_bounded_and_never_losing_count(steps: list[tuple[bool, int, float]]) -> None:
    registry, now_s, held = Registry(5), 0.0, []

    for is_arrival, number, passed_s in steps:
        now_s += passed_s
        if is_arrival or not held:
            held.append(registry.arrive(f"t{number % 2}", f"w{number}", now_s))
        else:
            registry.leave(held.pop(number % len(held)), now_s)
        registry.forget(now_s)

        assert len(registry) <= 5 + 2
        assert sum(row.active for row in registry.rows(now_s)) == len(held)


def test_a_thousand_workloads_take_less_than_ten_megabytes() -> None:
    registry = Registry(1000)
    rows = [registry.arrive("", f"workload-{n}", 0.0) for n in range(1000)]

    size = sum(sys.getsizeof(row) + sys.getsizeof(row._window) + sys.getsizeof(row._window._buckets) for row in rows)

    assert size < 2_000_000


@given(st.floats(0, 1e7))
def test_who_wakes_when_told_finds_work(left_s: float) -> None:
    registry = Registry(10)
    registry.leave(registry.arrive("", "a", 0.0), left_s)

    registry.forget(registry.next_forget_s)

    assert len(registry) == 0, "or the shell would wake again and again"
