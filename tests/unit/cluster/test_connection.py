"""The namespace of a kubeconfig's context, as kubectl takes it."""

from pathlib import Path

import pytest

from penstock.cluster.connection import Login
from penstock.domain.errors import InvalidField

CONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: t}}]
contexts:
- {name: here, context: {cluster: c, user: me, namespace: llm}}
- {name: there, context: {cluster: c, user: me}}
"""


@pytest.mark.parametrize(
    ("context", "namespace"), [pytest.param("", "llm", id="current"), pytest.param("there", "default", id="named")]
)
def test_namespace_of_the_context(tmp_path: Path, context: str, namespace: str) -> None:
    file = tmp_path / "config"
    file.write_text(CONFIG)

    assert Login(kubeconfig=str(file), context=context).namespace() == namespace


def test_no_kubeconfig_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="kubeconfig"):
        Login(kubeconfig=str(tmp_path / "none")).namespace()
