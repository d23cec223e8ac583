"""Which policy each router has to run, and under which revision."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.controller.bodies import pod, router_labels

from penstock.api.workloadpolicy import PolicyTarget
from penstock.controller.plan import TERM_BITS, Attachment, Candidate, Documents, attach
from penstock.controller.pods import PodFacts, pod_facts
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Policy, Weights
from penstock.domain.reasons import PolicyReason
from penstock.domain.variants import ObjectKey

POOL = PolicyTarget(group="inference.networking.k8s.io", kind="InferencePool", name="chat")
SERVICE = PolicyTarget(group="", kind="Service", name="router")


def router(name: str) -> PodFacts:
    found = pod_facts(pod(name, labels=router_labels()))
    assert found is not None
    return found


R1, R2, R3 = router("r1"), router("r2"), router("r3")


def candidate(name: str, *, created_at_s: float = 0.0, target: PolicyTarget = POOL) -> Candidate:
    return Candidate(
        key=ObjectKey("llm", name),
        uid=f"uid-{name}",
        generation=1,
        created_at_s=created_at_s,
        target=target,
        policy=Policy(),
    )


def reasons(attachments: tuple[Attachment, ...]) -> dict[str, PolicyReason]:
    return {one.candidate.key.name: one.reason for one in attachments}


def test_oldest_policy_wins_whole_by_whatever_target() -> None:
    young = candidate("a-young", created_at_s=2.0, target=SERVICE)
    old = candidate("old", created_at_s=1.0)

    attachments = attach([young, old], {POOL: (R1, R2), SERVICE: (R2, R3)}, "llm")

    assert reasons(attachments) == {"old": PolicyReason.ACCEPTED, "a-young": PolicyReason.CONFLICTED}
    assert attachments[0].routers == (R1, R2)
    assert attachments[1].routers == ()
    assert attachments[1].facts == {"policy": "old"}


def test_tie_goes_by_name() -> None:
    attachments = attach([candidate("b"), candidate("a")], {POOL: (R1,)}, "llm")

    assert reasons(attachments) == {"a": PolicyReason.ACCEPTED, "b": PolicyReason.CONFLICTED}


def test_same_target_conflicts_before_it_has_routers() -> None:
    attachments = attach([candidate("a"), candidate("b")], {POOL: ()}, "llm")

    assert reasons(attachments) == {"a": PolicyReason.ACCEPTED, "b": PolicyReason.CONFLICTED}


def test_policies_of_different_routers_live_together() -> None:
    attachments = attach([candidate("a"), candidate("b", target=SERVICE)], {POOL: (R1,), SERVICE: (R2,)}, "llm")

    assert set(reasons(attachments).values()) == {PolicyReason.ACCEPTED}


def test_loser_of_a_conflict_takes_no_routers_from_a_third() -> None:
    first = candidate("a", created_at_s=1.0)
    loser = candidate("b", created_at_s=2.0, target=SERVICE)
    third = candidate("c", created_at_s=3.0, target=replace(SERVICE, name="other"))

    found = {POOL: (R1,), SERVICE: (R1, R2), third.target: (R2,)}

    assert reasons(attach([first, loser, third], found, "llm")) == {
        "a": PolicyReason.ACCEPTED,
        "b": PolicyReason.CONFLICTED,
        "c": PolicyReason.ACCEPTED,
    }


def test_missing_target_blocks_nobody() -> None:
    attachments = attach([candidate("a"), candidate("b", target=SERVICE)], {POOL: None, SERVICE: (R1,)}, "llm")

    assert reasons(attachments) == {"a": PolicyReason.TARGET_NOT_FOUND, "b": PolicyReason.ACCEPTED}
    assert attachments[0].facts == {"kind": "InferencePool", "name": "chat", "namespace": "llm"}


def test_invalid_policy_keeps_its_routers_from_younger_ones() -> None:
    fault = InvalidField("spec.weights", 0, "set one above 0")
    broken = replace(candidate("a"), policy=None, fault=fault)

    attachments = attach([broken, candidate("b", created_at_s=1.0)], {POOL: (R1,)}, "llm")

    assert reasons(attachments) == {"a": PolicyReason.INVALID, "b": PolicyReason.CONFLICTED}
    assert attachments[0].wins
    assert attachments[0].facts == {"field": "spec.weights", "value": "0", "remedy": "set one above 0"}


def test_policy_without_readable_target_is_invalid() -> None:
    broken = replace(candidate("a"), target=None, policy=None, fault=InvalidField("spec.targetRef", None, "write one"))

    assert reasons(attach([broken], {}, "llm")) == {"a": PolicyReason.INVALID}


def test_document_is_the_same_until_its_content_changes() -> None:
    documents = Documents()
    documents.lead(3)
    one = candidate("a")

    first = documents.of(one, Policy())
    edited = documents.of(replace(one, generation=2), Policy(weights=Weights(criticality=1.0)))

    assert documents.of(one, Policy()) is first
    assert first.revision == 3 << TERM_BITS | 1
    assert edited.revision == 3 << TERM_BITS | 2
    assert (first.uid, first.name, first.generation) == ("uid-a", "a", 1)
    assert edited.hash != first.hash


def test_defaults_have_no_uid() -> None:
    assert Documents().defaults().uid == ""


@pytest.mark.parametrize(
    ("reported", "revision"),
    [
        pytest.param(3 << TERM_BITS | 1, 3 << TERM_BITS | 3, id="another document of ours is in force"),
        pytest.param(9 << TERM_BITS | 5, 10 << TERM_BITS | 1, id="the Lease was made anew"),
        pytest.param(3 << TERM_BITS | 7, 4 << TERM_BITS | 1, id="somebody else used our term"),
    ],
)
def test_revision_rises_above_what_a_router_reports(reported: int, revision: int) -> None:
    documents = Documents()
    documents.lead(3)
    document = documents.of(candidate("a"), Policy())
    documents.of(candidate("b"), Policy())

    raised = documents.above(document, reported)

    assert raised.revision == revision
    assert documents.of(candidate("a"), Policy()) is raised
    assert documents.above(document, reported) is raised


def test_forgotten_documents_come_back_under_a_new_revision() -> None:
    documents = Documents()
    first = documents.of(candidate("a"), Policy())

    documents.keep([])

    assert documents.of(candidate("a"), Policy()).revision > first.revision


@given(st.lists(st.one_of(st.integers(0, 20), st.integers(0, 2**62)), max_size=30))
def test_revisions_only_grow(reports: list[int]) -> None:
    documents, last = Documents(), 0
    for number, reported in enumerate(reports):
        document = documents.of(replace(candidate("a"), generation=number), Policy())
        raised = documents.above(document, reported)

        assert raised.revision > reported
        assert raised.revision > last
        last = raised.revision
