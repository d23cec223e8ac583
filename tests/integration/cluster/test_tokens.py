"""Tokens made for one router are accepted for that router only."""

from tests.kubeapi import KubeApi

from penstock.api.names import OPERATOR_ACCOUNT
from penstock.cluster.client import Kube
from penstock.cluster.reviews import Reviews
from penstock.cluster.tokens import Tokens


async def test_token_is_worth_something_at_its_audience_only(kube_api: KubeApi, kube: Kube) -> None:
    namespace = kube_api.namespace()
    kube_api.service_account_token(namespace, OPERATOR_ACCOUNT)  # makes the account

    token = await Tokens(kube, namespace).token("router.penstock.dev/pod-1")

    reviews = Reviews(kube)
    assert await reviews.review(token, "router.penstock.dev/pod-1") == (
        f"system:serviceaccount:{namespace}:{OPERATOR_ACCOUNT}"
    )
    assert await reviews.review(token, "router.penstock.dev/pod-2") is None
    assert await reviews.review("made up", "router.penstock.dev/pod-1") is None


async def test_token_is_kept_for_most_of_its_life_and_renewed_then(kube_api: KubeApi, kube: Kube) -> None:
    namespace, now = kube_api.namespace(), [0.0]
    kube_api.service_account_token(namespace, OPERATOR_ACCOUNT)
    tokens = Tokens(kube, namespace, clock=lambda: now[0])
    first = await tokens.token("a")

    again = await tokens.token("a")
    tokens.forget("a")
    after_refusal = await tokens.token("a")
    now[0] = 1e10
    after_its_life = await tokens.token("a")

    assert first == again
    assert len({first, after_refusal, after_its_life}) == 3
