"""Pushing: every router at once, each by itself, and again until it runs what it should."""

import asyncio
from dataclasses import dataclass, field

import pytest
from tests.unit.controller.test_plan import R1, R2, candidate

from penstock.controller.plan import TERM_BITS, Documents
from penstock.controller.pods import PodFacts
from penstock.controller.push import Acknowledged, Pusher, Wish
from penstock.controller.routers import HigherRevision, Running
from penstock.domain.errors import InvalidField, PenstockError, Refused, Unreachable
from penstock.domain.policies import Policy, PolicyDocument
from penstock.domain.reasons import PolicyReason

BUILTIN = Running(revision=0, uid="", generation=0, hash="builtin", source="builtin")


@dataclass(slots=True)
class Routers:
    """Routers that keep the contract: a lower revision is refused, an equal one repairs."""

    now: dict[str, Running]
    calls: list[str] = field(default_factory=list)
    trouble: dict[str, PenstockError] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    bounds: dict[str, float] = field(default_factory=dict)
    impossible: dict[str, set[int]] = field(default_factory=dict)  # generations that a router cannot run

    async def running(self, router: PodFacts) -> Running:
        await self._call("GET", router)
        return self.now[router.uid]

    async def put(self, router: PodFacts, document: PolicyDocument) -> Running:
        await self._call("PUT", router)
        if document.generation in self.impossible.get(router.uid, ()):
            raise InvalidField("ordering", "EDF", "use FCFS")
        if document.revision < self.now[router.uid].revision:
            raise HigherRevision(self.now[router.uid].revision)
        self.now[router.uid] = Running(
            revision=document.revision, uid=document.uid, generation=document.generation, hash=document.hash
        )
        return self.now[router.uid]

    async def starvation_bound_s(self, router: PodFacts) -> float | None:
        await self._call("STATE", router)
        return self.bounds.get(router.uid)

    async def _call(self, method: str, router: PodFacts) -> None:
        self.calls.append(f"{method} {router.uid}")
        if router.uid in self.silent:
            await asyncio.Event().wait()
        if router.uid in self.trouble:
            raise self.trouble[router.uid]


@pytest.fixture(name="documents")
def _documents() -> Documents:
    documents = Documents()
    documents.lead(1)
    return documents


@pytest.fixture(name="document")
def _document(documents: Documents) -> PolicyDocument:
    return documents.of(candidate("a"), Policy())


def fault(one: Acknowledged) -> PolicyReason | None:
    return one.fault.reason if one.fault else None


async def test_new_router_gets_the_document_and_is_then_left_alone(
    documents: Documents, document: PolicyDocument
) -> None:
    routers = Routers({"r1": BUILTIN})
    pusher = Pusher(routers, documents)

    first = await pusher.converge({"r1": Wish(document)}, [R1], compare=True)
    again = await pusher.converge({"r1": Wish(document)}, [R1], compare=False)
    compared = await pusher.converge({"r1": Wish(document)}, [R1], compare=True)

    assert routers.calls == ["GET r1", "PUT r1", "GET r1"]
    assert [one["r1"].pushed for one in (first, again, compared)] == ["ok", "", ""]
    assert compared["r1"].running == routers.now["r1"]


async def test_drift_is_repaired_at_the_next_comparison(documents: Documents, document: PolicyDocument) -> None:
    routers = Routers({"r1": BUILTIN})
    pusher = Pusher(routers, documents)
    await pusher.converge({"r1": Wish(document)}, [R1], compare=True)
    routers.now["r1"] = Running(revision=document.revision, uid=document.uid, generation=1, hash="other")

    done = await pusher.converge({"r1": Wish(document)}, [R1], compare=True)

    assert done["r1"].pushed == "ok"
    assert routers.now["r1"].hash == document.hash
    assert routers.now["r1"].revision == document.revision


@pytest.mark.parametrize("revision", [1 << TERM_BITS | 9, 7 << TERM_BITS | 2])
async def test_router_with_a_later_revision_is_offered_one_above(
    documents: Documents, document: PolicyDocument, revision: int
) -> None:
    routers = Routers({"r1": Running(revision=revision, uid="x", generation=1, hash="x")})

    done = await Pusher(routers, documents).converge({"r1": Wish(document)}, [R1], compare=True)

    assert routers.calls == ["GET r1", "PUT r1"]
    assert fault(done["r1"]) is None
    assert routers.now["r1"].revision > revision
    assert routers.now["r1"].hash == document.hash


async def test_revision_that_rose_meanwhile_is_met_once_more(documents: Documents, document: PolicyDocument) -> None:
    routers = Routers({"r1": BUILTIN})
    pusher = Pusher(routers, documents)
    await pusher.converge({"r1": Wish(document)}, [R1], compare=True)
    routers.now["r1"] = Running(revision=5 << TERM_BITS, uid="x", generation=1, hash="x")
    edited = documents.of(candidate("b"), Policy())

    await pusher.converge({"r1": Wish(edited)}, [R1], compare=False)

    assert routers.calls[-2:] == ["PUT r1", "PUT r1"]
    assert routers.now["r1"].revision == 6 << TERM_BITS | 1


@pytest.mark.parametrize(
    ("running", "calls", "uid"),
    [
        pytest.param(Running(revision=3, uid="gone", generation=1, hash="x"), 2, "", id="left by a deleted policy"),
        pytest.param(BUILTIN, 1, "", id="never had one, as from a file"),
    ],
)
async def test_router_that_no_policy_holds(documents: Documents, running: Running, calls: int, uid: str) -> None:
    routers = Routers({"r1": running})

    await Pusher(routers, documents).converge({}, [R1], compare=True)

    assert len(routers.calls) == calls
    assert routers.now["r1"].uid == uid


@pytest.mark.parametrize(
    ("trouble", "reason", "text"),
    [
        pytest.param(Unreachable("r1", "tls", ""), PolicyReason.ROUTER_UNREACHABLE, "tls", id="TLS"),
        pytest.param(Refused("r1", 401, "no token", ""), PolicyReason.ROUTER_UNREACHABLE, "401 no token", id="401"),
        pytest.param(Refused("r1", 503, "busy", ""), PolicyReason.ROUTER_UNREACHABLE, "503 draining", id="503"),
        pytest.param(
            InvalidField("ordering", "EDF", "use FCFS"), PolicyReason.ROUTER_REJECTED, "rejected: ordering=", id="422"
        ),
    ],
)
async def test_trouble_is_named_and_stays_with_its_router(
    documents: Documents, document: PolicyDocument, trouble: PenstockError, reason: PolicyReason, text: str
) -> None:
    routers = Routers({"r1": BUILTIN, "r2": BUILTIN}, trouble={"r1": trouble})

    done = await Pusher(routers, documents).converge(
        {"r1": Wish(document), "r2": Wish(document)}, [R1, R2], compare=True
    )

    assert fault(done["r1"]) is reason
    assert done["r1"].fault is not None
    assert done["r1"].fault.text.startswith(text)
    assert fault(done["r2"]) is None
    assert routers.now["r2"].hash == document.hash


@pytest.mark.looptime
async def test_dead_router_delays_nobody(documents: Documents, document: PolicyDocument) -> None:
    routers = Routers({"r1": BUILTIN, "r2": BUILTIN}, silent={"r1"})
    started_s = asyncio.get_running_loop().time()

    done = await Pusher(routers, documents).converge(
        {"r1": Wish(document), "r2": Wish(document)}, [R1, R2], compare=True
    )

    assert asyncio.get_running_loop().time() - started_s == pytest.approx(2.0)
    assert done["r1"].fault is not None
    assert done["r1"].fault.text == "no answer after 2s"
    assert routers.now["r2"].hash == document.hash


async def test_router_that_failed_is_asked_again_at_once(documents: Documents, document: PolicyDocument) -> None:
    routers = Routers({"r1": BUILTIN}, trouble={"r1": Unreachable("r1", "connection refused", "")})
    pusher = Pusher(routers, documents)
    await pusher.converge({"r1": Wish(document)}, [R1], compare=True)
    routers.trouble.clear()

    done = await pusher.converge({"r1": Wish(document)}, [R1], compare=False)

    assert done["r1"].pushed == "ok"


@pytest.mark.parametrize(
    ("bounds", "trouble", "worst"),
    [
        pytest.param({"r1": 9.0, "r2": 26.0}, {}, 26.0, id="the worst counts"),
        pytest.param({"r1": 9.0}, {}, None, id="one guarantees nothing"),
        pytest.param({"r1": 9.0, "r2": 26.0}, {"r2": Unreachable("r2", "tls", "")}, None, id="one does not say"),
    ],
)
async def test_starvation_bound_of_all_routers(
    documents: Documents, bounds: dict[str, float], trouble: dict[str, PenstockError], worst: float | None
) -> None:
    routers = Routers({"r1": BUILTIN, "r2": BUILTIN}, bounds=bounds, trouble=trouble)

    assert await Pusher(routers, documents).worst_bound_s([R1, R2]) == worst
    assert await Pusher(routers, documents).worst_bound_s([]) is None


@pytest.mark.parametrize(
    ("running", "impossible", "runs", "puts"),
    [
        pytest.param(BUILTIN, {2}, 1, 2, id="a new pod gets what was good before"),
        pytest.param(BUILTIN, {2, 1}, 0, 3, id="or what was good before that"),
        pytest.param(BUILTIN, {2, 1, 0}, None, 3, id="or nothing"),
        pytest.param(
            Running(revision=9 << TERM_BITS, uid="x", generation=7, hash="x"), {2}, 1, 2, id="drift is mended"
        ),
    ],
)
async def test_router_that_refuses_the_newest_generation(
    documents: Documents, running: Running, impossible: set[int], runs: int | None, puts: int
) -> None:
    before = [documents.kept(candidate("a"), number, Policy(lane_share_ratio=number / 10)) for number in (1, 0)]
    newest = documents.kept(candidate("a"), 2, Policy())
    routers = Routers({"r1": running}, impossible={"r1": impossible})

    done = await Pusher(routers, documents).converge({"r1": Wish(newest, tuple(before))}, [R1], compare=True)

    assert fault(done["r1"]) is PolicyReason.ROUTER_REJECTED
    assert done["r1"].running == routers.now["r1"]
    assert done["r1"].pushed == "rejected"
    assert routers.calls.count("PUT r1") == puts
    assert routers.now["r1"].generation == (running.generation if runs is None else runs)


async def test_router_keeps_the_last_good_generation_when_it_refuses_an_edit(documents: Documents) -> None:
    good = documents.kept(candidate("a"), 1, Policy())
    edit = documents.kept(candidate("a"), 2, Policy(lane_share_ratio=0.1))
    before = Running(revision=good.revision, uid=good.uid, generation=1, hash=good.hash)
    routers = Routers({"r1": before}, impossible={"r1": {2}})

    done = await Pusher(routers, documents).converge({"r1": Wish(edit, (good,))}, [R1], compare=True)

    assert done["r1"].running == before
    assert routers.calls == ["GET r1", "PUT r1"]


@pytest.mark.parametrize("impossible", [pytest.param(None, id="no usable spec"), pytest.param(3, id="a refused one")])
async def test_what_was_saved_takes_nothing_newer_away(documents: Documents, impossible: int | None) -> None:
    saved = documents.kept(candidate("a"), 1, Policy())
    newest = documents.kept(candidate("a"), impossible, Policy(lane_share_ratio=0.1)) if impossible else None
    runs = Running(revision=5, uid=saved.uid, generation=2, hash="of the second generation")
    routers = Routers({"r1": runs}, impossible={"r1": {3}})

    done = await Pusher(routers, documents).converge({"r1": Wish(newest, (saved,))}, [R1], compare=True)

    assert routers.now["r1"] == done["r1"].running == runs
    assert (fault(done["r1"]) is None) is (impossible is None)
