"""The signal of saturation-v1 against WVA's numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.catalogue import SaturationThresholds
from penstock.scaling.observe import Gauges
from penstock.scaling.saturation import is_full, signal

DEFAULTS = SaturationThresholds()


def engines(*pairs: tuple[float | None, float | None]) -> list[Gauges]:
    return [Gauges(kv, queue) for kv, queue in pairs]


@pytest.mark.parametrize(
    ("pairs", "step"),
    [
        pytest.param([(0.5, 1), (0.6, 0)], 0, id="room enough, but not for one fewer"),
        pytest.param([(0.3, 0), (0.3, 1)], -1, id="one fewer would do"),
        pytest.param([(0.35, 1)] * 2, -1, id="one fewer would just do"),
        pytest.param([(0.36, 1)] * 2, 0, id="one fewer would just not do"),
        pytest.param([(0.85, 6), (0.9, 8)], 1, id="all full"),
        pytest.param([(0.75, 1), (0.72, 2)], 1, id="cache nearly full"),
        pytest.param([(0.5, 3), (0.4, 2)], 1, id="line nearly full"),
        pytest.param([(0.9, 9)] * 7 + [(0, 0)] * 3, -1, id="blind spot: most are full"),
        pytest.param([(0.9, 9)] * 9 + [(0, 0)], 0, id="blind spot: all but one are full"),
    ],
)
def test_vectors_of_wva(pairs: list[tuple[float, float]], step: int) -> None:
    assert signal(engines(*pairs), DEFAULTS) == step


@pytest.mark.parametrize(
    ("pairs", "step"),
    [
        pytest.param([(None, 0), (None, 0)], 0, id="caches unknown: not fewer"),
        pytest.param([(0.1, None), (0.1, None)], 0, id="lines unknown: not fewer"),
        pytest.param([(None, 3), (None, 3)], 1, id="lines alone argue for more"),
        pytest.param([(0.9, None)], 1, id="one cache alone argues for more"),
        pytest.param([(0.1, 0)], 0, id="one replica stays"),
    ],
)
def test_what_is_unknown_never_argues_for_fewer(pairs: list[tuple[float | None, float | None]], step: int) -> None:
    assert signal(engines(*pairs), DEFAULTS) == step


def test_own_thresholds_count() -> None:
    strict = SaturationThresholds(kv_cache=0.5, kv_spare=0.2, queue_length=2, queue_spare=1)

    assert signal(engines((0.35, 0), (0.35, 0)), strict) == 1
    assert is_full(Gauges(0.1, 2), strict)
    assert not is_full(Gauges(0.1, 2), DEFAULTS)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10)), min_size=1, max_size=8).map(lambda pairs: engines(*pairs))
)
def test_one_more_full_engine_among_full_ones_keeps_asking(seen: list[Gauges]) -> None:
    full = [Gauges(1.0, 10.0)] * len(seen)

    assert signal(full, DEFAULTS) == 1
