"""How fast a number may move."""

import pytest

from penstock.scaling.rates import Moves, paced


@pytest.mark.parametrize(
    ("wanted", "base", "moves", "allowed"),
    [
        pytest.param(12, 2, (), 12, id="ten more at once"),
        pytest.param(90, 2, (), 12, id="no more than that from two"),
        pytest.param(90, 20, (), 60, id="three times as many from twenty"),
        pytest.param(90, 12, ((-300.0, 2), (-10.0, 12)), 12, id="nothing more within the same fifteen seconds"),
        pytest.param(90, 12, ((-300.0, 2), (-15.0, 12)), 36, id="again after fifteen seconds"),
        pytest.param(1, 5, (), 1, id="four fewer at once"),
        pytest.param(0, 20, (), 10, id="half of twenty"),
        pytest.param(0, 10, ((-300.0, 20), (-30.0, 10)), 10, id="no more than half within a minute"),
        pytest.param(0, 10, ((-300.0, 20), (-60.0, 10)), 5, id="again after a minute"),
        pytest.param(7, 7, (), 7, id="no move"),
    ],
)
def test_a_number_moves_no_faster(wanted: int, base: int, moves: tuple[tuple[float, int], ...], allowed: int) -> None:
    number, why = paced(wanted, base, Moves(moves), 0.0)

    assert number == allowed
    assert bool(why) is (allowed != wanted)


def test_only_what_a_rate_looks_at_is_kept() -> None:
    moves = Moves()
    for minute in range(10):
        moves = moves.adding(60.0 * minute, minute).adding(60.0 * minute + 1, minute)

    assert moves.rows == ((480.0, 8), (540.0, 9))
