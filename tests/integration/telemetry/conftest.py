"""A client of the Prometheus that these tests share."""

from collections.abc import AsyncIterator

import pytest
from tests.prometheus import PrometheusServer

from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.prometheus import Prometheus


@pytest.fixture
async def client(prometheus: PrometheusServer) -> AsyncIterator[Prometheus]:
    one = Prometheus(PrometheusSettings(url=prometheus.url))
    yield one
    await one.close()
