"""Windows of schedules: cron's language, time zones, and the two odd nights of a year."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.cron import is_open, parse_cron, time_zone
from penstock.domain.errors import InvalidField

HOUR = 3600.0


def at(text: str) -> float:
    """Return the Unix time of an ISO stamp; UTC where it names no offset."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        pytest.param("0 7 * * 1-5", "2026-11-20T07:00:00", True, id="Friday, at once"),
        pytest.param("0 7 * * 1-5", "2026-11-20T06:59:59", False, id="a second before"),
        pytest.param("0 7 * * 1-5", "2026-11-20T07:59:59", True, id="the last second"),
        pytest.param("0 7 * * 1-5", "2026-11-20T08:00:00", False, id="over"),
        pytest.param("0 7 * * 1-5", "2026-11-21T07:30:00", False, id="Saturday"),
        pytest.param("0 7 * * MON-FRI", "2026-11-20T07:30:00", True, id="names of days"),
        pytest.param("30 23 * * *", "2026-11-21T00:15:00", True, id="across midnight"),
        pytest.param("30 23 31 dec *", "2027-01-01T00:15:00", True, id="across the year"),
        pytest.param("0 0 29 2 *", "2028-02-29T00:30:00", True, id="leap day"),
        pytest.param("0 0 31 4 *", "2026-04-30T00:30:00", False, id="a day that never comes"),
        pytest.param("*/20 8-10 * * *", "2026-11-20T10:55:00", True, id="steps in a range"),
        pytest.param("50 * * * *", "2026-11-20T10:30:00", True, id="every hour, an hour long"),
        pytest.param("0 7 * * 7", "2026-11-22T07:30:00", True, id="Sunday as 7"),
        pytest.param("0 7 13 * 5", "2026-11-20T07:30:00", True, id="either day: a Friday"),
        pytest.param("0 7 20 * 1", "2026-11-20T07:30:00", True, id="either day: the 20th"),
        pytest.param("0 7 */2 * 5", "2026-11-20T07:30:00", True, id="a star with a step restricts"),
        pytest.param("0 7 13 * *", "2026-11-20T07:30:00", False, id="a plain star does not"),
        pytest.param("0 7 ? * 5", "2026-11-20T07:30:00", True, id="a question mark is a star"),
        pytest.param("@daily", "2026-11-20T00:30:00", True, id="macro"),
        pytest.param("10/20 7 * * *", "2026-11-20T07:05:00", False, id="start with a step: before"),
        pytest.param("10/20 7 * * *", "2026-11-20T08:45:00", True, id="start with a step: 7:50 and an hour"),
    ],
)
def test_open_for_an_hour(schedule: str, now: str, expected: bool) -> None:
    assert is_open(schedule, HOUR, "UTC", at(now)) is expected


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        pytest.param("0 7 * * *", "2026-07-01T05:30:00", True, id="summer: two hours before UTC"),
        pytest.param("0 7 * * *", "2026-12-01T05:30:00", False, id="winter: not yet"),
        pytest.param("0 7 * * *", "2026-12-01T06:30:00", True, id="winter: one hour"),
        pytest.param("30 2 * * *", "2026-03-29T01:15:00", False, id="the hour that is left out opens nothing"),
        pytest.param("30 2 * * *", "2026-10-25T00:45:00", True, id="the hour that comes twice: first"),
        pytest.param("30 2 * * *", "2026-10-25T01:45:00", True, id="the hour that comes twice: second"),
        pytest.param("30 2 * * *", "2026-10-25T02:31:00", False, id="after both"),
    ],
)
def test_summer_time_in_berlin(schedule: str, now: str, expected: bool) -> None:
    assert is_open(schedule, HOUR, "Europe/Berlin", at(now)) is expected


def test_long_window_of_a_rare_day() -> None:
    assert is_open("0 0 1 1 *", 300 * 24 * HOUR, "", at("2026-10-20T00:00:00"))
    assert not is_open("0 0 1 1 *", 290 * 24 * HOUR, "", at("2026-10-20T00:00:00"))


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    duration_m=st.integers(1, 3000),
    now=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - made aware below
)
def test_daily_window_equals_arithmetic(minute: int, hour: int, duration_m: int, now: datetime) -> None:
    moment = now.replace(tzinfo=UTC)
    start = moment.replace(hour=hour, minute=minute, second=0, microsecond=0)
    latest = start if start <= moment else start - timedelta(days=1)

    expected = moment - latest < timedelta(minutes=duration_m)

    assert is_open(f"{minute} {hour} * * *", duration_m * 60.0, "UTC", moment.timestamp()) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
        "5-1 * * * *", "*/0 * * * *", "a * * * *", "1,,2 * * * *", "1- * * * *", "-1 * * * *", "* * * foo *", "@never",
        "٣ * * * *", "TZ=UTC 0 7 * * *",
    ],
)  # fmt: skip
def test_no_cron(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_cron(text, "spec.schedules[0].schedule")

    assert caught.value.field == "spec.schedules[0].schedule"
    assert caught.value.remedy == "write five cron fields: minute hour day month weekday, such as 0 7 * * 1-5"


@given(text=st.text(alphabet="0123456789*/-,? @adefgimnorstuw", max_size=24))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        cron = parse_cron(text)
    except InvalidField:
        return
    assert cron.minutes <= set(range(60))
    assert cron.weekdays <= set(range(7))


@pytest.mark.parametrize("name", ["Mars/Olympus", "Local", "../etc/passwd", "/etc/localtime", "x" * 300, "\0"])
def test_no_zone(name: str) -> None:
    with pytest.raises(InvalidField, match="IANA"):
        time_zone(name)
