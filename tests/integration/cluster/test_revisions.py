"""Generations of policies as ControllerRevisions: what was written comes back, the newest first."""

import pytest
from tests.kubeapi import KubeApi

from penstock.api.kinds import REVISIONS
from penstock.api.revisions import COMPONENT, revision
from penstock.cluster.client import Kube, path_of
from penstock.cluster.revisions import Revisions
from penstock.domain.policies import Policy
from penstock.domain.variants import ObjectKey

POLICIES = [Policy(lane_share_ratio=share / 100) for share in (0, 10, 20)]


async def test_what_is_written_comes_back(kube_api: KubeApi, kube: Kube) -> None:
    store, key = Revisions(kube), ObjectKey(kube_api.namespace(), "chat")
    written = [revision(key, number, policy) for number, policy in enumerate(POLICIES, 1)]
    for one in written:
        await store.keep(key, "uid", one)
    await store.keep(ObjectKey(key.namespace, "other"), "another", revision(key, 9, Policy(tenant_header="x-team")))

    assert await store.kept(key, "uid") == (written[2], written[1], written[0])


async def test_content_of_an_earlier_generation_gets_the_new_number(kube_api: KubeApi, kube: Kube) -> None:
    store, key = Revisions(kube), ObjectKey(kube_api.namespace(), "chat")
    for number in (1, 5):
        await store.keep(key, "uid", revision(key, number, POLICIES[0]))

    assert [one.generation for one in await store.kept(key, "uid")] == [5]


async def test_what_is_dropped_is_gone_however_often(kube_api: KubeApi, kube: Kube) -> None:
    store, key = Revisions(kube), ObjectKey(kube_api.namespace(), "chat")
    one = revision(key, 1, POLICIES[0])
    await store.keep(key, "uid", one)
    for _ in range(2):
        await store.drop(key, one.name)

    assert await store.kept(key, "uid") == ()


async def test_what_cannot_be_read_is_passed_over(
    kube_api: KubeApi, kube: Kube, caplog: pytest.LogCaptureFixture
) -> None:
    store, key = Revisions(kube), ObjectKey(kube_api.namespace(), "chat")
    labels = {"app.kubernetes.io/component": COMPONENT, "penstock.dev/policy-uid": "uid"}
    body = {"metadata": {"name": "strange", "labels": labels}, "revision": 3, "data": {"spec": {"ordering": "Odd"}}}
    kube_api.must("POST", path_of(REVISIONS, key.namespace), body)

    assert await store.kept(key, "uid") == ()
    assert "ControllerRevision ignored" in caplog.text


def test_a_long_name_is_cut_before_the_hash() -> None:
    name = revision(ObjectKey("llm", "x" * 253), 1, POLICIES[0]).name

    assert len(name) == 253
    assert name.endswith(revision(ObjectKey("llm", "y"), 1, POLICIES[0]).name[1:])
