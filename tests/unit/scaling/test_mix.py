"""The cheapest mix, held against trying everything."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.variants import ObjectKey
from penstock.scaling.mix import Mix, Offer, capacity_of, cheapest

L40S = Offer(key=ObjectKey("llm", "l40s"), capacity_per_s=4.7, price=1.86, floor=0, ceiling=12)
H100 = Offer(key=ObjectKey("llm", "h100"), capacity_per_s=21.0, price=7.52, floor=0, ceiling=6)


@pytest.mark.parametrize(
    ("need", "offers", "replicas"),
    [
        pytest.param(0.0, (L40S, H100), (0, 0), id="nothing needed"),
        pytest.param(4.0, (L40S, H100), (1, 0), id="a small one for little"),
        pytest.param(18.0, (L40S, H100), (4, 0), id="four small ones, just below a big one"),
        pytest.param(20.0, (L40S, H100), (0, 1), id="a big one where five small ones cost more"),
        pytest.param(24.0, (L40S, H100), (1, 1), id="a small one on top of the big one"),
    ],
)
def test_the_cheapest_is_found(need: float, offers: tuple[Offer, ...], replicas: tuple[int, ...]) -> None:
    assert cheapest(need, offers).replicas == replicas


def test_what_nobody_can_serve_is_told() -> None:
    found = cheapest(200.0, (L40S, H100))

    assert (found.replicas, round(found.unserved_per_s, 3)) == ((12, 6), round(200 - 12 * 4.7 - 6 * 21.0, 3))


@st.composite
def offers(draw: st.DrawFn, most: int = 5) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            key=ObjectKey("llm", f"v{index}"),
            capacity_per_s=draw(st.floats(0.2, 10)),
            price=draw(st.floats(0.2, 10)),
            floor=draw(st.integers(0, 2)),
            ceiling=draw(st.integers(2, most)),
            base=draw(st.integers(0, most)),
            start_cost=draw(st.floats(0, 2)),
            keep_gain=draw(st.floats(0, 0.1)),
        )
        for index in range(draw(st.integers(1, 4)))
    )


def brute(need: float, of: tuple[Offer, ...]) -> float | None:
    """Return the cost of the cheapest mix by trying all, None where none serves the need."""
    costs = [
        sum(one.cost(number) for one, number in zip(of, numbers, strict=True))
        for numbers in itertools.product(*(range(one.floor, (one.ceiling or 0) + 1) for one in of))
        if capacity_of(of, numbers) >= need - 1e-9
    ]
    return min(costs, default=None)


def test_a_search_that_was_cut_says_by_how_much_it_may_be_undercut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.scaling.mix._NODES", 2)
    cheapest.cache_clear()

    found = cheapest(31.0, (L40S, H100))
    cheapest.cache_clear()

    assert 0 < found.gap_ratio < 0.5


@settings(max_examples=60)
@given(offers(), st.floats(0, 60))
def test_nothing_is_cheaper(of: tuple[Offer, ...], need: float) -> None:
    found, best = cheapest(need, of), brute(need, of)

    assert within(found, of)
    if best is None:
        assert found.unserved_per_s > 0
    else:
        assert capacity_of(of, found.replicas) >= need - 1e-6
        assert sum(one.cost(number) for one, number in zip(of, found.replicas, strict=True)) <= best + 1e-6


@settings(max_examples=60)
@given(offers(), st.floats(0, 60), st.floats(0, 30))
def test_more_need_never_means_less_capacity(of: tuple[Offer, ...], need: float, more: float) -> None:
    less, greater = cheapest(need, of), cheapest(need + more, of)

    assert capacity_of(of, greater.replicas) >= capacity_of(of, less.replicas) - 1e-6


@settings(max_examples=30)
@given(offers(), st.floats(0, 400), st.integers(30, 60))
def test_a_large_fleet_is_served_and_its_gap_told(of: tuple[Offer, ...], need: float, ceiling: int) -> None:
    large = tuple(Offer(**{**{name: getattr(one, name) for name in Offer._fields}, "ceiling": ceiling}) for one in of)

    found = cheapest(need, large)

    assert within(found, large)
    assert found.unserved_per_s > 0 or capacity_of(large, found.replicas) >= need - 1e-6
    assert 0 <= found.gap_ratio <= 1


def whole(chance: Random) -> tuple[Offer, ...]:
    """Return five variants of up to twenty replicas, nearly alike in what a request costs, with whole capacities."""

    def one(name: str) -> Offer:
        per_s, price = chance.randint(1, 12), chance.uniform(0.9, 1.1)
        fields = {"price": per_s * price, "base": chance.randint(0, 20), "start_cost": 0.2 * per_s, "keep_gain": 0.01}
        return Offer(key=ObjectKey("llm", name), capacity_per_s=per_s, floor=chance.randint(0, 2), ceiling=20, **fields)

    return tuple(one(name) for name in "abcde")


def least(need: int, of: tuple[Offer, ...]) -> float:
    """Return the cost of the cheapest mix by dynamic programming over what is served; capacities are whole."""
    best = {0: 0.0}
    for one in of:
        after: dict[int, float] = {}
        for served, cost in best.items():
            for number in range(one.floor, (one.ceiling or 0) + 1):
                serves = min(served + number * round(one.capacity_per_s), need)
                after[serves] = min(after.get(serves, float("inf")), cost + one.cost(number))
                if serves == need:
                    break  # costs only rise with more
        best = after
    return best[need]


@pytest.mark.parametrize("seed", range(4))
def test_five_variants_of_twenty_replicas_are_solved_exactly(seed: int) -> None:
    chance = Random(seed)
    of = whole(chance)
    need = round(chance.uniform(0.3, 0.8) * capacity_of(of, [20] * 5))

    found = cheapest(float(need), of)

    assert found.gap_ratio == 0.0
    assert capacity_of(of, found.replicas) >= need
    assert found.cost == pytest.approx(least(need, of))


def test_greed_leaves_nothing_that_is_not_needed_and_tells_no_gap_that_is_too_small() -> None:
    """Of six variants, which is more than are searched through."""
    missed = 0
    for seed in range(60):
        chance = Random(seed)
        of = tuple(one._replace(floor=0, ceiling=3) for one in (*whole(chance), whole(chance)[0]))
        need = round(chance.uniform(0.1, 0.9) * capacity_of(of, [3] * 6))

        found, best = cheapest(float(need), of), least(need, of)

        assert found.cost * (1 - found.gap_ratio) <= best + 1e-6 <= found.cost + 2e-6
        spare = capacity_of(of, found.replicas) - need
        assert all(one.capacity_per_s > spare for one, number in zip(of, found.replicas, strict=True) if number)
        missed += found.cost > 1.01 * best
    assert missed > 10


def within(found: Mix, of: tuple[Offer, ...]) -> bool:
    return all(
        one.floor <= number <= (number if one.ceiling is None else one.ceiling)
        for one, number in zip(of, found.replicas, strict=True)
    )
