"""What a recorded decision tells a person, on passes of the decision itself."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.unit.scaling.scene import NOW, observe, remembering, row, rows, target, variant

from penstock.domain.decisions import Decision
from penstock.domain.reasons import DecisionReason, LimitReason
from penstock.records.record import Record
from penstock.records.story import because, story
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

CHAT = variant("chat")


def records(*rates: float) -> Iterator[Record]:
    """Yield a pass for each rate of a pod, of which there is one."""
    memory = Memory()
    for number, rate in enumerate(rates):
        now_s = NOW + 15 * number
        seen = [row(CHAT, rate=rate, at_s=now_s)]
        observation = observe(CHAT, targets={CHAT.key: target(CHAT, 1)}, seen=seen, now_s=now_s)
        decisions, after = decide(observation, memory, Config())
        yield Record(version="test", observation=observation, memory=memory, config=Config(), decisions=decisions)
        memory = after


def grown() -> tuple[Record, Decision]:
    """Return the first pass that asks for more, and its decision."""
    for record in records(0.5, 0.5, 2.5, 2.5, 2.5):
        (decision,) = record.decisions
        if decision.previous is not None and (decision.desired or 0) > decision.previous:
            return record, decision
    raise AssertionError("nothing grew")


def test_a_change_is_told_with_need_capacity_choice_and_what_binds() -> None:
    head, *lines = story(*grown()).splitlines()

    assert re.fullmatch(r"chat  1 -> \d at \d\d:\d\d:\d\d \(DemandUp, record [0-9a-f]{8}\)", head)
    assert [line.split()[0] for line in lines] == ["need", "capacity", "chosen", "binds"]
    assert re.search(r"req/s in \d+ s: \d\.\d arriving, \d\.\d room for more", lines[0])
    assert "0.83 req/s a replica within ttft 500ms, tpot 24ms at 99.5%" in lines[1]
    assert re.search(r"\d x chat, \d+\.00/h", lines[2])
    assert "attainment; no bound, quota or window. Below" in lines[3]


@pytest.mark.parametrize(
    ("deviation", "error", "told"),
    [
        pytest.param(0.06, 0.031, " (± 6%, 412 samples, 3% off of late)", id="reckoned and measured"),
        pytest.param(0.06, None, " (± 6%, 412 samples)", id="not measured yet"),
        pytest.param(None, 0.2, " (412 samples, 20% off of late)", id="a written profile"),
    ],
)
def test_how_far_off_a_capacity_may_be_and_was_is_told(deviation: float | None, error: float | None, told: str) -> None:
    record, decision = grown()
    assert decision.reasoning is not None
    reasoning = replace(decision.reasoning, samples=412)

    text = story(
        record,
        decision._replace(capacity_deviation_ratio=deviation, capacity_error_ratio=error, reasoning=reasoning),
    )

    assert f"at 99.5%{told}\n" in text


def test_a_pass_that_changed_nothing_tells_what_holds() -> None:
    first = next(records(0.5))
    (decision,) = first.decisions

    text = story(first, decision._replace(reasoning=None))

    assert "because" in text


def test_a_pass_that_changed_nothing_does_not_tell_the_cause_of_an_old_change() -> None:
    *_, last = records(0.5, 0.5, 2.5, 2.5, 2.5, 2.5, 2.5)
    (decision,) = last.decisions
    now_s = last.observation.now_s
    assert decision.summary

    assert because(decision._replace(changed_at_s=now_s), now_s) == decision.summary
    assert re.fullmatch(r"\d\.\d+ req/s needed, 0\.83 req/s a replica", because(decision, now_s))
    assert because(decision._replace(computed=False), now_s).startswith("the last decision holds")
    assert because(decision._replace(need_per_s=None), now_s) == "what runs is what is needed"


@pytest.mark.parametrize(("desired", "previous", "told"), [(None, None, "no number yet"), (2, 2, "chat  2 at")])
def test_what_did_not_move_is_not_told_as_a_move(desired: int | None, previous: int | None, told: str) -> None:
    record, decision = grown()

    assert told in story(record, decision._replace(desired=desired, previous=previous))


@pytest.mark.parametrize(("gap_ratio", "told"), [(0.0, False), (0.004, False), (0.09, True)])
def test_what_a_search_that_was_cut_may_have_missed_is_told(gap_ratio: float, *, told: bool) -> None:
    record, decision = grown()
    assert decision.reasoning is not None

    text = story(record, decision._replace(reasoning=replace(decision.reasoning, gap_ratio=gap_ratio)))

    assert ("(at most 9% could be saved)" in text) is told


@pytest.mark.parametrize(
    ("least", "most", "runs", "told", "reason", "remembered"),
    [
        pytest.param(4, None, 2, "minReplicas 4, set in spec", LimitReason.MIN_REPLICAS, True, id="least"),
        pytest.param(20, None, 2, "minReplicas 20, set in spec", LimitReason.MIN_REPLICAS, True,
                     id="least, beyond any pace"),
        pytest.param(1, None, 0, "minReplicas 1", LimitReason.WITHIN, True, id="least, which is needed anyway"),
        pytest.param(4, None, 2, "minReplicas 4, set in spec", LimitReason.MIN_REPLICAS, False, id="least, at first"),
        pytest.param(None, 3, 20, "maxReplicas 3", LimitReason.WITHIN, True, id="most, faster than any pace"),
        pytest.param(None, 3, 20, "maxReplicas 3", LimitReason.WITHIN, False, id="most, at first"),
        pytest.param(1, 3, 20, "maxReplicas 3", LimitReason.WITHIN, False, id="most of two, at first"),
    ],
)  # fmt: skip
def test_a_bound_that_moves_a_number_is_what_binds(
    least: int | None, most: int | None, runs: int, told: str, reason: LimitReason, *, remembered: bool
) -> None:
    chat = variant("chat", min_replicas=least, max_replicas=most)
    memory = remembering((chat, runs), at_s=NOW - 30) if remembered else Memory()
    at, seen = target(chat, max(runs, 1)), rows(chat, max(runs, 1), total=0.5)
    observation = observe(chat, targets={chat.key: at}, seen=seen)
    decisions, _ = decide(observation, memory, Config())
    record = Record(version="test", observation=observation, memory=memory, config=Config(), decisions=decisions)

    text = story(record, decisions[0])

    assert decisions[0].reason is DecisionReason.BOUND
    assert decisions[0].limited.reason is reason
    assert f"  binds     {told}. " in text


def test_what_became_of_it_since_follows() -> None:
    assert story(*grown(), [("amiss", "Paused: it is")]).endswith("\n  amiss     Paused: it is\n")
