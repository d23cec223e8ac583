"""Sums over all routers: how they are read, when they count, and that they never come back to who sent them."""

import pytest

from penstock.api.document import NotJson
from penstock.domain.errors import InvalidField
from penstock.programs.registry import Registry
from penstock.programs.workload import Sums
from penstock.router.admin_aggregate import sums


def test_sums_are_read_by_tenant_and_id_and_count_for_five_seconds() -> None:
    raw = (
        b'{"workloads": [{"id": "chat", "tenant": "acme", "rate": 1.5, "wait": 2}, {"id": "x", "rate": 0, "wait": 0}]}'
    )

    assert sums(raw, 100.9) == {("acme", "chat"): Sums(1.5, 2.0, 105), ("", "x"): Sums(0.0, 0.0, 105)}


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        pytest.param(b"[]", "workloads", id="no object"),
        pytest.param(b'{"workloads": [{"id": "a"}]}', "workloads", id="no numbers"),
        pytest.param(b'{"workloads": [{"id": "a", "rate": -1, "wait": 0}]}', "workloads[0].rate", id="negative"),
        pytest.param(b'{"workloads": [{"id": "a", "rate": 0, "wait": 1e999}]}', "workloads", id="endless"),
    ],
)
def test_sums_that_cannot_be(raw: bytes, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        sums(raw, 0)

    assert caught.value.field == field


def test_sums_that_are_no_json() -> None:
    with pytest.raises(NotJson):
        sums(b"{", 0)


def test_sums_count_from_the_next_second_until_they_are_old() -> None:
    registry = Registry(10)
    entry = registry.arrive("", "chat", 100.2)
    registry.hear({("", "chat"): Sums(3.0, 9.0, 105), ("", "unknown"): Sums(1.0, 1.0, 105)})
    entry.arrive(100.8)
    same_second = (entry.rate_per_s, entry.avg_wait_s)

    shown = {}
    for second in (101, 104, 105):
        entry.refresh(second)
        shown[second] = (entry.rate_per_s, entry.avg_wait_s)

    assert same_second == (2 / 60, 0.0)
    assert shown == {101: (3.0, 9.0), 104: (3.0, 9.0), 105: (2 / 60, 0.0)}
    assert len(registry) == 1


def test_an_arrival_of_a_later_second_takes_them_in_too() -> None:
    registry = Registry(10)
    entry = registry.arrive("", "chat", 100.2)
    registry.hear({("", "chat"): Sums(3.0, 9.0, 105)})

    entry.arrive(101.1)

    assert entry.rate_per_s == 3.0


def test_what_this_router_saw_itself_stays_apart_and_counts_where_it_is_more() -> None:
    registry = Registry(10)
    entry = registry.arrive("", "chat", 100.2)
    registry.hear({("", "chat"): Sums(0.001, 2.0, 105)})
    entry.refresh(101)

    entry.dispatched(30.0)

    assert (entry.rate_per_s, entry.own_rate_per_s) == (1 / 60, 1 / 60)
    assert (entry.avg_wait_s, entry.own_wait_at(101.0)) == (30.0, 30.0)
    entry.dispatched(0.0)
    entry.leave(101.0)
    assert entry.own_wait_at(161.0) == pytest.approx(12.0)
