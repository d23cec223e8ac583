"""A cluster with routers of one pool in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.controller.cluster import Cluster
from tests.integration.controller.fleet import Fleet, fleet
from tests.kubeapi import KubeApi


@pytest.fixture(name="world")
async def _world(kube_api: KubeApi, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with fleet(Cluster(kube_api), tmp_path) as made:
        yield made
