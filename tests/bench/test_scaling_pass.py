"""What one scaling pass costs with a hundred and with a thousand variants, against a real Prometheus.

A pass here is: ask Prometheus, decide, make status, gauges and log line of every variant, and keep the record of it in
a thread; looking at targets and writing statuses are the API server's cost and stand apart. Ratios of one run travel
between machines; seconds do not. Prometheus shares the processors, so that our own time is told beside the clock's.
"""

import asyncio
import importlib
import os
import platform
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.integration.telemetry.test_collect import counters, gauges, pod
from tests.prometheus import PrometheusServer, Series
from tests.unit.scaling.scene import handed_over, observe, pod_name, target, variant

from penstock.controller.recordring import Ring
from penstock.domain.decisions import Decision
from penstock.domain.observations import Target
from penstock.domain.variants import ObjectKey, Variant
from penstock.records.record import Record
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory
from penstock.settings.prometheus import PrometheusSettings
from penstock.status.events import events
from penstock.status.gauges import gauges as own_gauges
from penstock.status.logline import variant_line
from penstock.status.summary import must_write, variant_status
from penstock.telemetry.collect import collect
from penstock.telemetry.prometheus import Prometheus
from penstock.telemetry.queries import queries

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

FEW, MANY, PASSES, PODS = 100, 1000, 5, 2
OWN = "own time"
STALE_AFTER_S = 120.0
SLACK = 3.0  # linear, give or take what two busy processors make of it
WRITTEN_AT_ONCE = 100  # variants in one remote write


@dataclass(slots=True)
class Fleet:
    """So many variants, two to a model and each with two pods, in namespaces of their own; every load is another."""

    size: int
    variants: tuple[Variant, ...] = field(init=False)
    targets: dict[ObjectKey, Target] = field(init=False)

    def __post_init__(self) -> None:
        self.variants = tuple(self._variant(number) for number in range(self.size))
        self.targets = {one.key: target(one, PODS) for one in self.variants}

    def _variant(self, number: int) -> Variant:
        namespace = f"f{self.size}-{number % 20}"
        return variant(f"v{number}", namespace, model=f"model-{number // 40}")

    @property
    def namespaces(self) -> frozenset[str]:
        return frozenset(one.key.namespace for one in self.variants)

    def expose(self, server: PrometheusServer, now_s: float) -> None:
        """Write two minutes of every pod's series."""
        for start in range(0, self.size, WRITTEN_AT_ONCE):
            server.write(
                [series for one in self.variants[start : start + WRITTEN_AT_ONCE] for series in _of(one, now_s)]
            )


def _of(one: Variant, now_s: float) -> Iterator[Series]:
    for number in range(PODS):
        labels = pod(one.key.namespace, pod_name(one, number), one.model)
        yield from gauges(labels, now_s)
        yield from counters(labels, now_s)


class Stopwatch:
    """Seconds of each phase by the clock and, as `own`, of this process's processor time."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.own: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        begin_s, own_s = time.perf_counter(), time.process_time()
        yield
        self.seconds[name].append(time.perf_counter() - begin_s)
        self.own[name].append(time.process_time() - own_s)

    def medians(self) -> dict[str, float]:
        """Return the medians, the first pass (cold caches) left out; our own time in all phases together comes last."""
        found = {name: statistics.median(each[1:]) for name, each in self.seconds.items()}
        return found | {OWN: sum(statistics.median(each[1:]) for each in self.own.values())}


async def passes(fleet: Fleet, client: Prometheus, now_s: float, ring: Ring) -> dict[str, float]:
    """Run several passes and return the median seconds of each phase."""
    memory, statuses, watch = Memory(), dict[ObjectKey, dict[str, Any]](), Stopwatch()
    for number in range(PASSES + 1):
        at_s = now_s + number / 1000  # the same samples, and still a later pass
        with watch.phase("collect"):
            scrape = await collect(client, fleet.namespaces, at_s, STALE_AFTER_S)
        assert scrape.problem is None, scrape.problem
        assert len(scrape.rows) == fleet.size * PODS
        observation, before = observe(*fleet.variants, targets=fleet.targets, seen=scrape.rows, now_s=at_s), memory
        with watch.phase("decide"):
            decisions, memory = decide(observation, before, Config())
        with watch.phase("summarise"):
            for decision in decisions:
                statuses[decision.key] = told(
                    decision, fleet.targets[decision.key], statuses.get(decision.key, {}), at_s
                )
        assert all(decision.computed for decision in decisions)
        record = Record(version="bench", observation=observation, memory=before, config=Config(), decisions=decisions)
        with watch.phase("record"):
            await asyncio.to_thread(ring.add, record)
    return watch.medians()


def told(decision: Decision, seen: Target, previous: dict[str, Any], now_s: float) -> dict[str, Any]:
    """Make everything that a pass tells of one variant, and return its status."""
    outcome = handed_over(decision, seen)
    status = variant_status(outcome, previous, now_s)
    must_write(previous, status, now_s)
    events(previous, outcome)
    own_gauges(outcome, "")
    variant_line(outcome)
    return status


async def test_pass_grows_no_faster_than_its_variants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server, now_s = PrometheusServer(tmp_path), float(round(time.time()))
    few, many = Fleet(FEW), Fleet(MANY)
    try:
        server.open()
        for fleet in (few, many):
            fleet.expose(server, now_s)
        client = Prometheus(PrometheusSettings(url=server.url))
        ring = Ring(tmp_path / "records", 10**8)
        costs = {fleet.size: await passes(fleet, client, now_s, ring) for fleet in (few, many)}
        await client.close()
    finally:
        server.close()

    asked = {fleet.size: len(queries(fleet.namespaces, 60.0, STALE_AFTER_S)) for fleet in (few, many)}
    with capsys.disabled():
        report(costs, asked)
    assert asked[FEW] == asked[MANY]
    for phase, spent_s in costs[MANY].items():
        assert spent_s < SLACK * MANY / FEW * costs[FEW][phase], phase


def report(costs: Mapping[int, Mapping[str, float]], asked: Mapping[int, int]) -> None:
    """Print the machine, a row for each size, and the ratios; all that an operator loads is in the size told last."""
    importlib.import_module("penstock.wiring.operator")
    resident_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    machine = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs"
    print(f"\n\none scaling pass; {machine}, load {os.getloadavg()[0]:.1f}")
    print(f"{'variants':>10} {'queries':>8} " + " ".join(f"{phase:>10}" for phase in (*costs[MANY], "pass")))
    for size, spent in costs.items():
        cells = " ".join(f"{seconds:>8.3f} s" for seconds in spent.values())
        print(f"{size:>10} {asked[size]:>8} {cells} {whole(spent):>8.3f} s")
    ratios = " ".join(f"{costs[MANY][phase] / costs[FEW][phase]:>9.1f}x" for phase in costs[MANY])
    print(f"{'ratio':>10} {'':>8} {ratios} {whole(costs[MANY]) / whole(costs[FEW]):>9.1f}x")
    print(f"largest resident size of this process, and so of an operator at most: {resident_mib:.0f} MiB")


def whole(spent: Mapping[str, float]) -> float:
    """Return the seconds of a pass; our own time is part of the phases, and the record is kept beside it."""
    return sum(seconds for phase, seconds in spent.items() if phase not in {OWN, "record"})
