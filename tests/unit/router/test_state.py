"""Which pushed documents replace the one in force, and what is kept on disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from penstock.api.document import policy_hash
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Ordering, Policy, PolicyDocument
from penstock.router.disk import PolicyDisk
from penstock.router.state import LowerRevision, PolicyState, Source


def document(revision: int, ordering: Ordering = Ordering.WORKLOAD_AWARE, generation: int = 1) -> PolicyDocument:
    policy = Policy(ordering=ordering)
    return PolicyDocument(
        schema=1,
        revision=revision,
        uid="u",
        name="chat",
        generation=generation,
        hash=policy_hash(policy),
        policy=policy,
    )


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


class Scheduler:
    """Stands for the scheduler's one method; refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.applied: list[PolicyDocument] = []

    def __call__(self, given: PolicyDocument) -> None:
        if given.policy.ordering is Ordering.EDF:
            raise InvalidField("ordering", "EDF", "use FCFS")
        self.applied.append(given)


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler()


@pytest.fixture
def state(scheduler: Scheduler) -> PolicyState:
    return PolicyState(document(5), Source.DISK, scheduler, Clock())


def test_a_higher_revision_replaces_and_moves_the_time(state: PolicyState, scheduler: Scheduler) -> None:
    before = state.now.applied_at_s

    now = state.offer(document(6, Ordering.FCFS, generation=2))

    assert (now.document.generation, now.source, scheduler.applied[-1].policy.ordering) == (2, "pushed", "FCFS")
    assert now.applied_at_s > before


def test_a_lower_revision_is_refused_with_the_one_in_force(state: PolicyState, scheduler: Scheduler) -> None:
    with pytest.raises(LowerRevision) as caught:
        state.offer(document(4, Ordering.FCFS))

    assert caught.value.in_force.document.revision == 5
    assert len(scheduler.applied) == 1


def test_an_equal_revision_with_another_hash_repairs(state: PolicyState) -> None:
    assert state.offer(document(5, Ordering.FCFS)).document.policy.ordering is Ordering.FCFS


def test_an_equal_hash_moves_the_revision_but_not_the_time(state: PolicyState) -> None:
    before = state.now.applied_at_s

    now = state.offer(document(9))

    assert (now.document.revision, now.applied_at_s) == (9, before)


def test_the_same_document_again_is_acknowledged_without_touching_anything(
    state: PolicyState, scheduler: Scheduler
) -> None:
    first = state.offer(document(6))
    count = len(scheduler.applied)

    assert state.offer(document(6)) == first
    assert len(scheduler.applied) == count


def test_a_refused_document_leaves_everything_as_it_was(state: PolicyState) -> None:
    before = state.now
    heard = []
    state.watchers.append(heard.append)

    with pytest.raises(InvalidField):
        state.offer(document(7, Ordering.EDF))

    assert (state.now, heard) == (before, [])


def test_watchers_hear_of_each_change(state: PolicyState) -> None:
    heard = []
    state.watchers.append(heard.append)

    state.offer(document(6, Ordering.FCFS))

    assert [now.document.revision for now in heard] == [6]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    disk = PolicyDisk(tmp_path / "deep" / "state")
    disk.save(document(3))
    disk.save(document(4, Ordering.FCFS))

    assert disk.load() == document(4, Ordering.FCFS)


def test_nothing_saved_is_nothing_to_load(tmp_path: Path) -> None:
    assert PolicyDisk(tmp_path).load() is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty, as after a crash of another program"),
        pytest.param(b'{"schema": 1, "revision"', id="cut"),
        pytest.param(b'{"schema": 2, "revision": 1}', id="from a later version"),
        pytest.param(b"\xff\x00", id="noise"),
    ],
)
def test_a_corrupt_file_is_reported_with_its_path(tmp_path: Path, content: bytes) -> None:
    disk = PolicyDisk(tmp_path)
    disk.path.write_bytes(content)

    with pytest.raises(InvalidField) as caught:
        disk.load()

    assert str(disk.path) == caught.value.value


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = PolicyDisk(tmp_path)
    disk.save(document(3))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        disk.save(replace(document(4), name="other"))

    assert disk.load() == document(3)
