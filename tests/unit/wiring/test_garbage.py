"""Looking for circles seldom is not the same as never."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from penstock.wiring.garbage import YOUNG, look_seldom


class Circle:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    gc.unfreeze()
    yield
    gc.set_threshold(*before)
    gc.freeze()  # as tests/conftest.py left it


def test_a_circle_stays_for_a_while_and_then_goes() -> None:
    look_seldom()
    circle = weakref.ref(Circle())

    values: list[list[int]] = [[] for _ in range(YOUNG // 2)]
    stayed = circle() is not None
    values += [[] for _ in range(YOUNG)]

    assert stayed
    assert circle() is None


def test_what_is_loaded_is_not_looked_at_again() -> None:
    look_seldom()

    assert gc.get_freeze_count() > YOUNG
