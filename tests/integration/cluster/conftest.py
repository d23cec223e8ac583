"""A client of the shared control plane, and small objects to act on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.kubeapi import KubeApi

from penstock.cluster.client import Kube
from penstock.cluster.connection import Login


@pytest.fixture(name="kube")
async def _kube(kube_api: KubeApi) -> AsyncIterator[Kube]:
    async with Kube(Login(kubeconfig=str(kube_api.kubeconfig))) as kube:
        yield kube


def deployment(namespace: str, name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "engine", "image": "none"}]}},
        },
    }
