"""`penstock doctor`: what it takes for an object, and how it answers without a cluster."""

from pathlib import Path

import pytest

from penstock.cli.app import run
from penstock.cli.doctor import command
from penstock.cli.faults import UNREACHABLE, USAGE

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: here, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: t}}]
contexts: [{name: here, context: {cluster: here, user: me, namespace: llm}}]
"""


@pytest.mark.parametrize("what", ["chat", "va/", "pod/chat", "/chat"])
def test_only_variants_and_policies_are_examined(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", what]) == USAGE
    assert "write va/NAME or wp/NAME" in capsys.readouterr().err


def test_there_is_no_way_to_mend_things_yet() -> None:
    assert "--fix" not in {name for option in command.params for name in option.opts}


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "va/chat"], ["doctor", "wp/chat", "-n", "llm"]])
def test_cluster_that_does_not_answer(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))

    assert run(arguments) == UNREACHABLE
    assert capsys.readouterr().err.startswith("error: no answer (connection refused)\n  at:  Kubernetes API\n")
