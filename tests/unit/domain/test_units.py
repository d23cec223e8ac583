"""Durations, percents and bytes: read, written, and equal on the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.errors import InvalidField
from penstock.domain.units import (
    format_bytes,
    format_duration,
    format_percent,
    parse_bytes,
    parse_duration,
    parse_percent,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30.0), ("1h30m", 5400.0), ("1s1ms", 1.001), ("0s", 0.0), ("5ms3h", 10800.005)]
)  # fmt: skip
def test_duration(text: str, seconds: float) -> None:
    assert parse_duration(text, "f") == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "1.5s", "-1s", "1d", "100000s", "1s1s1s1s1s", " 1s", "1s\n", "٣s", "1" * 25]
)
def test_no_duration(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_duration(text, "spec.slo.ttft")

    assert caught.value.remedy == "write a duration such as 500ms, 30s or 10m"
    assert caught.value.field == "spec.slo.ttft"


@given(milliseconds=st.integers(0, 9999 * 3_600_000))
def test_duration_comes_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000

    assert parse_duration(format_duration(seconds), "f") == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(94.0, "1m34s"), (60.0, "1m"), (0.0, "0s"), (0.0004, "0s"), (3661.5, "1h1m1s500ms")]
)
def test_duration_is_written_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("text", ["", "99.5", "101%", "-1%", "1e1%", "1.1234567%", "% ", "0.5.1%"])
def test_no_percent(text: str) -> None:
    with pytest.raises(InvalidField, match=r"write a percentage such as 99\.5%"):
        parse_percent(text, "f")


@given(hundredths=st.integers(0, 10_000))
def test_percent_comes_back(hundredths: int) -> None:
    ratio = parse_percent(f"{hundredths / 100:.2f}%", "f")

    assert parse_percent(format_percent(ratio), "f") == ratio


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.995, "99.5%"), (0.1, "10%"), (0.0, "0%"), (1.0, "100%"), (0.99999, "99.999%")]
)
def test_percent_is_written_short(ratio: float, text: str) -> None:
    assert format_percent(ratio) == text


@pytest.mark.parametrize(
    ("text", "count"), [("1", 1), ("256Mi", 256 << 20), ("1G", 10**9), ("1.5Ki", 1536), ("2k", 2000), ("1Ti", 1 << 40)]
)
def test_bytes(text: str, count: int) -> None:
    assert parse_bytes(text, "f") == count


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1GB", "-1", "1e3", "0x10"])
def test_no_bytes(text: str) -> None:
    with pytest.raises(InvalidField, match="write a quantity such as 256Mi or 1Gi"):
        parse_bytes(text, "f")


@given(count=st.integers(0, 1 << 50))
def test_bytes_come_back(count: int) -> None:
    assert parse_bytes(format_bytes(count), "f") == count


def test_bytes_are_written_short() -> None:
    assert [format_bytes(count) for count in (0, 1000, 1024, 1 << 30, 3 << 39)] == ["0", "1000", "1Ki", "1Gi", "1536Gi"]
