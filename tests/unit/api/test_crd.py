"""The definitions in crds/ are what the models say, and keep the promises of the reference."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.manifests import documents

from penstock.api.crd import as_yaml, dropped, generate
from penstock.cli.crds import command

FOLDER = Path(__file__).parents[3] / "crds"
DEFINITIONS = generate()
VARIANTS, POLICIES = "llmd.ai_variantautoscalings.yaml", "penstock.dev_workloadpolicies.yaml"


def version(name: str) -> dict[str, Any]:
    return dict(DEFINITIONS[name]["spec"]["versions"][0])


def schema(name: str) -> dict[str, Any]:
    return dict(version(name)["schema"]["openAPIV3Schema"])


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, part in node.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    for part in (node.get("items"), node.get("additionalProperties")):
        if part:
            yield from nodes(part, f"{path}[]")


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_committed_file_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == as_yaml(DEFINITIONS[name]), "run `make crds` and commit what changes"


def test_nothing_else_is_committed() -> None:
    assert {path.name for path in FOLDER.glob("*_*.yaml")} == set(DEFINITIONS)


def test_command_prints_all() -> None:
    printed = CliRunner().invoke(command, [])

    assert printed.exit_code == 0
    assert documents(printed.output) == list(DEFINITIONS.values())


def test_command_writes_a_folder(tmp_path: Path) -> None:
    written = CliRunner().invoke(command, ["--out", str(tmp_path / "new")])

    assert written.exit_code == 0
    assert documents((tmp_path / "new" / VARIANTS).read_text()) == [DEFINITIONS[VARIANTS]]


@pytest.mark.parametrize(
    ("name", "columns", "wide", "short"),
    [
        pytest.param(
            VARIANTS,
            ["Target", "Model", "Current", "Optimized", "MetricsReady", "Reason", "Age"],
            ["Accelerator", "Mode", "Min", "Max"],
            "va",
            id="va",
        ),
        pytest.param(POLICIES, ["Target", "Ordering", "Programmed", "Bound", "Reason", "Age"], [], "wp", id="wp"),
    ],
)
def test_what_kubectl_shows(name: str, columns: list[str], wide: list[str], short: str) -> None:
    shown = version(name)["additionalPrinterColumns"]

    assert [column["name"] for column in shown if not column.get("priority")] == columns
    assert [column["name"] for column in shown if column.get("priority") == 1] == wide
    assert DEFINITIONS[name]["spec"]["names"]["shortNames"] == [short]


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_status_and_no_scale_subresource(name: str) -> None:
    assert version(name)["subresources"] == {"status": {}}


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_no_default_is_stored_but_the_key_of_a_list(name: str) -> None:
    stored = {path: node["default"] for path, node in nodes(schema(name)) if "default" in node}

    assert stored == ({".spec.workloads[].tenant": ""} if name == POLICIES else {})


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_status_can_be_written_in_parts(name: str) -> None:
    status = schema(name)["properties"]["status"]

    required = {path: node["required"] for path, node in nodes(status) if "required" in node}
    keys = {f"{path}[]": node["x-kubernetes-list-map-keys"] for path, node in nodes(status) if _is_map(node)}
    assert required == keys
    assert not [path for path, node in nodes(status) if "minLength" in node or "enum" in node]


def _is_map(node: dict[str, Any]) -> bool:
    return node.get("x-kubernetes-list-type") == "map"


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_rule_has_a_sentence(name: str) -> None:
    rules = [rule for _, node in nodes(schema(name)) for rule in node.get("x-kubernetes-validations", [])]

    assert rules
    assert all(("message" in rule) != ("messageExpression" in rule) for rule in rules)


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_everything_in_spec_is_described(name: str) -> None:
    spec = schema(name)["properties"]["spec"]

    assert not [path for path, node in nodes(spec) if "description" not in node and not path.endswith("[]")]


def test_wva_fields_keep_their_loosest_rules() -> None:
    spec = schema(VARIANTS)["properties"]["spec"]

    assert spec["required"] == ["modelID"]
    assert spec["properties"]["variantCost"]["pattern"] == r"^\d+(\.\d+)?$"
    assert "minLength" not in spec["properties"]["scaleTargetRef"]["properties"]["name"]


def test_policy_is_labelled_as_a_direct_one() -> None:
    assert DEFINITIONS[POLICIES]["metadata"]["labels"]["gateway.networking.k8s.io/policy"] == "Direct"


def test_a_definition_tells_which_fields_it_would_drop() -> None:
    ours = DEFINITIONS[VARIANTS]
    theirs = copy.deepcopy(ours)
    spec = theirs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for field in ("slo", "paused"):
        del spec["properties"][field]

    assert dropped(ours) == frozenset()
    assert dropped(theirs) == {"slo", "paused"}
