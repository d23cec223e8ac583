"""The pass that made a change is looked for where it must be, and another one is not taken for it."""

from dataclasses import replace

import pytest
from tests.unit.records.made import passes

from penstock.domain.variants import ObjectKey
from penstock.records.changes import sought_s, teller
from penstock.records.record import Record

FIRST, SECOND, THIRD = passes(3)
KEY = FIRST.decisions[0].key


def of(record: Record, changed_s: float, *, late_s: float = 0.0) -> Record:
    """Return the record of a pass so much later that says when the last change was."""
    decisions = tuple(one._replace(changed_at_s=changed_s) for one in record.decisions)
    seen = replace(record.observation, now_s=record.observation.now_s + late_s)
    return replace(record, observation=seen, decisions=decisions)


AT_S = SECOND.observation.now_s


@pytest.mark.parametrize(
    ("changed_s", "until_s"),
    [
        pytest.param(AT_S + 0.25, AT_S + 0.25, id="to the millisecond"),
        pytest.param(AT_S, AT_S + 1, id="whole seconds, of a status"),
        pytest.param(THIRD.observation.now_s, None, id="in this very pass"),
    ],
)
def test_until_when_it_is_looked_for(changed_s: float, until_s: float | None) -> None:
    assert sought_s(of(THIRD, changed_s), KEY) == until_s


def test_nothing_is_looked_for_of_a_stranger() -> None:
    assert sought_s(of(THIRD, AT_S), ObjectKey("llm", "stranger")) is None


@pytest.mark.parametrize("late_s", [0.0, 0.75], ids=["to the millisecond", "the newest knows whole seconds"])
def test_the_pass_that_made_it_tells_it(late_s: float) -> None:
    made = of(SECOND, AT_S + late_s, late_s=late_s)

    assert teller(of(THIRD, AT_S), made, KEY) is made


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(None, id="it is gone"),
        pytest.param(of(FIRST, FIRST.observation.now_s), id="an earlier one, of another change"),
        pytest.param(of(SECOND, FIRST.observation.now_s), id="one that changed nothing"),
        pytest.param(replace(of(SECOND, AT_S), decisions=()), id="one that knew no such variant"),
        pytest.param(of(SECOND, AT_S + 1, late_s=1.0), id="a later one, of another change"),
    ],
)
def test_another_pass_is_not_taken_for_it(found: Record | None) -> None:
    newest = of(THIRD, AT_S)

    assert teller(newest, found, KEY) is newest
