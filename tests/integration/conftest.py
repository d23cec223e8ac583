"""Servers that the integration tests share."""

from collections.abc import Callable, Mapping

from tests.kubeapi import frail_kube_api_of_session, kube_api, own_kube_api, stopping_kube_api
from tests.loops import TidyLoop
from tests.prometheus import prometheus

__all__ = ["frail_kube_api_of_session", "kube_api", "own_kube_api", "prometheus", "stopping_kube_api"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], TidyLoop]]:
    """Give each test with real sockets a loop that leaves none behind."""
    return {"tidy": TidyLoop}
