"""What is learnt of starts, and which replicas are not counted on."""

import math
from dataclasses import replace

import pytest
from tests.unit.scaling.scene import NOW, target, variant

from penstock.domain.observations import Birth
from penstock.scaling.experience import Experience, Outage, Pending, Starts, following, pending

CHAT = variant()
NEW = Experience(uid=CHAT.uid)


def births(*durations_s: float, at_s: float = NOW) -> tuple[Birth, ...]:
    return tuple(Birth(at_s + n, at_s + n + duration) for n, duration in enumerate(durations_s))


def test_three_measured_starts_rule_over_what_was_expected() -> None:
    two, three = Starts().seeing(births(90, 100)), Starts().seeing(births(90, 100, 110))

    assert (two.expected_s(180.0), two.cautious_s(180.0)) == (180.0, 180.0)
    assert three.expected_s(180.0) == pytest.approx((90 * 100 * 110) ** (1 / 3))
    assert three.cautious_s(180.0) > three.expected_s(180.0)


def test_a_start_counts_once_however_often_it_is_seen() -> None:
    seen = births(90, 100, 110)

    again = Starts().seeing(seen).seeing(seen).seeing((*seen, Birth(NOW + 500, None)))

    assert again == Starts().seeing(seen)


def test_newer_starts_weigh_more() -> None:
    slow = Starts().seeing(births(*[300.0] * 30))
    faster = slow.seeing(births(*[60.0] * 30, at_s=NOW + 9000))

    assert faster.expected_s(180.0) < 120.0
    assert math.isfinite(faster.log_variance)


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        pytest.param({}, 2, Pending(), id="all serve"),
        pytest.param({"ready": 1, "births": (Birth(NOW - 60, None),)}, 2, Pending(credited=1), id="one starts"),
        pytest.param({"ready": 1, "stuck": 1, "births": (Birth(NOW - 60, None),)}, 2, Pending(stuck=1), id="no place"),
        pytest.param(
            {"ready": 1, "births": (Birth(NOW - 400, None),)},
            2,
            Pending(stuck=1, late=1),
            id="longer than three starts",
        ),
        pytest.param({"ready": 2}, 4, Pending(credited=2), id="nobody created them yet"),
    ],
)
def test_what_does_not_serve_is_judged(changes: dict[str, object], wanted: int, expected: Pending) -> None:
    at = target(CHAT, 2, **changes)

    assert pending(at, wanted, NEW, 100.0, NOW) == expected


@pytest.mark.parametrize(("waited_s", "late"), [(29.0, 0), (31.0, 1)])
def test_a_start_of_seconds_has_half_a_minute(waited_s: float, late: int) -> None:
    at = target(CHAT, 2, ready=1, births=(Birth(NOW - waited_s, None),))

    assert pending(at, 2, NEW, 2.0, NOW).late == late


def test_what_nobody_follows_is_not_counted_on_for_ever() -> None:
    at = target(CHAT, 2)
    waiting = following(NEW, at, 4, NOW - 301)

    assert pending(at, 4, following(waiting, at, 4, NOW), 100.0, NOW) == Pending(credited=0, stuck=2, late=2)
    assert following(waiting, target(CHAT, 3), 4, NOW).pending_since_s == NOW


def test_an_outage_lasts_longer_each_time_and_ends_with_a_replica_that_serves() -> None:
    first = Outage(NOW, NOW + 900)
    away = replace(NEW, outage=first.again(NOW + 900, 900.0))

    served = following(away, target(CHAT, 1, births=(Birth(NOW + 1000, NOW + 1100),)), 1, NOW + 1200)

    assert away.is_away(NOW + 900 + 1799)
    assert not away.is_away(NOW + 900 + 1801)
    assert served.outage is None
