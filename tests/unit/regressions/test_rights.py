"""What the shipped roles must never grant, whatever else an operator or a router comes to need."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "manifests" / name / "rbac.yaml" for name in ("operator", "router", "components/nodes")]
LOOKING = {"get", "list", "watch"}


def rules(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the rules of all roles of a file; the chart's are compared with these where helm is at hand."""
    bodies = list(yaml.safe_load_all(file.read_text()))
    roles = [body for body in bodies if body["kind"] in {"Role", "ClusterRole"}]
    assert len(roles) == (1 if "components" in file.parts else 2)
    for role in roles:
        yield from role["rules"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_nobody_reads_secrets_or_changes_nodes(file: Path) -> None:
    """WVA patched nodes and read every Secret of the cluster."""
    for rule in rules(file):
        assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert "secrets" not in rule["resources"]
        if {one.partition("/")[0] for one in rule["resources"]} & {"nodes", "namespaces"}:
            assert set(rule["verbs"]) <= LOOKING


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_configmaps_are_granted_by_name(file: Path) -> None:
    for rule in rules(file):
        if "configmaps" in rule["resources"]:
            assert rule.get("resourceNames")
            assert "list" not in rule["verbs"]
            assert "watch" not in rule["verbs"]
