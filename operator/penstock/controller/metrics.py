"""The operator's metrics: what the last pass said of each variant, and counters of its own doings."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from penstock.controller.hindsight import Judgement
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Outcome
from penstock.domain.reasons import ActiveReason, OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.status.gauges import FAMILIES, Sample, gauges, scalings

_HELP: Final = {
    "desired_replicas": "Replicas that the variant should have.",
    "current_replicas": "Replicas that the variant has.",
    "desired_ratio": "Desired by current replicas; desired where there are none.",
    "ready_replicas": "Replicas that answer.",
    "condition": "1 for the status that a condition has.",
    "data_age_seconds": "Age of the newest sample behind the decision.",
    "arrival_requests_per_second": "Rate at which requests come to the variant.",
    "need_requests_per_second": "Rate that its model needs when a replica ordered now serves, with room for bursts.",
    "capacity_requests_per_second": "Rate of one replica within the SLO.",
    "capacity_error_ratio": "Mean distance of expected and real rate of engines at their batch, by the larger of them.",
    "cost_per_hour": "Cost of the replicas that have a place.",
    "slo_attainment_ratio": "Least share of the model's requests that met the variant's targets over five minutes.",
    "startup_seconds": "Measured time from created to Ready, once three starts were seen.",
}


@dataclass(slots=True, eq=False)
class VariantSeries(Collector):
    """Shows the series of each variant as the last pass gave them; they go with their object."""

    shown: dict[ObjectKey, Sequence[Sample]] = field(default_factory=dict)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Group what is shown by metric."""
        families: dict[str, list[Sample]] = defaultdict(list)
        for samples in self.shown.values():
            for sample in samples:
                families[sample.metric].append(sample)
        for name, samples in sorted(families.items()):
            yield _family(name, samples)


def _family(name: str, samples: Sequence[Sample]) -> GaugeMetricFamily:
    labels = list(samples[0].labels)
    sentence = next((text for suffix, text in _HELP.items() if name.endswith(suffix)), name)
    family = GaugeMetricFamily(name, sentence, labels=labels)
    for sample in samples:
        family.add_metric([sample.labels[label] for label in labels], sample.value)
    return family


class Meters:
    """Every metric of the operator, in a registry of its own."""

    def __init__(self, controller_instance: str = "") -> None:
        self.registry = CollectorRegistry()
        self._instance = controller_instance
        self.variants = VariantSeries()
        self.registry.register(self.variants)
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        labels = ["variant_name", "namespace", "direction", "reason"]
        labels += ["controller_instance"] if controller_instance else []
        self._scaled = {
            f"{family}_replica_scaling_total": counter(
                f"{family}_replica_scaling", "Changes of the replica count.", labels
            )
            for family in FAMILIES
        }
        self._decisions = counter("penstock_decisions", "Numbers computed.", ["reason"])
        self._holds = counter("penstock_holds", "Numbers left as they were.", ["reason"])
        self._pass = histogram("penstock_pass_duration_seconds", "One scaling pass.")
        self._query = histogram("penstock_prometheus_query_duration_seconds", "One query.", ["query"])
        self._pushes = counter("penstock_policy_push", "Policies pushed.", ["result"])
        self._invalid = gauge("penstock_config_entry_invalid", "1 for an entry that is not used.", ["configmap", "key"])
        self._deciding = histogram("penstock_decide_duration_seconds", "One decision over all variants, nothing asked.")
        self._forecasts = gauge(
            "penstock_forecast_error_ratio",
            "Mean distance of forecast and arrivals, by the larger of them.",
            ["namespace", "model"],
        )
        self._costs = gauge(
            "penstock_hindsight_cost_ratio",
            "Cost of what runs, by the least that serves what arrives now, parts of replicas allowed.",
            ["namespace", "model"],
        )
        self._ended = counter(
            "penstock_variant_ended_requests",
            "Requests that a scaling action ended, or may have.",
            ["namespace", "variant"],
        )
        self.leader = gauge("penstock_leader", "1 while this process decides.")

    def told(self, outcome: Outcome) -> None:
        """Show what came of one variant, and count its decision or hold."""
        decision = outcome.decision
        self.variants.shown[decision.key] = gauges(outcome, self._instance)
        held_for = _held_for(decision)
        if held_for is None:
            self._decisions.labels(decision.this_pass).inc()
        else:
            self.held(held_for)
        for sample in scalings(outcome, self._instance):
            self._scaled[sample.metric].labels(**sample.labels).inc(sample.value)

    def held(self, reason: str) -> None:
        """Count a number that a pass left as it was."""
        self._holds.labels(reason).inc()

    def keep(self, keys: Iterable[ObjectKey]) -> None:
        """Let the series of all other objects go."""
        gone = set(self.variants.shown) - set(keys)
        for key in gone:
            del self.variants.shown[key]
            for counter in self._scaled.values():
                counter.remove_by_labels({"variant_name": key.name, "namespace": key.namespace})
            self._ended.remove_by_labels({"variant": key.name, "namespace": key.namespace})

    def stand_by(self) -> None:
        """Show nothing that only who decides can know; what was counted over all variants stays."""
        self.keep(())
        for gauge in (self._forecasts, self._costs, self._invalid):
            gauge.clear()

    def passed(self, seconds: float, queries: Mapping[str, float]) -> None:
        """Note how long a pass and its queries took."""
        self._pass.observe(seconds)
        for name, took_s in queries.items():
            self._query.labels(name).observe(took_s)

    def ended(self, key: ObjectKey, requests: float) -> None:
        """Count requests that were still in replicas when the scale was lowered."""
        self._ended.labels(key.namespace, key.name).inc(requests)

    def decided(self, seconds: float, judged: Mapping[ModelScope, Judgement]) -> None:
        """Note how long a decision took, and show exactly these judgements."""
        self._deciding.observe(seconds)
        for gauge in (self._forecasts, self._costs):
            gauge.clear()
        for scope, one in judged.items():
            if one.forecast_error_ratio is not None:
                self._forecasts.labels(scope.namespace, scope.model).set(one.forecast_error_ratio)
            if one.cost_ratio is not None:
                self._costs.labels(scope.namespace, scope.model).set(one.cost_ratio)

    def pushed(self, result: str) -> None:
        """Count one push by its result: ok, rejected, unreachable."""
        self._pushes.labels(result).inc()

    def invalid_entries(self, entries: Iterable[tuple[str, str]]) -> None:
        """Show exactly these (ConfigMap, key)."""
        self._invalid.clear()
        for configmap, key in entries:
            self._invalid.labels(configmap, key).set(1)


def _held_for(decision: Decision) -> str | None:
    """Return the cause of a hold: where metrics are to blame, what is wrong with them; None where nothing is held.

    Of a paused variant a number is computed, but its own stays.
    """
    if decision.computed:
        paused = decision.active is not None and decision.active.reason is ActiveReason.PAUSED
        return ActiveReason.PAUSED if paused else None
    of_metrics = decision.optimization.reason is OptimizationReason.METRICS_UNAVAILABLE
    return decision.metrics.reason if of_metrics else decision.optimization.reason
