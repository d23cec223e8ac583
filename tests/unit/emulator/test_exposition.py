"""Exposition text as Go's client writes it."""

import math

import pytest

from penstock.emulator.exposition import Histogram, Page, go_float
from penstock.engine.scatter import token_bounds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "-0"), (1.0, "1"), (7, "7"), (12345678, "12345678"), (0.3, "0.3"), (249.0, "249"),
        (10.979127109000002, "10.979127109000002"), (999999.0, "999999"),
        (1e6, "1e+06"), (1.795235647e9, "1.795235647e+09"),
        (0.0001, "0.0001"), (0.00001, "1e-05"), (1.5e-7, "1.5e-07"), (-2.5e21, "-2.5e+21"), (1e100, "1e+100"),
        (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"),
    ],
)  # fmt: skip
def test_numbers(value: float, text: str) -> None:
    assert go_float(value) == text


def test_a_histogram_is_cumulative_and_bounds_are_inclusive() -> None:
    histogram = Histogram((0.1, 1.0))
    for value, times in ((0.1, 1), (0.5, 3), (9.0, 1)):
        histogram.observe(value, times)

    assert list(histogram.lines("x", {"m": 'a"b\\c'})) == [
        'x_bucket{m="a\\"b\\\\c",le="0.1"} 1',
        'x_bucket{m="a\\"b\\\\c",le="1"} 4',
        'x_bucket{m="a\\"b\\\\c",le="+Inf"} 5',
        'x_sum{m="a\\"b\\\\c"} 10.6',
        'x_count{m="a\\"b\\\\c"} 5',
    ]


def test_a_page_sorts_families_and_labels() -> None:
    page = Page()
    page.add("b", "counter", {"z": "1", "a": "2"}, 3.0)
    page.add("a", "gauge", {}, 1)
    page.add("b", "counter", {"z": "1", "a": "3"}, 4.0)

    assert page.text() == '# TYPE a gauge\na 1\n# TYPE b counter\nb{a="2",z="1"} 3\nb{a="3",z="1"} 4\n'


@pytest.mark.parametrize(
    ("most", "bounds"),
    [(1024, (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)), (1, (1,)), (49, (1, 2, 5, 10, 20)), (0, ())],
)
def test_buckets_of_token_counts(most: int, bounds: tuple[float, ...]) -> None:
    assert token_bounds(most) == bounds
