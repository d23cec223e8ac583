"""The control plane that other tests rely on does what they rely on."""

import subprocess

import pytest
from tests.kubeapi import KubeApi, programs


@pytest.fixture(name="pod")
def _pod(kube_api: KubeApi) -> dict[str, str]:
    namespace = kube_api.namespace()
    body = {"metadata": {"name": "router-0"}, "spec": {"containers": [{"name": "router", "image": "none"}]}}
    made = kube_api.must("POST", f"/api/v1/namespaces/{namespace}/pods", body)
    return {"namespace": namespace, "uid": made["metadata"]["uid"]}


def test_token_of_a_service_account_is_reviewed_for_its_audience_only(kube_api: KubeApi, pod: dict[str, str]) -> None:
    audience = f"router.penstock.dev/{pod['uid']}"
    token = kube_api.service_account_token(pod["namespace"], "penstock-operator", audience)

    def review(wanted: str) -> bool:
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [wanted]},
        }
        answer = kube_api.must("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body)
        return bool(answer["status"].get("authenticated", False))

    assert review(audience)
    assert not review("router.penstock.dev/another")


def test_rbac_refuses_what_nobody_granted(kube_api: KubeApi) -> None:
    namespace = kube_api.namespace()
    token = kube_api.service_account_token(namespace, "nobody")

    reply = kube_api.request("GET", "/api/v1/pods", token=token)

    assert reply.status == 403
    assert "forbidden" in reply.message


def test_scale_of_a_leader_worker_set(kube_api: KubeApi) -> None:
    namespace = kube_api.namespace()
    path = f"/apis/leaderworkerset.x-k8s.io/v1/namespaces/{namespace}/leaderworkersets"
    kind = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}
    kube_api.must("POST", path, {**kind, "metadata": {"name": "big"}, "spec": {"replicas": 2}})

    scale = kube_api.must("GET", f"{path}/big/scale")

    assert scale["spec"]["replicas"] == 2


def test_server_comes_back_with_its_data(stopping_kube_api: KubeApi) -> None:
    namespace = stopping_kube_api.namespace("kept")
    stopping_kube_api.stop()
    with pytest.raises(OSError, match="refused"):
        stopping_kube_api.request("GET", "/readyz")

    stopping_kube_api.start()

    assert stopping_kube_api.request("GET", f"/api/v1/namespaces/{namespace}").ok


def test_kubeconfig_serves_other_clients(kube_api: KubeApi) -> None:
    kubectl = programs() / "kubectl"
    command = [kubectl, "--kubeconfig", kube_api.kubeconfig, "get", "namespace", "default", "-o", "name"]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "namespace/default"
