"""What the processes export, family by family, as rows of a table; every number of theirs is made to exist once."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.emulator.test_host import Clock
from tests.unit.router.test_metrics import dispatch, reject, snapshot, workload
from tests.unit.status.outcomes import outcome

from penstock.controller.hindsight import Judgement
from penstock.controller.metrics import Meters
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Learnt
from penstock.domain.reasons import RejectReason
from penstock.domain.requests import EndpointLoad
from penstock.domain.variants import ObjectKey
from penstock.emulator.exposition import Page
from penstock.emulator.host import Clocks, Host
from penstock.emulator.meters import Life
from penstock.emulator.meters import Meters as EngineMeters
from penstock.engine.calls import Finish, Finished, FirstToken, Gauges, Started
from penstock.router.counters import Counters
from penstock.router.metrics import router_families, workload_families
from penstock.router.metrics_aliases import alias_families
from penstock.settings.engine import read

LEARNT = Learnt(startup_s=94.0, starts=7, attainment_ratio=0.996)


@dataclass(frozen=True, slots=True)
class Exported:
    """One metric as a scrape shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str

    def row(self) -> list[str]:
        """Return name, kind, labels and meaning as cells."""
        return [f"`{self.name}`", self.kind, ", ".join(f"`{label}`" for label in self.labels), self.help]


def operator() -> list[Exported]:
    """Return what the operator exports."""
    meters = Meters()
    meters.told(outcome(computed=False))
    meters.told(replace(outcome(previous=2, capacity_error_ratio=0.06), learnt=LEARNT))
    meters.passed(0.1, {"running": 0.1})
    meters.pushed("ok")
    scope = ModelScope("ns", "model")
    meters.decided(0.1, {scope: Judgement(forecast_error_ratio=0.1, cost_ratio=1.1)})
    meters.ended(ObjectKey("ns", "name"), 0.0)
    meters.invalid_entries([("ns/name", "key")])
    return sorted(_exported(meters.registry.collect()), key=lambda one: one.name)


def router() -> list[Exported]:
    """Return what a router exports under its own names and the published ones."""
    return _router(router_families, workload_families)


def aliases() -> list[Exported]:
    """Return what a router exports under the names of the Go pickers."""
    return _router(alias_families)


def _router(*sources: object) -> list[Exported]:
    counters = Counters()
    counters.dispatch(dispatch())
    counters.reject(reject(RejectReason.SATURATED, 0.0))
    counters.header_invalid["not-json"] += 1
    loads = {"10.0.0.1:8000": EndpointLoad(at_s=1, running=4, waiting=6, kv_usage_ratio=0.5)}
    seen = snapshot(counters, workloads=(workload("chat"),), loads=loads)
    seen = replace(seen, view=replace(seen.view, starvation_bound_s=26.0))
    return sorted(
        (one for source in sources for one in _exported(source(seen))),  # type: ignore[operator] - families of a snapshot
        key=lambda one: one.name,
    )


def engine() -> list[Exported]:
    """Return what an emulated engine exports with the step model, which shows more than the simulator does."""
    clock = Clock()
    settings = read(["--model", "m", "--latency-calculator", "step-model"], {})
    host = Host(settings, 0, Clocks(monotonic=clock.monotonic, wall=clock.wall), random.Random(1))
    meters, page = EngineMeters(1024, as_vllm=True), Page()
    life = Life(prompt_tokens=10, output_tokens=5, max_tokens=5, arrived_s=1.0)
    meters.started(life, Started(1, 3.0, 0))
    meters.first_token(life, FirstToken(1, 3.5))
    meters.gaps(0.02, 4)
    meters.finished(life, Finished(1, 3.9, Finish.STOP))
    gauges = Gauges(running=1, waiting=0, kv_usage_ratio=0.1)
    meters.show(page, "m", replace(gauges, prefix_query_tokens=10, prefix_hit_tokens=5))
    families = {one.name: one for text in (host.metrics(), page.text()) for one in _families(text)}
    return [families[name] for name in sorted(families)]


def _families(text: str) -> Iterator[Exported]:
    yield from _exported(text_string_to_metric_families(text))


def _exported(families: Iterable[Metric]) -> Iterator[Exported]:
    for family in families:
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        assert samples, f"{family.name} was given no value, so nothing tells of its labels"
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels: Mapping[str, str] = samples[0].labels
        yield Exported(name, family.type, tuple(label for label in labels if label != "le"), family.documentation)
