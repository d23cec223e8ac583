"""A model's demand spread over its variants."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.variants import ObjectKey
from penstock.scaling.split import Allotment, Share, allot


def share(name: str, **changes: Any) -> Share:
    return replace(Share(key=ObjectKey("llm", name), capacity_per_s=1.0, weight=10.0, floor=1, ceiling=None), **changes)


def numbers(found: Allotment) -> dict[str, int]:
    return {key.name: number for key, number in found.replicas.items()}


@pytest.mark.parametrize(
    ("need", "shares", "expected"),
    [
        pytest.param(4.5, [share("a")], {"a": 5}, id="one variant takes all"),
        pytest.param(4.5, [share("a"), share("b")], {"a": 4, "b": 1}, id="equal ones: the first by name"),
        pytest.param(4.5, [share("a"), share("b", weight=9.0)], {"a": 1, "b": 4}, id="the cheaper one"),
        pytest.param(
            4.5, [share("a"), share("b", weight=30, capacity_per_s=4.0)], {"a": 1, "b": 1}, id="cheaper per request"
        ),
        pytest.param(9.0, [share("a", ceiling=3), share("b", weight=50)], {"a": 3, "b": 6}, id="what is over spills"),
        pytest.param(9.0, [share("a", ceiling=3)], {"a": 3}, id="nobody takes what is over"),
        pytest.param(0.0, [share("a"), share("b", floor=0)], {"a": 1, "b": 0}, id="floors alone"),
        pytest.param(
            9.0, [share("a", ceiling=3), share("b", floor=0, weight=50)], {"a": 3, "b": 6}, id="an idle one joins in"
        ),
    ],
)
def test_the_rest_goes_to_the_cheapest(need: float, shares: list[Share], expected: dict[str, int]) -> None:
    assert numbers(allot(need, shares)) == expected


def test_near_ties_do_not_swing() -> None:
    running, cheaper = share("a", current=5, ready=5), share("b", weight=9.5, current=1, ready=1)
    much_cheaper = share("b", weight=8.0, current=1, ready=1)

    assert numbers(allot(5.0, [running, cheaper])) == {"a": 4, "b": 1}
    assert numbers(allot(5.0, [running, much_cheaper]))["b"] == 4


def test_what_is_ready_stays_until_its_relief_is_ready() -> None:
    dear = share("dear", weight=50, current=4, ready=4)
    cheap = share("cheap", current=1, ready=1)

    before = allot(4.0, [dear, cheap])
    after = allot(4.0, [dear, replace(cheap, current=3, ready=3)])

    assert numbers(before) == {"cheap": 3, "dear": 3}
    assert numbers(after) == {"cheap": 3, "dear": 1}


def test_what_is_stuck_is_not_asked_for_more_while_others_have_room() -> None:
    stuck = share("cheap", current=4, ready=2, stuck=2)
    other = share("dear", weight=50, current=1, ready=1)

    found = allot(6.0, [stuck, other])

    assert numbers(found) == {"cheap": 4, "dear": 4}  # the two stuck ones stay asked for, the other covers for them
    assert found.standing_in == {other.key}


def test_only_who_could_take_no_more_is_full() -> None:
    capped, other = share("a", ceiling=3, current=2, ready=2), share("b", weight=50)

    assert allot(9.0, [capped, other]).full == {capped.key}
    assert allot(1.5, [capped, other]).full == set()


def test_what_is_stuck_is_asked_when_nobody_else_has_room() -> None:
    stuck = share("only", current=4, ready=2, stuck=2)

    assert numbers(allot(6.0, [stuck])) == {"only": 6}


def test_a_stuck_variant_that_is_needed_less_falls() -> None:
    stuck = share("only", current=4, ready=2, stuck=2)

    assert numbers(allot(0.5, [stuck])) == {"only": 1}


SHARES = st.lists(
    st.builds(
        Share,
        key=st.integers(0, 50).map(lambda number: ObjectKey("llm", f"v{number}")),
        capacity_per_s=st.floats(0.1, 10),
        weight=st.floats(1, 100),
        floor=st.integers(0, 3),
        ceiling=st.one_of(st.none(), st.integers(3, 12)),
        current=st.integers(0, 12),
        ready=st.integers(0, 12),
        stuck=st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one.key,
)


@given(SHARES, st.floats(0, 60), st.floats(0, 20))
def test_more_demand_never_means_fewer_replicas_of_anybody(shares: list[Share], need: float, more: float) -> None:
    less = allot(need, shares).replicas
    greater = allot(need + more, shares).replicas

    assert all(greater[key] >= number for key, number in less.items())


@given(SHARES, st.floats(0, 60))
def test_the_need_is_met_or_everybody_is_at_the_ceiling(shares: list[Share], need: float) -> None:
    found = allot(need, shares)

    met = sum(found.replicas[one.key] * one.capacity_per_s for one in shares)
    at_ceiling = all(one.ceiling is not None and found.replicas[one.key] >= one.ceiling for one in shares)
    assert met >= need - 1e-6 or at_ceiling
