"""Both ways to install Penstock yield the same objects, a real API server takes them, and no pod asks for too much."""

import functools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kubeapi import KubeApi
from tests.manifests import documents
from tests.needs import missing

from penstock.router.envoyconfig import EnvoyOptions, bootstrap, cluster_load_assignment

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "penstock"
ENVOY = EnvoyOptions(
    listen_host="0.0.0.0",
    listen_port=8081,
    admin_port=9901,
    picker_port=9002,
    eds_path="/run/penstock/eds.json",
    picker_tls=True,
    first_byte=True,
)
ROUTER = ("router.enabled=true", "router.env.PENSTOCK_POOL_NAME=chat")
Object = dict[str, Any]
_HASHED = re.compile(r"-[a-z0-9]{10}$")
_FROM_CRDS = {"CustomResourceDefinition"}  # helm installs its crds/ folder by itself: compared below


def program(name: str) -> str:
    found = shutil.which(name)
    return found or missing(name, f"install {name}; the manifests cannot be rendered without it")


def kustomize(folder: str | Path) -> list[Object]:
    return [body for body in documents(_printed(program("kubectl"), "kustomize", ROOT / folder)) if body]


def helm(namespace: str, *values: str, json_values: bool = False) -> list[Object]:
    command = [program("helm"), "template", "penstock", CHART, "--namespace", namespace]
    option = "--set-json" if json_values else "--set"
    return [body for body in documents(_printed(*command, option, ",".join(values))) if body]


@functools.cache
def _printed(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def named(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """Index by kind and name, without what only one way adds: hash suffixes, namespaces, pull policies."""
    text = yaml.safe_dump_all(objects).replace("penstock-router-default", "penstock-router")
    text = text.replace("penstock-operator-penstock-system", "penstock-operator")
    for body in objects:
        name = body["metadata"]["name"]
        if body["kind"] == "ConfigMap" and _HASHED.search(name):
            text = text.replace(name, _HASHED.sub("", name))
    return {(body["kind"], body["metadata"]["name"]): _comparable(body) for body in documents(text)}


def _comparable(body: Object) -> Object:
    body["metadata"].pop("namespace", None)
    if body["kind"] == "Deployment":
        body["spec"]["template"]["metadata"]["annotations"].pop("checksum/flags", None)
        for container in _containers(body["spec"]["template"]["spec"]):
            container.pop("imagePullPolicy", None)
    return body


def _containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize(
    ("folder", "namespace", "values", "apart"),
    [
        pytest.param("manifests", "penstock-system", ("operator.enabled=true",), {"Namespace"}, id="operator"),
        pytest.param(
            "manifests/router",
            "default",
            ("operator.enabled=false", "router.operatorNamespace=penstock-system", *ROUTER),
            {"ConfigMap"},
            id="router",
        ),
    ],
)
def test_kustomize_and_helm_install_the_same(
    folder: str, namespace: str, values: tuple[str, ...], apart: set[str]
) -> None:
    ours = {key: body for key, body in named(kustomize(folder)).items() if key[0] not in {*apart, *_FROM_CRDS}}
    theirs = {key: body for key, body in named(helm(namespace, *values)).items() if key[0] not in apart}

    assert ours == theirs


@pytest.mark.parametrize("name", ["llmd.ai_variantautoscalings.yaml", "penstock.dev_workloadpolicies.yaml"])
def test_the_chart_carries_the_same_definitions(name: str) -> None:
    assert (CHART / "crds" / name).read_bytes() == (ROOT / "crds" / name).read_bytes(), "run `make chart`"


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param({"PENSTOCK_POOL_NAME": "code"}, id="pool"),
        pytest.param(
            {"PENSTOCK_ENDPOINT_SELECTOR": "app=vllm", "PENSTOCK_ENDPOINT_TARGET_PORTS": "8000"}, id="selector"
        ),
    ],
)
def test_the_routers_settings_reach_both_installations(tmp_path: Path, flags: dict[str, str]) -> None:
    literals = [f"{name}={value}" for name, value in flags.items()]
    overlay = {
        "resources": [os.path.relpath(ROOT / "manifests" / "router", tmp_path)],
        "configMapGenerator": [{"name": "penstock-router", "behavior": "merge", "literals": literals}],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))

    ours = named(kustomize(tmp_path))["ConfigMap", "penstock-router"]["data"]
    theirs = named(helm("llm", "router.enabled=true", *(f"router.env.{one}" for one in literals)))

    assert ours == flags
    assert theirs["ConfigMap", "penstock-router"]["data"] == {**flags, "PENSTOCK_OPERATOR_NAMESPACE": "llm"}


def test_the_chart_refuses_a_router_without_endpoints() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        helm("llm", "router.enabled=true")

    assert "router.env names no endpoints: set PENSTOCK_POOL_NAME" in refused.value.stderr


def test_settings_of_every_kind_become_texts() -> None:
    given = {
        "scaleToZero": True,
        "interval": "30s",
        "prometheusURL": "http://prometheus:9090/?a=1&b=ü",
        "quotas": [{"accelerator": "H100", "max": 1_000_000}],
        "defaultSLO": "ttft: 2s\ntpot: 100ms\n",
    }

    objects = named(helm("llm", f"operator.config={json.dumps(given)}", json_values=True))
    data = objects["ConfigMap", "penstock-config"]["data"]

    assert {name: yaml.safe_load(text) for name, text in data.items() if name in {"scaleToZero", "quotas"}} == {
        "scaleToZero": True,
        "quotas": given["quotas"],
    }
    assert {name: data[name] for name in ("interval", "prometheusURL", "defaultSLO")} == {
        name: given[name] for name in ("interval", "prometheusURL", "defaultSLO")
    }
    assert all(isinstance(text, str) for text in data.values())


@pytest.mark.parametrize("copy", ["manifests/router/envoy.yaml", "charts/penstock/files/envoy.yaml"])
def test_envoy_is_configured_by_the_one_template(copy: str) -> None:
    assert documents((ROOT / copy).read_text()) == [bootstrap(ENVOY)], (
        "write it anew from bootstrap(ENVOY) of this test, then `make chart`"
    )


@pytest.mark.parametrize("folder", ["manifests/router", "charts/penstock/files"])
def test_envoy_starts_without_engines(folder: str) -> None:
    assert json.loads((ROOT / folder / "eds.json").read_text()) == cluster_load_assignment(())


@pytest.mark.parametrize("folder", ["manifests", "manifests/router"])
def test_a_real_api_server_takes_every_object(kube_api: KubeApi, folder: str) -> None:
    for body in kustomize(folder):
        reply = kube_api.apply(body) if body["kind"] == "Namespace" else kube_api.apply(body, dry_run=True)

        assert reply.ok, f"{body['kind']} {body['metadata']['name']}: {reply.message}"


def test_the_pod_monitor_is_taken_too(kube_api: KubeApi) -> None:
    found = named(helm("llm", "podMonitor.enabled=true"))["PodMonitor", "penstock"]

    found["metadata"]["namespace"] = "default"
    assert kube_api.apply(found, dry_run=True).ok


def test_the_component_adds_the_same_pod_monitor(tmp_path: Path) -> None:
    manifests = os.path.relpath(ROOT / "manifests", tmp_path)
    overlay = {"resources": [f"{manifests}/operator"], "components": [f"{manifests}/components/podmonitor"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))

    ours = named(kustomize(tmp_path))["PodMonitor", "penstock"]

    assert ours == named(helm("llm", "podMonitor.enabled=true"))["PodMonitor", "penstock"]


def test_the_right_to_list_nodes_comes_with_the_setting_alone(tmp_path: Path) -> None:
    overlay = {
        "resources": [os.path.relpath(ROOT / "manifests" / "operator", tmp_path)],
        "components": [os.path.relpath(ROOT / "manifests" / "components" / "nodes", tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    granted = {("ClusterRole", "penstock-operator-nodes"), ("ClusterRoleBinding", "penstock-operator-nodes")}

    ours = named(kustomize(tmp_path))
    theirs = named(helm("penstock-system", "operator.config.limitToNodes=true"))

    told = granted | {("ConfigMap", "penstock-config")}
    assert {key: ours[key] for key in told} == {key: theirs[key] for key in told}
    assert ours["ConfigMap", "penstock-config"]["data"] == {"limitToNodes": "true"}
    assert not granted & named(helm("penstock-system", "operator.config.limitToNodes=false")).keys()
    assert not granted & named(helm("penstock-system", "operator.enabled=true")).keys()
    assert not granted & named(kustomize("manifests/operator")).keys()


def test_who_reaches_records_may_be_narrowed(kube_api: KubeApi) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}

    wide = named(helm("llm"))["NetworkPolicy", "penstock-operator"]["spec"]["ingress"]
    policy = named(helm("llm", f"networkPolicy.metricsFrom={json.dumps([peer])}", json_values=True))
    narrow = policy["NetworkPolicy", "penstock-operator"]

    assert wide[0] == {"ports": [{"port": "metrics"}]}
    assert narrow["spec"]["ingress"] == [{"ports": [{"port": "metrics"}], "from": [peer]}, *wide[1:]]
    narrow["metadata"]["namespace"] = "default"
    assert kube_api.apply(narrow, dry_run=True).ok


def test_both_ways_bring_the_one_dashboard(tmp_path: Path) -> None:
    overlay = {
        "resources": [os.path.relpath(ROOT / "manifests" / "operator", tmp_path)],
        "components": [os.path.relpath(ROOT / "dashboards", tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))

    ours = named(kustomize(tmp_path))["ConfigMap", "penstock-dashboard"]
    theirs = named(helm("llm", "dashboard.enabled=true"))["ConfigMap", "penstock-dashboard"]

    assert ours == theirs
    assert ours["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert ours["data"]["penstock.json"] == (ROOT / "dashboards" / "penstock.json").read_text(), "run `make chart`"
    assert ("ConfigMap", "penstock-dashboard") not in named(helm("llm"))


@pytest.mark.parametrize("folder", ["manifests", "manifests/router"])
def test_no_container_may_more_than_it_needs(folder: str) -> None:
    pods = [body["spec"]["template"]["spec"] for body in kustomize(folder) if body["kind"] == "Deployment"]

    assert pods
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in _containers(pod):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]
            assert not container["image"].endswith(":latest")
