"""Servers that the integration tests share."""

import os
from collections.abc import Callable, Mapping

from tests.kubeapi import frail_kube_api_of_session, kube_api, own_kube_api, stopping_kube_api
from tests.loops import TidyLoop
from tests.prometheus import prometheus

__all__ = ["frail_kube_api_of_session", "kube_api", "own_kube_api", "prometheus", "stopping_kube_api"]

# nothing here leaves this machine; reading the system's authorities took each process a tenth of a second
os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], TidyLoop]]:
    """Give each test with real sockets a loop that leaves none behind."""
    return {"tidy": TidyLoop}
