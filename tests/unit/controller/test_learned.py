"""When what was learnt is read and written, and that trouble with it stops nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from penstock.api.kinds import CONFIGMAPS, Kind
from penstock.controller.learned import Learned
from penstock.domain.errors import PenstockError, Refused, Unreachable
from penstock.domain.variants import ObjectKey
from penstock.records.learned import dump
from penstock.scaling.experience import Experience, Starts
from penstock.scaling.memory import Memory

KEY = ObjectKey("llm", "chat")
OTHER = ObjectKey("llm", "other")


def knowing(key: ObjectKey = KEY, count: int = 3) -> Memory:
    return Memory(experiences={key: Experience(uid="u", starts=Starts(count, 4.0, 0.0, 1.0))})


@dataclass
class Store:
    """One ConfigMap, or the error that touching it makes."""

    data: dict[str, str] | None = None
    error: PenstockError | None = None
    writes: int = 0

    async def get(self, kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
        assert (kind, key) == (CONFIGMAPS, ObjectKey("home", "penstock-learned"))
        if self.error:
            raise self.error
        return None if self.data is None else {"data": self.data}

    async def write_data(self, kind: Kind, key: ObjectKey, data: Mapping[str, str]) -> None:
        assert (kind, key) == (CONFIGMAPS, ObjectKey("home", "penstock-learned"))
        if self.error:
            raise self.error
        self.writes += 1
        self.data = dict(data)


@dataclass(slots=True)
class Leader:
    leading: bool = True
    term: int = 4


@dataclass(slots=True)
class Case:
    store: Store = field(default_factory=Store)
    leader: Leader = field(default_factory=Leader)

    def learned(self) -> Learned:
        return Learned(self.store, "home", every_s=300.0)  # type: ignore[arg-type]  # two calls of many


async def hand_over(learned: Learned, leader: Leader, after_s: float) -> None:
    """Let it write as often as it wants to, then for the last time."""
    task = asyncio.create_task(learned.keep_writing(leader))
    await asyncio.sleep(after_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await learned.hand_over(leader)


async def test_it_is_read_once_in_each_term() -> None:
    case = Case(Store(dump(knowing())))
    learned = case.learned()

    first = await learned.recalled(Memory(), 4)
    second = await learned.recalled(Memory(), 4)
    third = await learned.recalled(Memory(), 5)

    assert (first.experiences, second.experiences, third.experiences) == (
        knowing().experiences, {}, knowing().experiences,
    )  # fmt: skip


@pytest.mark.looptime
async def test_it_is_written_every_five_minutes_when_it_changed() -> None:
    case = Case()
    learned = case.learned()
    learned.memory = await learned.recalled(knowing(), 4)
    task = asyncio.create_task(learned.keep_writing(case.leader))

    await asyncio.sleep(290)
    early = case.store.writes
    learned.memory = knowing(count=4)
    await asyncio.sleep(20)
    once = case.store.writes
    await asyncio.sleep(600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (early, once, case.store.writes) == (0, 1, 1)
    assert case.store.data == dump(knowing(count=4))


@pytest.mark.looptime
async def test_it_is_written_at_hand_over() -> None:
    case = Case()
    learned = case.learned()
    await learned.recalled(Memory(), 4)
    learned.memory = knowing()

    await hand_over(learned, case.leader, 5)

    assert case.store.data == dump(knowing())


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("leading", "term"),
    [pytest.param(False, 4, id="another leads"), pytest.param(True, 5, id="a term that has not read it yet")],
)
async def test_who_may_not_does_not_write(leading: bool, term: int) -> None:
    case = Case(leader=Leader(leading, term))
    learned = case.learned()
    await learned.recalled(Memory(), 4)
    learned.memory = knowing()

    await hand_over(learned, case.leader, 400)

    assert case.store.writes == 0


@pytest.mark.looptime
async def test_an_outage_at_take_over_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    case = Case(Store(dump(knowing(OTHER)), Unreachable("api", "timeout", "")))
    learned = case.learned()

    first = await learned.recalled(Memory(), 4)
    learned.memory = knowing()
    case.store.error = None
    await hand_over(learned, case.leader, 400)
    unread = case.store.data
    later = await learned.recalled(knowing(), 4)

    assert first == Memory()
    assert unread == dump(knowing(OTHER))
    assert set(later.experiences) == {KEY, OTHER}
    assert "will not outlive" in caplog.text


@pytest.mark.looptime
async def test_a_missing_configmap_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    case = Case()
    learned = case.learned()
    await learned.recalled(Memory(), 4)
    learned.memory = knowing()
    case.store.error = Refused("api", 404, "not found", "")

    await hand_over(learned, case.leader, 1500)

    assert [record.why for record in caplog.records] == ["is missing: apply manifests/operator/learned.yaml"]  # type: ignore[attr-defined]


async def test_what_cannot_be_read_is_ignored_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    case = Case(Store({"variants.json": "{"}))

    found = await case.learned().recalled(knowing(), 4)

    assert found == knowing()
    assert "What was learnt is ignored" in caplog.text


@pytest.mark.looptime
async def test_a_server_that_hangs_does_not_hold_up_the_hand_over() -> None:
    case = Case()
    learned = case.learned()
    await learned.recalled(Memory(), 4)
    learned.memory = knowing()

    async def hang(kind: Kind, key: ObjectKey, data: Mapping[str, str]) -> None:
        del kind, key, data
        await asyncio.Event().wait()

    case.store.write_data = hang  # type: ignore[method-assign]
    begin_s = asyncio.get_running_loop().time()

    await hand_over(learned, case.leader, 5)

    assert asyncio.get_running_loop().time() - begin_s == pytest.approx(7, abs=0.1)
