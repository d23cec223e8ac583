"""What holds for one variant in this pass: targets, bounds, accelerator, profile, and who may set its replicas."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from penstock.domain.catalogue import Catalogue, ConfigProblem, SaturationThresholds, ServiceTarget, ZeroRule
from penstock.domain.observations import Target
from penstock.domain.variants import Actuation, PerfProfile, Variant
from penstock.scaling.bounds import Bounds, bounds
from penstock.scaling.config import Analyzer, Config
from penstock.scaling.objectives import LOWEST_PRIORITY, Objective, by_default, objective


class Terms(NamedTuple):
    """Everything about a variant that does not depend on its load.

    `profile` is None where latency targets do not decide. `foreign` names a scaler that sets the replicas without
    reading our gauges. `idle_s` is how long the model must idle before zero, `startup_s` how long a start takes,
    `settle_s` how long a decided number may take to be seen. `problem` is a ConfigMap entry that this variant needs and
    that cannot be used.
    """

    objective: Objective
    bounds: Bounds
    accelerator: str | None
    accelerators_per_replica: int
    profile: PerfProfile | None
    analyzer: Analyzer
    max_batch: int | None
    idle_s: float
    startup_s: float
    settle_s: float
    mode: Actuation
    foreign: str | None
    thresholds: SaturationThresholds
    excluded: bool
    problem: ConfigProblem | None

    @property
    def is_sized(self) -> bool:
        """Whether latency targets decide, and not how full engines are."""
        return self.analyzer is Analyzer.SLO


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What holds for all variants of one pass."""

    catalogue: Catalogue
    config: Config
    now_s: float
    listed: Mapping[str, Sequence[ServiceTarget]]
    otherwise: Objective
    window_s: float


def circumstances(catalogue: Catalogue, config: Config, now_s: float) -> Circumstances:
    """Index the catalogue once, so that a pass over many variants stays short."""
    listed: dict[str, list[ServiceTarget]] = defaultdict(list)
    for entry in catalogue.service_targets:
        listed[entry.model].append(entry)
    return Circumstances(
        catalogue=catalogue,
        config=config,
        now_s=now_s,
        listed=listed,
        otherwise=by_default(config.default_slo),
        window_s=config.window_s(),
    )


def terms(variant: Variant, target: Target | None, around: Circumstances) -> Terms:
    """Resolve everything that the variant leaves to the catalogue, the target and the operator.

    Raises:
        InvalidField: a schedule that cannot be read.
    """
    catalogue, config, namespace = around.catalogue, around.config, variant.key.namespace
    accelerator = variant.accelerator or (target.accelerator if target else None)
    profile = _profile(variant, accelerator)
    thresholds = catalogue.thresholds(namespace, variant.model)
    analyzer = config.analyzing(thresholds.analyzer)
    startup_s = variant.startup_time_s or config.startup_prior_s
    foreign, rule = _foreign(variant, target, config), catalogue.zero_rule(namespace, variant.model)
    return Terms(
        objective=objective(variant, around.listed.get(variant.model, ()), around.otherwise),
        bounds=bounds(
            variant,
            zero_enabled=zero_enabled(rule, config),
            current=target.current if target else None,
            now_s=around.now_s,
        ),
        accelerator=accelerator,
        accelerators_per_replica=_per_replica(target, profile),
        profile=profile if analyzer is Analyzer.SLO else None,
        analyzer=analyzer,
        max_batch=(target and target.max_batch) or (profile.max_batch if profile else None),
        idle_s=config.idle_before_zero_s if rule is None else rule.retention_s,
        startup_s=startup_s,
        settle_s=max(startup_s, around.window_s),
        mode=Actuation.RECOMMEND if foreign else _mode(variant, target, config),
        foreign=foreign,
        thresholds=thresholds,
        excluded=namespace in catalogue.excluded_namespaces,
        problem=_problem(variant, accelerator, around) if catalogue.problems else None,
    )


def unresolved(variant: Variant, config: Config) -> Terms:
    """Return terms for a variant whose own could not be resolved: enough to hold what it has."""
    least, most = variant.min_replicas, variant.max_replicas
    return Terms(
        objective=Objective(slo=config.default_slo, priority=LOWEST_PRIORITY, unlisted=False),
        bounds=Bounds(min_replicas=1 if least is None else least, max_replicas=most),
        accelerator=variant.accelerator,
        accelerators_per_replica=1,
        profile=None,
        analyzer=config.analyzer,
        max_batch=None,
        idle_s=config.idle_before_zero_s,
        startup_s=config.startup_prior_s,
        settle_s=config.window_s(),
        mode=variant.actuation or config.default_actuation,
        foreign=None,
        thresholds=SaturationThresholds(),
        excluded=False,
        problem=None,
    )


def zero_enabled(rule: ZeroRule | None, config: Config) -> bool:
    """Whether a model may go to zero: its own rule, else the operator's setting."""
    return config.scale_to_zero if rule is None or rule.enabled is None else rule.enabled


def _profile(variant: Variant, accelerator: str | None) -> PerfProfile | None:
    """Return the profile of the accelerator; where that is unknown, the only one there is."""
    if accelerator is None or not variant.profiles:
        return variant.profiles[0] if len(variant.profiles) == 1 else None
    return next((profile for profile in variant.profiles if profile.accelerator == accelerator), None)


def _per_replica(target: Target | None, profile: PerfProfile | None) -> int:
    measured = target.accelerators_per_replica if target else None
    return measured or (profile.accelerators_per_replica if profile else 1)


def _mode(variant: Variant, target: Target | None, config: Config) -> Actuation:
    """Return who sets the replicas where nobody is in the way: not we where a scaler that reads our gauges does."""
    wanted = variant.actuation or config.default_actuation
    consumed = target is not None and target.gauge_consumer is not None
    return Actuation.METRICS if consumed and wanted is Actuation.SCALE else wanted


def _foreign(variant: Variant, target: Target | None, config: Config) -> str | None:
    """Return the scaler that is in the way; where we only recommend, none is."""
    recommends = (variant.actuation or config.default_actuation) is Actuation.RECOMMEND
    return None if target is None or recommends else target.foreign_scaler


def _problem(variant: Variant, accelerator: str | None, around: Circumstances) -> ConfigProblem | None:
    return next(
        (
            problem
            for problem in around.catalogue.problems
            if _in_scope(problem, variant, around.config) and _needs(problem, variant, accelerator)
        ),
        None,
    )


def _in_scope(problem: ConfigProblem, variant: Variant, config: Config) -> bool:
    """Whether the ConfigMap counts for the variant: everybody's do, a namespace's own does there."""
    namespace = problem.configmap.partition("/")[0]
    shared = config.shared_namespaces
    return not shared or namespace in shared or namespace == variant.key.namespace


def _needs(problem: ConfigProblem, variant: Variant, accelerator: str | None) -> bool:
    if problem.accelerators:
        return variant.cost_per_replica_per_h is None and accelerator in problem.accelerators
    return not problem.models or variant.model in problem.models
