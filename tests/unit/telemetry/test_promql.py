"""What goes into a query comes out of a parser as it went in."""

import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import InvalidField
from penstock.telemetry import promql
from penstock.telemetry.queries import lookback_s, queries

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def matchers(query: str) -> list[tuple[str, str]]:
    return [(one.name, one.value) for one in promql_parser.parse(query).matchers.matchers]  # type: ignore[union-attr]


@given(texts)
def test_a_label_value_survives_a_parser(value: str) -> None:
    query = promql.selector("up", [promql.equals("model_name", value)])

    assert matchers(promql.checked(query)) == [("model_name", value)]


@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_a_pattern_matches_its_values_and_nothing_else(values: list[str], other: str) -> None:
    query = promql.selector("up", [promql.one_of("namespace", values)])

    pattern = re.compile(matchers(promql.checked(query))[0][1], re.DOTALL)
    assert all(pattern.fullmatch(value) for value in values)
    assert bool(pattern.fullmatch(other)) == (other in values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain", '"plain"', id="plain"),
        pytest.param('a"b', r'"a\"b"', id="quote"),
        pytest.param("a\\b", r'"a\\b"', id="backslash"),
        pytest.param("a\nb", r'"a\nb"', id="newline"),
    ],
)
def test_the_three_escapes(text: str, expected: str) -> None:
    assert promql.quoted(text) == expected


def test_no_label_counts_where_asked_for() -> None:
    assert promql.one_of("namespace", ["b", "a", "b"], or_none=True) == 'namespace=~"a|b|"'


@pytest.mark.parametrize(("seconds", "expected"), [(60.0, "60s"), (0.5, "500ms"), (90.25, "90250ms")])
def test_spans(seconds: float, expected: str) -> None:
    assert promql.selector("up", [], seconds) == f"up{{}}[{expected}]"


def test_a_query_that_does_not_parse_is_named_with_the_parsers_sentence() -> None:
    with pytest.raises(InvalidField) as caught:
        promql.checked("rate(up)")

    assert caught.value.value == "rate(up)"
    assert "expected type matrix" in caught.value.remedy


@given(st.frozensets(texts, max_size=3), st.floats(1, 3600), st.floats(1, 3600))
@pytest.mark.unmeasured
def test_every_pass_asks_the_same_questions(namespaces: frozenset[str], window_s: float, stale_after_s: float) -> None:
    asked = queries(namespaces, window_s, stale_after_s)

    assert [query.name for query in asked] == [
        *("sample_time", "backlog_growth", "running", "waiting", "kv_usage"),
        *("completed", "input_tokens", "output_tokens", "ttft", "tpot", "prefill"),
        *("input_tokens_buckets", "output_tokens_buckets", "kv_capacity", "pickers"),
    ]


@pytest.mark.parametrize(("stale_after_s", "expected"), [(120.0, 300.0), (600.0, 1200.0)])
def test_samples_are_found_after_they_became_stale(stale_after_s: float, expected: float) -> None:
    assert lookback_s(stale_after_s) == expected
