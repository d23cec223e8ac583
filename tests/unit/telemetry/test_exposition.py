"""The text format: against the reference parser, and against those who do not mean well."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from penstock.domain.errors import InvalidField
from penstock.telemetry import exposition
from penstock.telemetry.exposition import Line, parse

label_names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: not name.startswith("__") and name not in {"le", "quantile"}
)
label_values = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False, width=64)


@given(st.dictionaries(label_names, label_values, max_size=4), numbers)
def test_what_the_reference_client_writes_reads_the_same(labels: dict[str, str], value: float) -> None:
    registry = CollectorRegistry()
    names = list(labels)
    gauge = Gauge("vllm:x", "help", names, registry=registry)
    (gauge.labels(**labels) if names else gauge).set(value)

    found = parse(generate_latest(registry).decode())

    assert found == [Line("vllm:x", labels, value)]


def test_families_read_as_the_reference_parser_reads_them() -> None:
    registry = CollectorRegistry()
    Counter("served", "h", ["why"], registry=registry).labels("stop").inc(3)
    Histogram("seconds", "h", ["m"], registry=registry).labels('a"\\\n').observe(0.3)
    text = generate_latest(registry).decode()

    found = {(line.name, frozenset(line.labels.items()), line.value) for line in parse(text)}

    expected = {
        (sample.name, frozenset(sample.labels.items()), float(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("a 1", Line("a", {}, 1.0), id="bare"),
        pytest.param("a{} 1", Line("a", {}, 1.0), id="no labels"),
        pytest.param("  a\t{ b = \"c\" , } \t1e3 1700 \r", Line("a", {"b": "c"}, 1000.0, 1700), id="blanks"),
        pytest.param('a{b="}{ 1"} +Inf', Line("a", {"b": "}{ 1"}, math.inf), id="braces inside"),
        pytest.param('a{b="\\\\\\"\\n\\t"} -Inf -5', Line("a", {"b": '\\"\n\\t'}, -math.inf, -5), id="escapes"),
        pytest.param('a{b="# no comment"} .5', Line("a", {"b": "# no comment"}, 0.5), id="hash inside"),
    ],
)  # fmt: skip
def test_lines(line: str, expected: Line) -> None:
    assert parse(f"# HELP a x\n\n{line}\n# EOF") == [expected]


def test_not_a_number_is_read_as_such() -> None:
    assert math.isnan(parse("a NaN")[0].value)


@pytest.mark.parametrize(
    "line",
    [
        *("a", "a 1_000", "a x", "a 0x10", "a nan", 'a{b="c} 1', "a{b=c} 1", 'a{b="c"', 'a{b="c"} 1 2 3', "a infinity"),
        *('a{b="c" d="e"} 1', 'a{b="c",b="d"} 1', 'a{,} 1', "a 1 x", "a{1} 1", 'a{b="c\\"} 1', "a}1"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_refused_if_it_counts(line: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse(f"good 1\n{line}", {"a", "a}1"})

    assert caught.value.field == "line 2"


def test_what_nobody_asked_for_may_be_anything() -> None:
    assert parse('{"a.b"} 1\nb{{{ x\nc\na 1', {"a"}) == [Line("a", {}, 1.0)]


@given(st.text(max_size=200))
def test_any_text_gives_samples_or_one_clear_error(text: str) -> None:
    try:
        found = parse(text)
    except InvalidField as error:
        found, field = [], error.field
    else:
        field = "line 0"

    assert field.startswith("line ")
    assert all(line.name for line in found)


@given(st.text('a{}=",\\ 1\n\t#', max_size=60))
def test_near_misses_end_too(text: str) -> None:
    try:
        parse(text)
    except InvalidField:
        return


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("a" * 10**6, id="a name without end"),
        pytest.param("a{" + "}" * 10**6, id="braces"),
        pytest.param("a{" + "} " * 10**6 + "x", id="braces and blanks"),
        pytest.param('a{b="' + "\\" * 10**6, id="backslashes"),
        pytest.param("a{" + 'b="",' * 10**5, id="labels"),
        pytest.param("a" + " " * 10**6 + "}", id="blanks"),
    ],
)
@pytest.mark.unmeasured
def test_hostile_lines_cost_time_in_proportion(line: str) -> None:
    # quadratic work on a million characters would take hours, and the suite's timeout would tell
    with pytest.raises(InvalidField):
        parse(line)


def test_the_number_of_samples_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "MAX_SAMPLES", 3)

    with pytest.raises(InvalidField):
        parse("a 1\n" * 4)
