"""Durations in Go's spelling."""

import pytest

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1.5s", 1.5), ("1h0m0s", 3600), ("0", 0), ("500ms", 0.5), (".5s", 0.5), ("1m30s500ms", 90.5),
     ("250us", 0.00025), ("250µs", 0.00025), ("5ns", 5e-9)],
)  # fmt: skip
def test_what_go_takes(text: str, seconds: float) -> None:
    assert parse_go_duration(text, "ttl") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "-5s", "5x", "s", "5s junk", "1s2", "1 s", "٣s", "1s" * 40])
def test_what_go_refuses_or_is_negative(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_go_duration(text, "ttl")

    assert caught.value.field == "ttl"
