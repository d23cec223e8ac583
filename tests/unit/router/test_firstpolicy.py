"""Which policy a starting router runs: disk before file before plug-in parameters before the built-in one."""

import json
from pathlib import Path

import pytest

from penstock.api.document import encode, policy_hash
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Ordering, Policy, PolicyDocument
from penstock.router.disk import PolicyDisk
from penstock.router.firstpolicy import first
from penstock.router.state import Source

RESOURCE = """
apiVersion: penstock.dev/v1alpha1
kind: WorkloadPolicy
metadata: {name: chat, namespace: llm, generation: 3}
spec:
  targetRef: {group: "", kind: Service, name: penstock-router}
  ordering: FCFS
"""
CONFIG = """
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins: [{type: workload-aware-ordering-policy, parameters: {criticalityWeight: 0.9}}, {type: queue-scorer}]
"""


def document(ordering: Ordering = Ordering.WORKLOAD_AWARE, revision: int = 9) -> PolicyDocument:
    policy = Policy(ordering=ordering)
    return PolicyDocument(
        schema=1, revision=revision, uid="u", name="p", generation=2, hash=policy_hash(policy), policy=policy
    )


@pytest.fixture
def disk(tmp_path: Path) -> PolicyDisk:
    return PolicyDisk(tmp_path / "state")


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_nothing_at_all_is_the_built_in_policy(disk: PolicyDisk) -> None:
    found, source = first(disk, None, None)

    assert (source, found.policy, found.revision, found.uid) == (Source.BUILTIN, Policy(), 0, "")


def test_parameters_of_a_plug_in_are_a_file(disk: PolicyDisk, tmp_path: Path) -> None:
    found, source = first(disk, None, file(tmp_path, "c.yaml", CONFIG))

    assert (source, found.policy.weights.criticality, found.revision) == (Source.FILE, 0.9, 0)


def test_a_policy_file_is_stronger_than_parameters(disk: PolicyDisk, tmp_path: Path) -> None:
    found, source = first(disk, file(tmp_path, "p.yaml", RESOURCE), file(tmp_path, "c.yaml", CONFIG))

    assert (source, found.policy.ordering, found.name, found.generation) == (Source.FILE, Ordering.FCFS, "chat", 3)


def test_a_policy_file_may_be_the_document_that_is_pushed(disk: PolicyDisk, tmp_path: Path) -> None:
    given = document(Ordering.FCFS)

    found, _ = first(disk, file(tmp_path, "p.json", json.dumps(encode(given))), None)

    assert found == given


def test_the_disk_is_stronger_than_any_file(disk: PolicyDisk, tmp_path: Path) -> None:
    disk.save(document())

    found, source = first(disk, file(tmp_path, "p.yaml", RESOURCE), None)

    assert (source, found) == (Source.DISK, document())


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(b"{", id="corrupt"),
        pytest.param(b'{"schema":1,"revision":1,"ordering":"Hybrid","laneShare":"10%"}', id="a later version's"),
    ],
)
def test_a_disk_that_cannot_be_used_is_reported_and_passed_over(
    disk: PolicyDisk, kept: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    disk.folder.mkdir()
    disk.path.write_bytes(kept)

    _, source = first(disk, None, None)

    assert source is Source.BUILTIN
    assert "the policy on disk is ignored" in caplog.text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("a: [", "--policy-file", id="no YAML"),
        pytest.param("- a", "--policy-file", id="no document"),
        pytest.param("kind: Pod", "kind", id="another kind"),
        pytest.param(RESOURCE.replace("FCFS", "PLAS"), "ordering", id="what this version cannot run"),
        pytest.param(RESOURCE + "  rollout: {type: Canary}", "rollout.type", id="a rollout in parts"),
        pytest.param('{"schema": 1, "revision": -1}', "revision", id="an impossible document"),
    ],
)
def test_a_named_file_that_cannot_be_used_stops_the_start(
    disk: PolicyDisk, tmp_path: Path, text: str, field: str
) -> None:
    disk.save(document())

    with pytest.raises(InvalidField) as caught:
        first(disk, file(tmp_path, "p.yaml", text), None)

    assert caught.value.field == field


def test_a_file_that_is_not_there_stops_the_start(disk: PolicyDisk, tmp_path: Path) -> None:
    with pytest.raises(InvalidField) as caught:
        first(disk, None, tmp_path / "nowhere")

    assert caught.value.field == "--config-file"
