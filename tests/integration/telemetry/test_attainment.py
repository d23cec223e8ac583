"""Shares of requests in time, out of the histograms that engines really export, by a real Prometheus."""

import itertools
import os
import time

import pytest
from tests.prometheus import PrometheusServer, Series, steady

from penstock.domain.catalogue import ModelScope
from penstock.telemetry.attainment import attained
from penstock.telemetry.prometheus import Prometheus

TTFT, REQUEST_TPOT, TPOT = (
    "vllm:time_to_first_token_seconds",
    "vllm:request_time_per_output_token_seconds",
    "vllm:time_per_output_token_seconds",
)
_names = itertools.count(1)


@pytest.fixture
def scope() -> ModelScope:
    return ModelScope(f"attain-{os.getpid()}-{next(_names)}", "Qwen/Qwen3-32B")


def histogram(name: str, scope: ModelScope, per_s: dict[str, float], pod: str = "p1") -> list[Series]:
    labels = {"namespace": scope.namespace, "pod": pod, "model_name": scope.model}
    return [
        steady(f"{name}_bucket", {**labels, "le": bound}, time.time(), value=9000 * rate, per_s=rate, count=31)
        for bound, rate in per_s.items()
    ]


@pytest.mark.parametrize(
    ("targets", "share"),
    [
        pytest.param((1.0, 0.1), 0.90 + 0.95 - 1, id="both misses count"),
        pytest.param((1.75, 0.1), 0.9553 + 0.95 - 1, id="between two bounds, in a tail"),
        pytest.param((2.5, 10.0), 0.98, id="one target that all meet"),
        pytest.param((0.001, 0.01), 0.0, id="nobody"),
        pytest.param((5.0, 0.1), None, id="a bound that is not there"),
    ],
)
async def test_shares(
    prometheus: PrometheusServer, client: Prometheus, scope: ModelScope, targets: tuple[float, float],
    share: float | None,
) -> None:  # fmt: skip
    for pod, part in (("p1", 0.25), ("p2", 0.75)):
        first = {"0.001": 0.0, "1.0": 0.90 * part, "2.5": 0.98 * part, "+Inf": part}
        then = {"0.01": 0.0, "0.1": 0.95 * part, "10.0": part, "+Inf": part}
        prometheus.write(histogram(TTFT, scope, first, pod))
        prometheus.write(histogram(REQUEST_TPOT, scope, then, pod))
        prometheus.write(histogram(TPOT, scope, {"0.1": 0.5 * part, "+Inf": part}, pod))

    found = await attained(client, {scope: frozenset({targets})}, time.time())

    assert found == ({} if share is None else {(scope, targets): pytest.approx(share, abs=1e-3)})


async def test_tokens_speak_where_requests_do_not(
    prometheus: PrometheusServer, client: Prometheus, scope: ModelScope
) -> None:
    prometheus.write(histogram(TTFT, scope, {"1": 0.9, "+Inf": 1.0}))  # as Prometheus 2 keeps bounds
    prometheus.write(histogram(TPOT, scope, {"0.1": 0.8, "+Inf": 1.0}))

    found = await attained(client, {scope: frozenset({(1.0, 0.1)})}, time.time())

    assert found == {(scope, (1.0, 0.1)): pytest.approx(0.7, abs=1e-3)}


async def test_without_traffic_nothing_is_known_and_without_models_nothing_is_asked(
    prometheus: PrometheusServer, client: Prometheus, scope: ModelScope
) -> None:
    prometheus.write(histogram(TTFT, scope, {"1.0": 0.0, "+Inf": 0.0}))
    prometheus.write(histogram(TPOT, scope, {"0.1": 0.0, "+Inf": 0.0}))

    assert await attained(client, {scope: frozenset({(1.0, 0.1)})}, time.time()) == {}
    assert await attained(client, {}, time.time()) == {}
