"""A folder of YAML as the wished-for state: what it holds, and what is said of a folder that cannot be used."""

from pathlib import Path

import pytest

from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey
from penstock.local.world import fingerprint, read_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "local"
DEPLOYMENT = """
kind: Deployment
metadata: {name: chat}
spec:
  replicas: 2
  template: {spec: {containers: [{command: [penstock, engine], args: [--model=m, --max-num-seqs, 8]}]}}
"""


def test_the_example_is_whole() -> None:
    world = read_world(EXAMPLE)

    assert {variant.key.name for variant in world.variants} == {"chat-l40s", "chat-h100"}
    assert set(world.engines) == {ObjectKey("default", "chat-l40s"), ObjectKey("default", "chat-h100")}
    assert world.policy is not None
    assert world.settings["interval"] == "2s"
    assert not world.catalogue.problems
    assert all(template.max_batch == 8 for template in world.engines.values())


def test_a_deployment_is_a_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DEPLOYMENT)

    template = read_world(tmp_path).engines[ObjectKey("default", "chat")]

    assert template.command == ("penstock", "engine", "--model=m", "--max-num-seqs", "8")
    assert (template.replicas, template.max_batch) == (2, 8)


def test_the_fingerprint_follows_content_and_names(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    first = fingerprint(tmp_path)

    (tmp_path / "notes.txt").write_text("no matter")
    assert fingerprint(tmp_path) == first
    (tmp_path / "a.yaml").write_text("a: 2")
    assert fingerprint(tmp_path) != first


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("", "-f", id="nothing"),
        pytest.param("a: [", "a.yaml", id="no YAML"),
        pytest.param("just text", "a.yaml: kind", id="no object"),
        pytest.param("kind: Deployment\nmetadata: {name: x}\nspec: {}", "Deployment x", id="no container"),
        pytest.param(
            "kind: VariantAutoscaling\napiVersion: llmd.ai/v1alpha1\nmetadata: {name: v}\nspec: {}",
            "VariantAutoscaling v",
            id="no model",
        ),
        pytest.param(
            "kind: WorkloadPolicy\napiVersion: penstock.dev/v1alpha1\nmetadata: {name: p}\n"
            'spec: {targetRef: {group: "", kind: Service, name: x}, rollout: {type: Shadow}}',
            "WorkloadPolicy p: rollout.type",
            id="a rollout on paper",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, field: str) -> None:
    (tmp_path / "a.yaml").write_text(text)

    with pytest.raises(InvalidField) as told:
        read_world(tmp_path)

    assert field in told.value.field
    assert told.value.remedy
