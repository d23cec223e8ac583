"""A decision follows what changes: the lengths of requests, how long starts take, and windows that open and close."""

import datetime

import pytest
from tests.unit.scaling.scene import NOW, known, observe, remembering, row, rows, target, variant

from penstock.domain.decisions import Decision
from penstock.domain.observations import Birth
from penstock.domain.readings import ABSENT
from penstock.domain.reasons import DecisionReason
from penstock.domain.variants import Schedule
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

CHAT = variant(max_replicas=9)


def passes(
    memory: Memory, *, since_s: float, minutes: int, output_tokens: float, total: float = 0.4
) -> tuple[Decision, Memory]:
    """Return the last decision of some minutes in which answers are so long on average."""
    for step in range(4 * minutes):
        now_s = since_s + 15.0 * step
        fields = {"output_tokens": known(output_tokens, now_s), "input_tokens": known(4 * output_tokens, now_s)}
        seen = rows(CHAT, 2, total=total, at_s=now_s, tpot_s=ABSENT, **fields)  # so that the engine teaches nothing
        observation = observe(CHAT, targets={CHAT.key: target(CHAT, 2)}, seen=seen, now_s=now_s)
        (decision,), memory = decide(observation, memory, Config())
    return decision, memory


@pytest.mark.parametrize(("before", "after"), [(100.0, 25.0), (25.0, 100.0)], ids=["shorter", "longer"])
@pytest.mark.unmeasured
def test_other_lengths_count_within_minutes(before: float, after: float) -> None:
    fresh, _ = passes(Memory(), since_s=NOW, minutes=1, output_tokens=after)

    old, memory = passes(Memory(), since_s=NOW, minutes=60, output_tokens=before)
    drifted, _ = passes(memory, since_s=NOW + 3600, minutes=20, output_tokens=after)

    assert fresh.capacity_per_s is not None
    assert old.capacity_per_s != pytest.approx(fresh.capacity_per_s, rel=0.3)
    assert drifted.capacity_per_s == pytest.approx(fresh.capacity_per_s, rel=0.1)


def after_another_mix(*, before: tuple[float, float], after: tuple[float, float]) -> list[int]:
    """Return what is desired in passes after requests of (rate, tokens out) made way for others of another length."""
    many, memory, count, found = variant(max_replicas=99), Memory(), 40, []
    for step in range(80):
        now_s = NOW + 15.0 * step
        total, tokens = before if step < 40 else after
        fields = {"output_tokens": known(tokens, now_s), "input_tokens": known(4 * tokens, now_s)}
        seen = rows(many, count, total=total, at_s=now_s, tpot_s=ABSENT, **fields)
        observation = observe(many, targets={many.key: target(many, count)}, seen=seen, now_s=now_s)
        (decision,), memory = decide(observation, memory, Config())
        count = decision.desired or 0
        found.append(count)
    return found[39:]


@pytest.mark.unmeasured
def test_a_surge_of_short_requests_is_not_held_as_one_of_long_ones() -> None:
    there, *later = after_another_mix(before=(30.0, 25.0), after=(4.0, 100.0))

    assert max(later) <= there, "less is asked for, in work"
    assert later[-1] < there, "and what is not needed goes"


@pytest.mark.unmeasured
def test_what_was_ordered_for_long_requests_stays_a_window_when_short_ones_come() -> None:
    there, *later = after_another_mix(before=(8.0, 100.0), after=(8.0, 25.0))
    window = int(Config().window_s(180.0) // 15)

    assert set(later[: window - 1]) == {there}
    assert later[-1] < there / 2


@pytest.mark.unmeasured
def test_a_clock_that_is_set_back_after_another_mix_leaves_more_to_look_at_than_the_newest_moment() -> None:
    _, memory = passes(Memory(), since_s=NOW, minutes=10, output_tokens=100.0, total=8.0)
    _, memory = passes(memory, since_s=NOW + 600, minutes=5, output_tokens=25.0, total=8.0)

    _, memory = passes(memory, since_s=NOW - 3600, minutes=5, output_tokens=25.0, total=8.0)

    (past,) = memory.models.values()
    assert past.others_since_s is not None
    assert sum(moment.at_s >= past.others_since_s for moment in past.moments) == 20


def test_what_was_measured_of_starts_is_looked_ahead_by() -> None:
    """A ramp is met at the end of the time that starts really take, whatever somebody wrote of it."""

    def need(births: tuple[Birth, ...]) -> Decision:
        memory = Memory()
        for step in range(24):
            now_s = NOW + 15.0 * step
            seen = [row(CHAT, number, rate=0.2 + 0.03 * step, at_s=now_s) for number in range(3)]
            there = {CHAT.key: target(CHAT, 3, births=births)}
            (decision,), memory = decide(observe(CHAT, targets=there, seen=seen, now_s=now_s), memory, Config())
        return decision

    expected = need(())
    slow = need(tuple(Birth(NOW - 9000 + n, NOW - 9000 + n + 600.0) for n in range(3)))
    two = need(tuple(Birth(NOW - 9000 + n, NOW - 9000 + n + 600.0) for n in range(2)))

    assert (slow.need_per_s or 0.0) > 1.2 * (expected.need_per_s or 0.0)
    assert two.need_per_s == expected.need_per_s


def at(clock: str) -> float:
    return datetime.datetime.fromisoformat(f"2026-11-16T{clock}+01:00").timestamp()  # a Monday in Berlin


def test_a_window_lifts_the_number_while_it_is_open() -> None:
    office = Schedule(
        name="office",
        schedule="0 7 * * 1-5",
        duration_s=3600,
        time_zone="Europe/Berlin",
        min_replicas=4,
        max_replicas=None,
    )
    one, memory, found = variant(schedules=(office,)), remembering((CHAT, 1), at_s=at("06:00:00")), {}
    count = 1
    for minute in range(40, 160):
        now_s = at("06:00:00") + 60.0 * minute
        seen = rows(one, count, total=0.1, at_s=now_s)
        (decision,), memory = decide(
            observe(one, targets={one.key: target(one, count)}, seen=seen, now_s=now_s), memory, Config()
        )
        count, found[minute] = decision.desired or 0, decision

    assert {found[minute].desired for minute in range(40, 60)} == {1}
    assert (found[60].desired, found[60].reason) == (4, DecisionReason.BOUND)
    assert found[60].summary == "1 -> 4: minReplicas 4, set in spec.schedules, window office"
    assert {found[minute].desired for minute in range(60, 120)} == {4}
    assert found[159].desired == 1
    assert min(minute for minute in range(61, 160) if found[minute].desired == 1) <= 126, "and no longer than a window"
