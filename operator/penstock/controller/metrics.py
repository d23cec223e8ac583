"""The operator's metrics (API.md §4): gauges are read from the last outcomes, so they go with their object."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from penstock.domain.decisions import Outcome
from penstock.domain.reasons import ActiveReason
from penstock.domain.variants import Actuation, ObjectKey

UNKNOWN: Final = "unknown"
FAMILIES: Final = ("inferno", "wva")
_WVA_LABELS: Final = ("variant_name", "namespace", "accelerator_type")
_OURS: Final = ("namespace", "variant", "model")
_WITHHELD: Final = frozenset({ActiveReason.FOREIGN_SCALER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is exported about one variant. `published` is what consumers may act upon; None: they get no series."""

    outcome: Outcome
    published: int | None
    conditions: tuple[tuple[str, str], ...]  # type, status
    data_age_s: float | None


_Number = Callable[[Shown], float | None]
_GAUGES: Final[Mapping[str, tuple[str, _Number]]] = {
    "desired_replicas": ("Replicas that the variant should have.", lambda one: one.outcome.decision.desired),
    "current_replicas": ("Replicas that the variant has.", lambda one: one.outcome.current),
    "ready_replicas": ("Replicas that answer.", lambda one: one.outcome.ready),
    "data_age_seconds": ("Age of the newest sample behind the decision.", lambda one: one.data_age_s),
    "capacity_requests_per_second": (
        "Rate of one replica within the SLO.",
        lambda one: one.outcome.decision.capacity_per_s,
    ),
    "cost_per_hour": ("Cost of the replicas that run.", lambda one: one.outcome.decision.alloc.cost_per_h),
}


@dataclass(slots=True)
class VariantSeries(Collector):
    """Exports the last outcome of each variant that still exists."""

    controller_instance: str = ""
    shown: dict[ObjectKey, Shown] = field(default_factory=dict)

    def publish(self, outcome: Outcome, conditions: Iterable[Mapping[str, str]], data_age_s: float | None) -> None:
        """Show one outcome; a paused variant keeps the number that was published before."""
        key = outcome.decision.key
        before = self.shown.get(key)
        self.shown[key] = Shown(
            outcome=outcome,
            published=_published(outcome, before.published if before else None),
            conditions=tuple((row["type"], row["status"]) for row in conditions),
            data_age_s=data_age_s,
        )

    def keep(self, keys: Iterable[ObjectKey]) -> None:
        """Let the series of all other objects go."""
        wanted = set(keys)
        self.shown = {key: shown for key, shown in self.shown.items() if key in wanted}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Build all families from what is shown."""
        yield from self._wva()
        yield from self._own()
        yield self._conditions()

    def _wva(self) -> Iterator[GaugeMetricFamily]:
        names = (*_WVA_LABELS, "controller_instance") if self.controller_instance else _WVA_LABELS
        for family in FAMILIES:
            desired = GaugeMetricFamily(
                f"{family}_desired_replicas", "Replicas that the variant should have.", labels=names
            )
            current = GaugeMetricFamily(f"{family}_current_replicas", "Replicas that the variant has.", labels=names)
            ratio = GaugeMetricFamily(
                f"{family}_desired_ratio", "Desired by current replicas; desired where there are none.", labels=names
            )
            for key, shown in self.shown.items():
                labels = self._labels(key, shown)
                if shown.published is None:
                    continue
                desired.add_metric(labels, shown.published)
                if shown.outcome.current is not None:
                    current.add_metric(labels, shown.outcome.current)
                    ratio.add_metric(labels, shown.published / (shown.outcome.current or 1))
            yield from (desired, current, ratio)

    def _labels(self, key: ObjectKey, shown: Shown) -> list[str]:
        accelerator = shown.outcome.decision.alloc.accelerator or UNKNOWN
        labels = [key.name, key.namespace, accelerator]
        return [*labels, self.controller_instance] if self.controller_instance else labels

    def _own(self) -> Iterator[GaugeMetricFamily]:
        for name, (sentence, value) in _GAUGES.items():
            family = GaugeMetricFamily(f"penstock_variant_{name}", sentence, labels=_OURS)
            for key, shown in self.shown.items():
                number = value(shown)
                if number is not None:
                    family.add_metric([key.namespace, key.name, shown.outcome.decision.model], number)
            yield family

    def _conditions(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "penstock_variant_condition", "1 for the status that a condition has.", labels=[*_OURS, "type", "status"]
        )
        for key, shown in self.shown.items():
            for kind, status in shown.conditions:
                family.add_metric([key.namespace, key.name, shown.outcome.decision.model, kind, status], 1)
        return family


def _published(outcome: Outcome, before: int | None) -> int | None:
    """Return the number that consumers see: withheld where nobody may act upon it, kept while paused."""
    decision = outcome.decision
    if decision.mode is Actuation.RECOMMEND or outcome.active.reason in _WITHHELD:
        return None
    if outcome.active.reason is ActiveReason.PAUSED:
        return before if before is not None else decision.previous
    return decision.desired


class Meters:
    """Every metric of the operator, in a registry of its own."""

    def __init__(self, controller_instance: str = "") -> None:
        self.registry = CollectorRegistry()
        self.variants = VariantSeries(controller_instance)
        self.registry.register(self.variants)
        self._scaled = [
            Counter(
                f"{family}_replica_scaling",
                "Changes of the replica count.",
                ["variant_name", "namespace", "direction", "reason"],
                registry=self.registry,
            )
            for family in FAMILIES
        ]
        self._decisions = Counter("penstock_decisions", "Numbers computed.", ["reason"], registry=self.registry)
        self._holds = Counter("penstock_holds", "Numbers held.", ["reason"], registry=self.registry)
        self._pass = Histogram("penstock_pass_duration_seconds", "One scaling pass.", registry=self.registry)
        self._query = Histogram(
            "penstock_prometheus_query_duration_seconds", "One query.", ["query"], registry=self.registry
        )
        self._pushes = Counter("penstock_policy_push", "Policies pushed.", ["result"], registry=self.registry)
        self._invalid = Gauge(
            "penstock_config_entry_invalid",
            "1 for an entry that is not used.",
            ["configmap", "key"],
            registry=self.registry,
        )
        self.leader = Gauge("penstock_leader", "1 while this process decides.", registry=self.registry)

    def decided(self, outcome: Outcome) -> None:
        """Count one decision or hold, and a change of replicas that was made."""
        decision = outcome.decision
        if decision.computed:
            self._decisions.labels(decision.reason).inc()
        else:
            self._holds.labels(decision.metrics.reason).inc()

    def scaled(self, key: ObjectKey, *, up: bool, reason: str) -> None:
        """Count one change of a replica count."""
        for counter in self._scaled:
            counter.labels(key.name, key.namespace, "up" if up else "down", reason).inc()

    def forget(self, key: ObjectKey) -> None:
        """Let the counters of an object go with it."""
        for counter in self._scaled:
            counter.remove_by_labels({"variant_name": key.name, "namespace": key.namespace})

    def passed(self, seconds: float, queries: Mapping[str, float]) -> None:
        """Note how long a pass and its queries took."""
        self._pass.observe(seconds)
        for name, took_s in queries.items():
            self._query.labels(name).observe(took_s)

    def pushed(self, result: str) -> None:
        """Count one push by its result: ok, rejected, unreachable."""
        self._pushes.labels(result).inc()

    def invalid_entries(self, entries: Iterable[tuple[str, str]]) -> None:
        """Show exactly these (ConfigMap, key)."""
        self._invalid.clear()
        for configmap, key in entries:
            self._invalid.labels(configmap, key).set(1)
