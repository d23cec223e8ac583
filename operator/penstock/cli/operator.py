"""`penstock operator`: a flag for every setting, and how to reach the cluster."""

import os
from collections.abc import Sequence
from typing import Any, Final

import click

from penstock.cli.options import PORT, NamedOption
from penstock.settings.operator import SETTINGS, OperatorOptions
from penstock.settings.sources import Setting

_CLUSTER: Final = (
    ("--kubeconfig", {"default": "", "help": "Way to the cluster. ($KUBECONFIG, the pod's account, ~/.kube/config)"}),
    ("--context", {"default": "", "help": "Context of the kubeconfig. (its current one)"}),
    ("--namespace", {"default": "penstock-system", "envvar": ["PENSTOCK_NAMESPACE", "NAMESPACE"],
                     "help": "The operator's own: home of Lease, penstock-config and service accounts.",
                     "show_default": True}),
    ("--metrics-port", {"default": 8080, "type": PORT, "metavar": "PORT", "show_default": True,
                        "envvar": "PENSTOCK_METRICS_PORT", "help": "Prometheus metrics."}),
    ("--health-port", {"default": 8081, "type": PORT, "metavar": "PORT", "show_default": True,
                        "envvar": "PENSTOCK_HEALTH_PORT", "help": "/healthz and /readyz."}),
    ("--keda-port", {"default": 9005, "type": PORT, "metavar": "PORT", "show_default": True,
                     "envvar": "PENSTOCK_KEDA_PORT", "help": "KEDA's external scaler (gRPC)."}),
)  # fmt: skip


class _Command(click.Command):
    """Shows the help by sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Print one table for the cluster, one for Prometheus, one for the rest."""
        records = [(param.name or "", param.get_help_record(ctx)) for param in self.get_params(ctx)]
        rows = [(name, record) for name, record in records if record is not None]
        cluster = {flag.lstrip("-").replace("-", "_") for flag, _ in _CLUSTER}
        sections = {
            "Cluster and ports": [record for name, record in rows if name in cluster],
            "Prometheus (all from the first source that names its URL)": [
                record for name, record in rows if name.startswith("prometheus")
            ],
            "Decisions": [record for name, record in rows if name not in cluster and not name.startswith("prometheus")],
        }
        for title, found in sections.items():
            with formatter.section(title):
                formatter.write_dl(found, col_max=34)


def _option(setting: Setting) -> click.Option:
    default = f" ({setting.default})" if setting.default else ""
    return click.Option([setting.flag], help=f"{setting.help}{default}", metavar="VALUE")


def _options() -> Sequence[click.Option]:
    return [*(NamedOption([flag], **given) for flag, given in _CLUSTER), *map(_option, SETTINGS)]


def _run(**given: Any) -> int:  # noqa: ANN401 - click hands over what the flags hold
    names = {setting.flag.lstrip("-").replace("-", "_"): setting.name for setting in SETTINGS}
    flags = {name: given[parameter] for parameter, name in names.items() if given[parameter] is not None}
    options = OperatorOptions(flags=flags, environ=os.environ, operator_namespace=given["namespace"])
    options({})  # a mistake is told at once
    from penstock.cluster.connection import Login  # noqa: PLC0415 - loads the Kubernetes client, see below
    from penstock.wiring import operator  # noqa: PLC0415 - loads kopf, so --help and mistakes answer before it

    return operator.run(
        operator.Command(
            login=Login(given["kubeconfig"], given["context"]),
            options=options,
            metrics_port=given["metrics_port"],
            health_port=given["health_port"],
            keda_port=given["keda_port"],
        )
    )


command: Final = _Command(
    "operator",
    params=[*_options()],
    callback=_run,
    help="Run the operator: it decides how many replicas every VariantAutoscaling has, and gives every router its "
    "WorkloadPolicy.\n\nA setting may be a flag (--stale-after), an environment variable (PENSTOCK_STALE_AFTER), or a "
    "key of ConfigMap penstock-config (staleAfter), in this order; the ConfigMap is read before each pass. Defaults "
    "stand in brackets.",
)
