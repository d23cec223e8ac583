"""Accelerators and batch limits as pod specs tell them."""

from typing import Any

import pytest

from penstock.controller.hardware import Hardware, agreed, of_labels, of_pod, of_target, pod_labels

GPU = "nvidia.com/gpu"


def engine(*args: str, gpus: int = 0, **limits: str) -> dict[str, Any]:
    wanted = ({"nvidia.com/gpu": str(gpus)} if gpus else {}) | limits
    return {"name": "engine", "args": list(args), "resources": {"limits": wanted, "requests": wanted}}


def affinity(*values: str) -> dict[str, Any]:
    rule = {"key": "nvidia.com/gpu.product", "operator": "In", "values": list(values)}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


@pytest.mark.parametrize(
    ("spec", "hardware"),
    [
        pytest.param({}, Hardware(), id="nothing is known of nothing"),
        pytest.param(
            {"nodeSelector": {"nvidia.com/gpu.product": "H100"}, "containers": [engine(gpus=4)]},
            Hardware(accelerator="H100", accelerators=4, resource=GPU),
            id="node selector and GPUs, limits and requests counted once",
        ),
        pytest.param({"affinity": affinity("L40S")}, Hardware(accelerator="L40S"), id="affinity"),
        pytest.param({"affinity": affinity("L40S", "A100")}, Hardware(), id="an affinity to several names none"),
        pytest.param({"containers": [engine("--max-num-seqs", "64")]}, Hardware(max_batch=64), id="two words"),
        pytest.param({"containers": [engine("--max-num-seqs=8")]}, Hardware(max_batch=8), id="one word"),
        pytest.param(
            {"containers": [{"command": ["sh", "-c", "vllm serve m --max-num-seqs 16"]}]},
            Hardware(max_batch=16),
            id="inside a shell command",
        ),
        pytest.param(
            {"containers": [engine(gpus=1), {"name": "proxy"}, engine(**{"amd.com/gpu": "1", "cpu": "4"})]},
            Hardware(accelerators=2, resource=GPU),
            id="containers add up, CPUs are none",
        ),
    ],
)
def test_pod(spec: dict[str, Any], hardware: Hardware) -> None:
    assert of_pod(spec) == hardware


def test_deployment_has_a_template() -> None:
    body = {"spec": {"template": {"spec": {"containers": [engine("--max-num-seqs=4", gpus=2)]}}}}

    assert of_target(body) == Hardware(accelerators=2, max_batch=4, resource=GPU)


def test_leader_worker_set_counts_the_group() -> None:
    worker = {"spec": {"containers": [engine(gpus=8)], "nodeSelector": {"nvidia.com/gpu.product": "H200"}}}
    leader = {"spec": {"containers": [engine("--max-num-seqs=256", gpus=4)]}}

    group = {"size": 3, "leaderTemplate": leader, "workerTemplate": worker}

    assert of_target({"spec": {"leaderWorkerTemplate": group}}) == Hardware(
        accelerator="H200", accelerators=20, max_batch=256, resource=GPU
    )
    assert of_target({"spec": {"leaderWorkerTemplate": {"size": 2, "workerTemplate": worker}}}) == Hardware(
        accelerator="H200", accelerators=16, resource=GPU
    )


def test_a_group_tolerates_what_any_of_its_pods_does() -> None:
    worker, leader = ({"spec": {"tolerations": [{"key": key, "operator": "Exists"}]}} for key in ("a", "b"))

    found = of_target({"spec": {"leaderWorkerTemplate": {"leaderTemplate": leader, "workerTemplate": worker}}})

    assert {one.key for one in found.tolerations} == {"a", "b"}


@pytest.mark.parametrize(
    ("labels", "accelerator"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}, "NVIDIA-H100-80GB-HBM3", id="by discovery"),
        pytest.param({"cloud.google.com/gke-accelerator": "nvidia-l4"}, "nvidia-l4", id="by a cloud"),
        pytest.param({"node.kubernetes.io/instance-type": "p5.48xlarge"}, None, id="a kind of machine is none"),
        pytest.param(
            {"nvidia.com/gpu.product": "", "amd.com/gpu.product-name": "MI300X"}, "MI300X", id="empty is none"
        ),
        pytest.param(
            {"cloud.google.com/gke-accelerator": "nvidia-l4", "inference.optimization/acceleratorName": "L4"},
            "L4",
            id="our own label first",
        ),
    ],
)
def test_labels(labels: dict[str, str], accelerator: str | None) -> None:
    assert of_labels(labels) == accelerator


@pytest.mark.parametrize(
    ("products", "accelerator"),
    [
        pytest.param([], None, id="no nodes"),
        pytest.param([None], None, id="unknown"),
        pytest.param(["A100", "A100"], "A100", id="the same"),
        pytest.param(["A100", None], "A100", id="one that is silent does not contradict"),
        pytest.param(["A100", "H100"], None, id="a contradiction"),
    ],
)
def test_nodes_agree_or_tell_nothing(products: list[str | None], accelerator: str | None) -> None:
    assert agreed(products) == accelerator


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        pytest.param({"spec": {"template": {"metadata": {"labels": {"app": "a"}}}}}, {"app": "a"}, id="a template"),
        pytest.param({"spec": {}}, {}, id="none"),
        pytest.param(
            {
                "metadata": {"name": "chat"},
                "spec": {"leaderWorkerTemplate": {"workerTemplate": {"metadata": {"labels": {"app": "a"}}}}},
            },
            {
                "app": "a",
                "leaderworkerset.sigs.k8s.io/name": "chat",
                "leaderworkerset.sigs.k8s.io/worker-index": "0",
            },
            id="leaders of a LeaderWorkerSet",
        ),
    ],
)
def test_labels_of_pods_to_be(body: dict[str, Any], labels: dict[str, str]) -> None:
    assert pod_labels(body) == labels
