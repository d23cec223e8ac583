"""Benchmarks run as an operator does."""

import gc
from collections.abc import Iterator

import pytest

from penstock.wiring.garbage import look_seldom


@pytest.fixture(autouse=True)
def _garbage_as_in_an_operator() -> Iterator[None]:
    before = gc.get_threshold()
    look_seldom()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()
