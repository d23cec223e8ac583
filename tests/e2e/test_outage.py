"""Prometheus goes away in the middle of load, and comes back: what runs stays, and who looks is told."""

from collections.abc import Iterator

import pytest
from tests.e2e.fleet import COSTS, PRICES
from tests.e2e.history import History
from tests.e2e.kube import Kube, until
from tests.e2e.variants import condition, desired, events, message, replicas, status

pytestmark = pytest.mark.e2e
OPERATOR = ("deployment/penstock-operator", "penstock-system")
PASSES = 3
DARK = ("False", "PrometheusUnreachable")


@pytest.fixture
def dark(kube: Kube, fleet: History) -> Iterator[dict[str, int]]:
    """Take Prometheus away once the dear variant serves, too; give the replicas when the operator has noticed."""
    until(lambda: _desired(fleet), lambda it: it["cheap"] > 1 and it["dear"] > 0, "the load is felt", 120)
    _prometheus(kube, 0)
    try:
        until(lambda: _conditions(kube), lambda it: set(it) == {DARK}, "PrometheusUnreachable", 60)
        yield {name: replicas(kube, COSTS, name) for name in PRICES}
    finally:
        _prometheus(kube, 1)


def test_an_outage_under_load_moves_nothing_and_passes(kube: Kube, fleet: History, dark: dict[str, int]) -> None:
    begun = _skipped(kube)
    until(lambda: _skipped(kube), lambda it: it >= begun + PASSES, f"{PASSES} passes without data", 60)

    for name, before in dark.items():
        found = status(kube, COSTS, name)
        assert condition(found, "MetricsAvailable") == DARK
        assert "prometheus.monitoring.svc:9090" in message(found, "MetricsAvailable")
        assert condition(found, "ScalingActive") == ("False", "HoldingLastDecision")
        assert condition(found, "Ready") == DARK
        assert replicas(kube, COSTS, name) == before == desired(found), "unknown is never less, nor more"
        until(lambda name=name: events(kube, COSTS, name), lambda it: DARK[1] in it, f"event {DARK[1]}", 30)
    blind = [
        (name, desired(one))
        for name in PRICES
        for one in fleet.statuses(COSTS, name)
        if condition(one, "MetricsAvailable") == DARK
    ]
    assert set(blind) == set(dark.items()), fleet.told(COSTS)
    _prometheus(kube, 1)
    for name in PRICES:
        until(lambda name=name: events(kube, COSTS, name), lambda it: "MetricsRecovered" in it, "recovered", 60)
        until(
            lambda name=name: condition(status(kube, COSTS, name), "Ready")[0], lambda it: it == "True", "ready again"
        )


def _prometheus(kube: Kube, count: int) -> None:
    kube.run("scale", "deployment/prometheus", "-n", "monitoring", f"--replicas={count}")
    kube.rolled_out("deployment", "prometheus", "monitoring")
    if not count:
        kube.run("wait", "pods", "--all", "-n", "monitoring", "--for=delete", "--timeout=60s")


def _skipped(kube: Kube) -> int:
    """Return how many passes found nothing out about the cheap variant."""
    told = [line for line in kube.logs(*OPERATOR).splitlines() if "skipping optimization for variant" in line]
    return sum(f'"{COSTS}"' in line and '"cheap"' in line for line in told)


def _conditions(kube: Kube) -> list[tuple[str, str]]:
    return [condition(status(kube, COSTS, name), "MetricsAvailable") for name in PRICES]


def _desired(fleet: History) -> dict[str, int]:
    return {name: desired(fleet.statuses(COSTS, name)[-1]) or 0 for name in PRICES}
