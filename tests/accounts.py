"""Service accounts of a test's cluster that may do what a test says, and nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.kubeapi import KubeApi


def kubeconfig_of(api: KubeApi, home: Path, namespace: str, rules: Sequence[dict[str, Any]]) -> Path:
    """Write the kubeconfig of an account with these rights in the whole cluster, and return its path."""
    token = api.service_account_token(namespace, "reader")
    rbac, name = "rbac.authorization.k8s.io", f"reader-{namespace}"
    ref = {"apiGroup": rbac, "kind": "ClusterRole", "name": name}
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": namespace}
    for kind, body in {
        "ClusterRole": {"rules": list(rules)},
        "ClusterRoleBinding": {"roleRef": ref, "subjects": [subject]},
    }.items():
        assert api.apply({"apiVersion": f"{rbac}/v1", "kind": kind, "metadata": {"name": name}, **body}).ok
    path = home / "kubeconfig"
    path.write_text(api.kubeconfig.read_text().replace(api.token, token))
    return path
