"""The source of a pass follows the settings from one Prometheus to another."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.prometheus import PrometheusServer, steady

from penstock.domain.reasons import MetricsReason
from penstock.scaling.config import Config
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.source import PrometheusSource


@dataclass
class Settings:
    prometheus: PrometheusSettings
    scaling: Config


async def test_the_source_follows_the_settings(prometheus: PrometheusServer, tmp_path: Path) -> None:
    now_s, namespace = float(round(time.time())), f"source-{os.getpid()}"
    labels = {"namespace": namespace, "pod": "p1", "model_name": "m"}
    prometheus.write([steady("vllm:num_requests_running", labels, now_s, value=1)])
    there = Settings(PrometheusSettings(url=prometheus.url), Config())
    nowhere = Settings(PrometheusSettings(url="http://127.0.0.1:9", ca_file=tmp_path), Config())
    source = PrometheusSource()

    scrapes = [await source.scrape(which, frozenset({namespace}), now_s) for which in (there, nowhere, there, there)]
    await source.close()

    assert [bool(scrape.rows) for scrape in scrapes] == [True, False, True, True]
    assert scrapes[1].problem is not None
    assert scrapes[1].problem.reason is MetricsReason.PROMETHEUS_UNREACHABLE
