"""What attachments and acknowledgements tell of a policy."""

from dataclasses import replace

import pytest
from tests.unit.controller.test_plan import R1, R2, candidate

from penstock.controller.plan import Attachment, Documents
from penstock.controller.pods import PodFacts
from penstock.controller.push import Acknowledged, Fault
from penstock.controller.routers import Running
from penstock.controller.verdicts import outcome, worth_writing
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Policy, PolicyDocument
from penstock.domain.reasons import PolicyReason
from penstock.domain.variants import ObjectKey
from penstock.status.messages import message

CANDIDATE = candidate("chat")
DOCUMENT = Documents().of(CANDIDATE, Policy())
RIGHT = Running(revision=1, uid=DOCUMENT.uid, generation=1, hash=DOCUMENT.hash, applied_at="2026-11-20T09:14:31Z")
SILENT = Fault(reason=PolicyReason.ROUTER_UNREACHABLE, text="no answer after 2s")
REFUSED = Fault(
    reason=PolicyReason.ROUTER_REJECTED, text="rejected", invalid=InvalidField("ordering", "EDF", "use FCFS")
)


def attached(*routers: PodFacts, reason: PolicyReason = PolicyReason.ACCEPTED) -> Attachment:
    return Attachment(candidate=CANDIDATE, reason=reason, routers=routers)


def answer(router: PodFacts, running: Running | None = RIGHT, fault: Fault | None = None) -> Acknowledged:
    return Acknowledged(router=router, running=running, fault=fault)


@pytest.mark.parametrize(
    ("answers", "document", "accepted", "programmed"),
    [
        pytest.param([answer(R1), answer(R2)], DOCUMENT, "Accepted", "Programmed", id="all run it"),
        pytest.param([], DOCUMENT, "Accepted", "NoRouters", id="nobody is Ready"),
        pytest.param([answer(R1), answer(R2, None, SILENT)], DOCUMENT, "Accepted", "RouterUnreachable", id="silence"),
        pytest.param([answer(R1, None, REFUSED), answer(R2, None, SILENT)], DOCUMENT, "Invalid", "RouterRejected",
                     id="one refuses, which is worse"),
        pytest.param([answer(R1, replace(RIGHT, hash="other"))], DOCUMENT, "Accepted", "Reconciling", id="another one"),
        pytest.param([answer(R1)], replace(DOCUMENT, generation=0), "Accepted", "Reconciling", id="an older one"),
        pytest.param([], None, "Accepted", None, id="nothing to run"),
    ],
)  # fmt: skip
def test_reasons(
    answers: list[Acknowledged], document: PolicyDocument | None, accepted: str, programmed: str | None
) -> None:
    done = {one.router.uid: one for one in answers}

    found = outcome(attached(R1, R2), document, None, done, None)

    assert found.accepted.reason == accepted
    assert (found.programmed.reason if found.programmed else None) == programmed


def test_an_edit_that_cannot_be_used_tells_what_stays_in_force() -> None:
    edited = replace(CANDIDATE, generation=2)
    attachment = Attachment(candidate=edited, reason=PolicyReason.INVALID, routers=(R1,))

    found = outcome(attachment, DOCUMENT, DOCUMENT, {"r1": answer(R1)}, None)

    assert found.programmed is not None
    assert message(found.programmed, {}) == "Generation 1 stays in force until the spec can be used."


def test_routers_in_error_come_first_and_say_what_they_run() -> None:
    done = {"r1": answer(R1), "r2": answer(R2, None, SILENT)}

    found = outcome(attached(R1, R2), DOCUMENT, DOCUMENT, done, 26.0)

    assert [(one.pod, one.error, one.is_right) for one in found.routers] == [
        ("r2", "no answer after 2s", False),
        ("r1", None, True),
    ]
    assert found.routers[1].applied_at == "2026-11-20T09:14:31Z"
    assert found.effective == Policy()
    assert found.stable_generation == 1
    assert found.starvation_bound_s == 26.0


def test_loser_of_a_conflict_is_programmed_nowhere() -> None:
    found = outcome(attached(reason=PolicyReason.CONFLICTED), None, DOCUMENT, {}, None)

    assert found.accepted.reason is PolicyReason.CONFLICTED
    assert found.programmed is None
    assert found.effective is None
    assert found.stable_generation is None


def test_refused_generation_is_neither_stable_nor_effective() -> None:
    good = replace(DOCUMENT, generation=0, hash="before", policy=Policy(lane_share_ratio=0.1))
    runs = Running(revision=1, uid=good.uid, generation=0, hash="before")

    found = outcome(attached(R1), DOCUMENT, good, {"r1": answer(R1, runs, REFUSED)}, None)

    assert found.accepted.reason is PolicyReason.INVALID
    assert found.degraded.reason is PolicyReason.AS_EXPECTED
    assert (found.effective, found.stable_generation) == (good.policy, 0)
    assert [(one.generation, one.is_right) for one in found.routers] == [(0, False)]


def test_routers_of_different_versions_are_named_and_the_policy_stays_accepted() -> None:
    older = replace(RIGHT, generation=0, hash="before")

    found = outcome(attached(R1, R2), DOCUMENT, DOCUMENT, {"r1": answer(R1), "r2": answer(R2, older, REFUSED)}, None)

    assert found.accepted.reason is PolicyReason.ACCEPTED
    assert found.programmed is not None
    assert found.programmed.reason is PolicyReason.ROUTER_REJECTED
    assert found.degraded.reason is PolicyReason.MIXED_ROUTER_VERSIONS
    assert found.degraded.facts == {"pods": "r2"}


def test_a_sentence_names_so_many_pods() -> None:
    old = [replace(R2, uid=f"u{number}", key=ObjectKey("llm", f"old-{number:02}")) for number in range(12)]
    done = {"r1": answer(R1)} | {one.uid: answer(one, None, REFUSED) for one in old}

    found = outcome(attached(R1, *old), DOCUMENT, DOCUMENT, done, None)

    assert found.degraded.facts["pods"].startswith("old-00, old-01, ")
    assert found.degraded.facts["pods"].endswith("old-09 and 2 more")


@pytest.mark.parametrize(
    ("before", "now", "worth"),
    [
        pytest.param({"programmed": "1/1"}, {"programmed": "1/1"}, False, id="nothing new"),
        pytest.param({"programmed": "1/2"}, {"programmed": "2/2"}, True, id="another router"),
        pytest.param({"effective": {"starvationBound": "100s"}}, {"effective": {"starvationBound": "109s"}}, False,
                     id="the bound drifts"),
        pytest.param({"effective": {"starvationBound": "100s"}}, {"effective": {"starvationBound": "111s"}}, True,
                     id="the bound moved"),
        pytest.param({"effective": {}}, {"effective": {"starvationBound": "1m"}}, True, id="a bound appears"),
        pytest.param({"effective": {"starvationBound": "1m"}}, {"effective": {}}, True, id="it vanishes"),
    ],
)  # fmt: skip
def test_worth_writing(before: dict[str, object], now: dict[str, object], worth: bool) -> None:
    assert worth_writing(before, now) is worth
