"""What was good of a policy: by acknowledgement, and over restarts."""

from dataclasses import dataclass, field, replace

import pytest
from tests.unit.controller.test_plan import R1, R2, candidate

from penstock.api.revisions import Revision, revision
from penstock.controller.history import History
from penstock.controller.plan import Candidate, Documents
from penstock.controller.pods import PodFacts
from penstock.controller.push import Acknowledged, Fault
from penstock.controller.routers import Running
from penstock.domain.errors import PenstockError, Refused, Unreachable
from penstock.domain.policies import Policy, PolicyDocument
from penstock.domain.reasons import PolicyReason
from penstock.domain.variants import ObjectKey

SILENT = Fault(reason=PolicyReason.ROUTER_UNREACHABLE, text="no answer after 2s")


@dataclass(slots=True)
class Store:
    """ControllerRevisions of one policy, by name."""

    there: dict[str, Revision] = field(default_factory=dict)
    trouble: PenstockError | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)

    async def kept(self, policy: ObjectKey, uid: str) -> tuple[Revision, ...]:
        self._call("kept", policy, uid)
        return tuple(sorted(self.there.values(), key=lambda one: -one.generation))

    async def keep(self, policy: ObjectKey, uid: str, revision: Revision) -> None:
        self._call("keep", policy, uid)
        self.there[revision.name] = revision

    async def drop(self, policy: ObjectKey, name: str) -> None:
        self._call("drop", policy)
        del self.there[name]

    def _call(self, *what: object) -> None:
        self.calls.append(what)
        if self.trouble is not None:
            raise self.trouble


def edited(generation: int, share: float) -> Candidate:
    return replace(candidate("chat"), generation=generation, policy=Policy(lane_share_ratio=share))


def took(router: PodFacts, document: PolicyDocument | None, fault: Fault | None = None) -> Acknowledged:
    assert document is not None
    running = Running(revision=1, uid=document.uid, generation=document.generation, hash=document.hash)
    return Acknowledged(router=router, running=running, fault=fault)


async def programmed(history: History, one: Candidate, *routers: PodFacts) -> None:
    """Let these routers take a generation."""
    await history.recall(1, [one])
    wish = history.wish(one)
    answers = [took(router, wish.current) for router in routers]
    history.heard(one.uid, wish, answers)
    await history.save(one, wish, answers)


def generations(history: History, one: Candidate) -> list[int]:
    return [document.generation for document in history.wish(one).documents]


async def test_only_what_was_acknowledged_is_good() -> None:
    history = History(Store(), Documents())
    await programmed(history, edited(1, 0.1), R1)
    refused = edited(2, 0.2)
    wish = history.wish(refused)

    history.heard(refused.uid, wish, [took(R1, wish.before[0], SILENT)])

    assert generations(history, edited(3, 0.3)) == [3, 1]
    assert history.good[refused.uid].generation == 1


async def test_unusable_spec_leaves_what_was_good() -> None:
    history = History(Store(), Documents())
    await programmed(history, edited(1, 0.1), R1)

    assert generations(history, replace(edited(2, 0.2), policy=None)) == [1]
    assert history.wish(replace(edited(2, 0.2), policy=None)).current is None


async def test_only_a_generation_that_all_took_is_saved() -> None:
    store, one = Store(), edited(1, 0.1)
    history = History(store, Documents())
    await history.recall(1, [one])
    wish = history.wish(one)

    await history.save(one, wish, [])
    await history.save(one, wish, [took(R1, wish.current), took(R2, wish.current, SILENT)])
    before = dict(store.there)
    await history.save(one, wish, [took(R1, wish.current), took(R2, wish.current)])

    assert before == {}
    assert [kept.generation for kept in store.there.values()] == [1]


async def test_three_are_saved_and_content_that_returns_once() -> None:
    store = Store()
    history = History(store, Documents())
    for generation, share in enumerate((0.1, 0.2, 0.3, 0.4, 0.2), 1):
        await programmed(history, edited(generation, share), R1)

    assert sorted(one.generation for one in store.there.values()) == [3, 4, 5]
    assert generations(history, edited(6, 0.5)) == [6, 5, 4, 3]


async def test_next_operator_reads_once_what_the_last_one_saved() -> None:
    store = Store()
    first = History(store, Documents())
    for generation, share in ((1, 0.1), (2, 0.2)):
        await programmed(first, edited(generation, share), R1)
    store.calls.clear()
    second = History(store, Documents())

    for _ in range(2):
        await second.recall(2, [edited(3, 0.3)])

    assert store.calls == [("kept", edited(3, 0.3).key, edited(3, 0.3).uid)]
    assert generations(second, edited(3, 0.3)) == [3, 2, 1]
    assert second.good[edited(3, 0.3).uid].policy == Policy(lane_share_ratio=0.2)


async def test_new_term_reads_anew_and_a_deleted_policy_is_forgotten() -> None:
    store, one = Store(), edited(1, 0.1)
    history = History(store, Documents())
    await history.recall(1, [one])
    made = revision(one.key, 1, Policy(lane_share_ratio=0.1))
    store.there[made.name] = made
    await history.recall(2, [one])
    known = dict(history.good)

    await history.recall(2, [])

    assert [document.generation for document in known.values()] == [1]
    assert history.good == {}


async def test_missing_right_costs_only_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(trouble=Refused("Kubernetes API", 403, "forbidden", "grant the right in RBAC"))
    history = History(store, Documents())

    await programmed(history, edited(1, 0.1), R1)

    assert generations(history, edited(2, 0.2)) == [2, 1]
    assert "ControllerRevisions not read" in caplog.text
    assert "ControllerRevision not written" in caplog.text
    store.trouble = None
    await programmed(history, edited(1, 0.1), R1)
    assert [one.generation for one in store.there.values()] == [1]


async def test_nothing_is_pushed_before_it_is_known_what_was_good() -> None:
    history = History(Store(trouble=Unreachable("Kubernetes API", "timeout", "")), Documents())

    with pytest.raises(Unreachable):
        await history.recall(1, [edited(1, 0.1)])
