"""A value that goes to JSON and back is the same value, whatever is in it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.decisions import Verdict
from penstock.domain.errors import InvalidField
from penstock.domain.readings import ABSENT, Absent, Known, Reading, Stale
from penstock.domain.reasons import MetricsReason
from penstock.domain.variants import ObjectKey
from penstock.records.codec import decode, encode


class Colour(StrEnum):
    """Something with few values."""

    RED = "Red"
    BLUE = "Blue"


@dataclass(frozen=True)
class Everything:
    """One field of each kind that our values use."""

    number: float
    maybe: float | None
    reading: Reading
    verdict: Verdict[MetricsReason]
    names: frozenset[str]
    pairs: tuple[tuple[float, int], ...]
    texts: Mapping[str, str]
    keyed: Mapping[ObjectKey, Colour]
    flag: bool
    mixed: str | int | None = None


readings = st.one_of(
    st.builds(Known, st.floats(allow_nan=False), st.floats(allow_nan=False)),
    st.builds(Stale, st.floats(allow_nan=False), st.floats(allow_nan=False)),
    st.builds(Absent, st.text(max_size=5), st.booleans()),
)
values = st.builds(
    Everything,
    number=st.floats(allow_nan=False),
    maybe=st.none() | st.floats(allow_nan=False),
    reading=readings,
    verdict=st.builds(Verdict, st.sampled_from(MetricsReason), st.dictionaries(st.text(), st.text(), max_size=2)),
    names=st.frozensets(st.text(), max_size=3),
    pairs=st.lists(st.tuples(st.floats(allow_nan=False), st.integers())).map(tuple),
    texts=st.dictionaries(st.text(), st.text(), max_size=3),
    keyed=st.dictionaries(st.builds(ObjectKey, st.text(), st.text()), st.sampled_from(Colour), max_size=3),
    flag=st.booleans(),
    mixed=st.none() | st.text() | st.integers(),
)


@given(values)
def test_what_is_written_is_read_back(value: Everything) -> None:
    text = json.dumps(encode(Everything, value), allow_nan=False)

    assert decode(Everything, json.loads(text)) == value


def test_a_number_that_is_none_survives() -> None:
    there = encode(Known, Known(math.nan, math.inf))

    back = decode(Known, json.loads(json.dumps(there, allow_nan=False)))

    assert math.isnan(back.value)
    assert back.at_s == math.inf


@pytest.mark.parametrize(
    ("shape", "data"),
    [
        pytest.param(Known, {"value": 1.0}, id="a field is missing"),
        pytest.param(Known, {"value": "many", "at_s": 0.0}, id="a word for a number"),
        pytest.param(ObjectKey, {"namespace": 7, "name": "x"}, id="a number for a word"),
        pytest.param(Everything, [], id="no object at all"),
        pytest.param(Colour, "Green", id="a value that the enumeration lacks"),
    ],
)
def test_another_shape_is_refused(shape: type, data: Any) -> None:
    with pytest.raises(InvalidField, match="version that wrote it"):
        decode(shape, data)


def test_absence_is_told_from_a_known_zero() -> None:
    assert encode(Everything.__annotations__["reading"], ABSENT) != encode(Reading, Known(0.0, 0.0))  # type: ignore[arg-type] # a union is a shape, too
