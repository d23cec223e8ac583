"""Tuning: defaults first, then where a rival stands nearest to winning, and each point once."""

import pytest
from tests.unit.bench.made import job, outcome

from penstock.bench import sweep
from penstock.bench.frontier import cheapest, frontier, hypervolume
from penstock.bench.jobs import Outcome

GRID = [{}, *({"a": float(a), "b": float(b)} for a in range(5) for b in range(3))]
DEFAULTS = {"a": 3.0, "b": 2.5, "c": 1.0}


def at(attainment: float, usd_per_h: float, **knobs: float) -> Outcome:
    return outcome(job("B8", **knobs), attainment, usd_per_h)


def test_the_best_is_the_cheapest_that_reaches_the_level_else_the_nearest_to_it() -> None:
    rows = [at(0.99, 5.0), at(0.996, 9.0), at(0.999, 8.0), at(1.0, 20.0)]

    assert sweep.best(rows, 0.995) is rows[2]
    assert sweep.best(rows[:1], 0.995) is rows[0]
    assert sweep.best([at(0.9, 1.0), at(0.98, 9.0), at(0.98, 8.0)], 0.995) == at(0.98, 8.0)
    assert sweep.best([], 0.995) is None


def test_defaults_come_first_and_then_points_spread_over_the_grid() -> None:
    one = sweep.track("B8", "l40s", GRID, DEFAULTS)

    points = [point for _, point in sweep.first([one], 3)]

    assert points[0] == ()
    assert [dict(point) for point in points[1:]] == [GRID[3], GRID[8], GRID[13]]
    assert [point for _, point in sweep.first([sweep.track("B0", "mix", [{}], {})], 3)] == [()]


def test_the_next_point_is_beside_the_best_one() -> None:
    one = sweep.track("B8", "mix", GRID, DEFAULTS)
    seen = {("B8", "mix"): [at(0.9, 5.0), at(0.999, 9.0, a=2.0, b=1.0), at(0.999, 12.0, a=4.0, b=1.0)]}

    [(_, point)] = sweep.further([one], seen, 0.995, 5)

    # the defaults are a 3 and b 2.5: it goes on to lower numbers, and first where two knobs are far from them
    assert dict(point) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize(
    ("defaults", "tried", "expected"),
    [
        pytest.param({"a": 2.0, "b": 1.0}, [], {"a": 1.0, "b": 1.0}, id="a point of the grid"),
        pytest.param({"a": 2.0, "b": 1.0}, [(1, 1), (3, 1)], {"a": 2.0, "b": 0.0}, id="whose nearest were tried"),
        pytest.param({"a": 3.0, "b": 2.5}, [], {"a": 3.0, "b": 2.0}, id="between, or beyond, what the grid has"),
        pytest.param({"a": 100.0, "b": 0.0}, [], {"a": 4.0, "b": 0.0}, id="far beyond"),
    ],
)
def test_beside_the_defaults_is_beside_what_they_are(
    defaults: dict[str, float], tried: list[tuple[int, int]], expected: dict[str, float]
) -> None:
    one = sweep.track("B8", "mix", [point for point in GRID if point != defaults], defaults)
    seen = [at(0.999, 5.0), *(at(0.999, 9.0, a=float(a), b=float(b)) for a, b in tried)]

    [(_, point)] = sweep.further([one], {("B8", "mix"): seen}, 0.995, 1)

    assert dict(point) == expected


def test_a_knob_of_one_variant_has_the_default_of_all() -> None:
    grid = [{}, *({"a@l40s": float(a), "a@h100": 4.0 * a} for a in range(1, 5))]
    one = sweep.track("B8", "split", grid, {"a": 3.0})

    [(_, point)] = sweep.further([one], {("B8", "split"): [at(0.999, 5.0)]}, 0.995, 1)

    assert dict(point) == {"a@l40s": 3.0, "a@h100": 12.0}


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        pytest.param({0: True}, -4.0, id="the default does: the middle of those below"),
        pytest.param({0: False}, 4.0, id="it does not: of those above"),
        pytest.param({0: True, -4: False}, -2.0, id="between the two"),
        pytest.param({0: True, -4: False, -2: True}, -3.0, id="the last one between"),
        pytest.param({0: True, -3: True, -4: False}, None, id="none left between"),
        pytest.param({0: True, -4: False, 6: False}, -2.0, id="one above that happens to miss does not matter"),
        pytest.param({0: False, 4: False, 6: False, 7: False}, None, id="none reaches it"),
    ],
)
def test_a_size_is_found_by_halving(tried: dict[int, bool], expected: float | None) -> None:
    one = sweep.track("B0", "mix", [{}, *({"more": float(more)} for more in range(-7, 8) if more)], {"more": 0.0})
    rows = [
        outcome(job("B0", **({"more": float(more)} if more else {})), 0.999 if well else 0.9)
        for more, well in tried.items()
    ]

    found = sweep.halfway(one, rows, 0.995)

    assert (dict(found)["more"] if found else None) == expected


def test_those_nearest_to_winning_are_tried_first_and_done_ones_no_more() -> None:
    near, far, done = (
        sweep.track(code, "mix", GRID[:2] if code == "B1" else GRID, DEFAULTS) for code in ("B8", "B7", "B1")
    )
    seen = {
        ("B8", "mix"): [outcome(job("B8"), 0.999, 9.0)],
        ("B7", "mix"): [outcome(job("B7"), 0.7, 3.0)],
        ("B1", "mix"): [outcome(job("B1"), 0.999, 1.0), outcome(job("B1", a=0.0, b=0.0), 0.9, 1.0)],
    }

    assert [one.policy for one, _ in sweep.further([far, done, near], seen, 0.995, 5)] == ["B8", "B7"]
    assert len(sweep.further([far, near], seen, 0.995, 1)) == 1


def test_all_points_are_tried_in_the_end() -> None:
    one = sweep.track("B8", "mix", GRID, DEFAULTS)
    rows = [at(0.99, 5.0)]

    for _ in range(len(GRID) - 1):
        [(_, point)] = sweep.further([one], {("B8", "mix"): rows}, 0.995, 1)
        rows.append(at(0.99, 5.0, **dict(point)))

    assert {row.job.knobs for row in rows} == set(one.points)
    assert sweep.further([one], {("B8", "mix"): rows}, 0.995, 1) == []


def test_the_frontier_has_nobody_who_is_beaten() -> None:
    rows = [at(0.9, 5.0), at(0.8, 6.0), at(0.99, 7.0), at(0.99, 8.0), at(1.0, 9.0)]

    assert frontier(rows) == [rows[0], rows[2], rows[4]]
    assert cheapest(rows, 0.95) is rows[2]
    assert cheapest(rows[:2], 0.95) is None


def test_the_volume_is_the_share_of_the_plane_that_is_covered() -> None:
    assert hypervolume([at(1.0, 5.0)], 10.0, 0.5) == 0.5
    assert hypervolume([at(0.75, 0.0), at(1.0, 5.0)], 10.0, 0.5) == 0.75
    assert hypervolume([at(1.0, 50.0), at(0.4, 1.0)], 10.0, 0.5) == 0.0
