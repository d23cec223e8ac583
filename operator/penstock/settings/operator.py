"""Settings of `penstock operator` and of the scaling pass of `penstock local`: one table, one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.api.names import WVA_NAMESPACE
from penstock.domain.variants import Actuation
from penstock.scaling.config import Analyzer, Config
from penstock.settings import parsers
from penstock.settings.prometheus import PrometheusSettings
from penstock.settings.prometheusblock import PROMETHEUS, prometheus_settings
from penstock.settings.sources import Setting, Sources

_WVA_PLACE: Final = Setting(
    name="wvaNamespace", default=WVA_NAMESPACE, parse=parsers.namespace, help="Where WVA's ConfigMaps are, if not here."
)
_OWN: Final = (
    Setting(name="interval", default="15s", parse=parsers.duration, wva="GLOBAL_OPT_INTERVAL",
            wva_parse=parsers.go_duration, help="Time from one scaling pass to the next."),
    Setting(name="defaultActuation", default="Scale", parse=parsers.one_of(Actuation),
            help="Who sets replicas: Scale (we do), Metrics (an HPA reads our gauges), Recommend (nobody)."),
    Setting(name="defaultSLO", default="{ttft: 2s, tpot: 100ms, attainment: 99.5%}", parse=parsers.slo,
            help="Targets of objects that have none of their own, nor a service class."),
    Setting(name="analyzer", default="slo", parse=parsers.one_of(Analyzer),
            help="What turns load into replicas: slo, saturation-v1, or saturation-v2."),
    Setting(name="scaleToZero", default="false", parse=parsers.switch, wva="WVA_SCALE_TO_ZERO",
            help="Whether idle models may go to zero."),
    Setting(name="idleBeforeZero", default="10m", parse=parsers.duration, help="How long a model idles before zero."),
    Setting(name="staleAfter", default="2m", parse=parsers.duration, help="Age from which a sample is not used."),
    Setting(name="scaleDownWindow", parse=parsers.optional_duration,
            help="How long less must suffice before replicas go. "
                 "(as long as they take to start, 1m at least and 5m at most; saturation-v1 and -v2: 5m)"),
    Setting(name="startupPrior", default="3m", parse=parsers.duration,
            help="Time a replica takes to start, until it was measured."),
    Setting(name="retryAfter", default="15m", parse=parsers.duration,
            help="How long a variant whose replicas found no place is not asked; twice as long each time after, "
                 "at most four times."),
    Setting(name="quotas", default="[]", parse=parsers.quotas,
            help="YAML list of {accelerator, max, namespace?}. ResourceQuotas on GPUs count as well."),
    Setting(name="limitToNodes", default="false", parse=parsers.switch, wva="WVA_LIMITED_MODE",
            help="Whether fleets stay within what the nodes of now have; not for clusters that add nodes."),
    Setting(name="watchNamespaces", parse=parsers.namespaces, wva="WATCH_NAMESPACE",
            help="Namespaces to look at, separated by commas. (all)"),
    Setting(name="controllerInstance", parse=parsers.plain, wva="CONTROLLER_INSTANCE",
            help="Value of label wva.llmd.ai/controller-instance that objects of ours carry. (no such label)"),
    Setting(name="leaderElect", default="true", parse=parsers.switch, wva="LEADER_ELECT",
            help="Whether several operators may run, of which one acts."),
    Setting(name="logLevel", default="info", parse=parsers.level, wva="LOG_LEVEL", help="debug, info, warning, error."),
    Setting(name="logFormat", default="json", parse=parsers.one_of(("text", "json")), help="text or json."),
    Setting(name="recordDir", default="/var/lib/penstock/records", parse=parsers.path,
            help="Folder of decision records: what each pass saw, and what it decided."),
    Setting(name="recordLimit", default="256Mi", parse=parsers.size,
            help="Room for decision records; the oldest give way."),
    _WVA_PLACE,
)  # fmt: skip
SETTINGS: Final = (*PROMETHEUS, *_OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """Everything that the operator was told, checked; times in seconds."""

    interval_s: float
    prometheus: PrometheusSettings
    scaling: Config
    limit_to_nodes: bool
    watch_namespaces: frozenset[str]
    leader_elect: bool
    log_level: str
    log_format: str
    record_dir: Path
    record_limit_bytes: int
    operator_namespace: str
    wva_namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorOptions:
    """Flags (by the names of `SETTINGS`) and environment of a process; called with texts it gives settings."""

    flags: Mapping[str, str]
    environ: Mapping[str, str]
    operator_namespace: str = "penstock-system"

    def __call__(self, texts: Mapping[str, str]) -> OperatorSettings:
        """Return the settings that hold while `penstock-config` and WVA's ConfigMaps say `texts`.

        Raises:
            InvalidField: a text cannot be used; `field` is the flag, the variable, or the key in `texts`.
        """
        sources = Sources(flags=self.flags, environ=self.environ, texts=texts)
        values = {setting.name: sources.value(setting) for setting in _OWN}
        return OperatorSettings(
            interval_s=values["interval"],
            prometheus=prometheus_settings(sources),
            scaling=Config(
                default_actuation=values["defaultActuation"],
                default_slo=values["defaultSLO"],
                analyzer=values["analyzer"],
                scale_to_zero=values["scaleToZero"],
                idle_before_zero_s=values["idleBeforeZero"],
                stale_after_s=values["staleAfter"],
                scale_down_window_s=values["scaleDownWindow"],
                startup_prior_s=values["startupPrior"],
                retry_after_s=values["retryAfter"],
                quotas=values["quotas"],
                controller_instance=values["controllerInstance"],
                shared_namespaces=frozenset({self.operator_namespace, values["wvaNamespace"]}),
            ),
            limit_to_nodes=values["limitToNodes"],
            watch_namespaces=values["watchNamespaces"],
            leader_elect=values["leaderElect"],
            log_level=values["logLevel"],
            log_format=values["logFormat"],
            record_dir=values["recordDir"],
            record_limit_bytes=values["recordLimit"],
            operator_namespace=self.operator_namespace,
            wva_namespace=values["wvaNamespace"],
        )

    def wva_namespace(self, texts: Mapping[str, str]) -> str:
        """Return where WVA's ConfigMaps are, since that must be known before all texts are.

        Raises:
            InvalidField: what was written can be no name of a namespace.
        """
        place: str = Sources(flags=self.flags, environ=self.environ, texts=texts).value(_WVA_PLACE)
        return place
