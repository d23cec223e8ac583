"""HorizontalPodAutoscalers and ScaledObjects: what they scale, and whether they do it by our gauges."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.api.annotated import as_declared, declares
from penstock.api.kinds import HPAS, SCALED_OBJECTS
from penstock.api.names import ANNOTATION_KEDA_PAUSED, LABEL_CONTROLLER_INSTANCE
from penstock.domain.variants import ObjectKey, TargetRef

GAUGES: Final = ("wva_desired_replicas", "inferno_desired_replicas", "penstock_variant_desired_replicas")
EXTERNAL: Final = frozenset({"external", "external-push"})
METRIC: Final = "penstock-desired-replicas"
"""The metric of our own external scaler; a trigger names the variant under `VARIANT`."""
VARIANT: Final = "variant"
SCALER_PORT: Final = 9005
_VARIANT_NAME: Final = re.compile(r"""variant_name\s*=~?\s*["']?([^"',}\s]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """One object that sets replicas. `gauges` are the queries or metrics of ours that it reads, as written.

    `declares` is the variant that it declares by annotation, for controller instance `declared_for` (empty: the one
    without a name); both None where it declares none.
    """

    kind: str
    key: ObjectKey
    target: TargetRef
    gauges: tuple[str, ...]
    uid: str = ""
    declared_for: str | None = None
    declares: Mapping[str, Any] | None = None

    def reads(self, variant: str) -> bool:
        """Whether it follows this variant's number; a query that names no variant follows all of its namespace."""
        named = [_VARIANT_NAME.findall(gauge) for gauge in self.gauges]
        return any(variant in names or not names for names in named)

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


def hpa(body: Mapping[str, Any]) -> Scaler | None:
    """Read a HorizontalPodAutoscaler; None for one that KEDA made, since its ScaledObject speaks for it."""
    meta, spec = body["metadata"], body.get("spec", {})
    owners = meta.get("ownerReferences") or ()
    if any(owner.get("kind") == "ScaledObject" for owner in owners):
        return None
    metrics = (one.get("external", {}).get("metric", {}) for one in spec.get("metrics") or ())
    return _scaler(body, HPAS.name, tuple(_hpa_gauge(metric) for metric in metrics if metric.get("name") in GAUGES))


def scaled_object(body: Mapping[str, Any]) -> Scaler | None:
    """Read a ScaledObject of KEDA; None for a paused one."""
    meta, spec = body["metadata"], body.get("spec", {})
    if (meta.get("annotations") or {}).get(ANNOTATION_KEDA_PAUSED, "false") != "false":
        return None
    return _scaler(body, SCALED_OBJECTS.name, tuple(_keda_gauges(spec.get("triggers") or ())))


def _scaler(body: Mapping[str, Any], kind: str, gauges: tuple[str, ...]) -> Scaler:
    meta, spec = body["metadata"], body.get("spec") or {}
    declaring = declares(body)
    return Scaler(
        kind=kind,
        key=ObjectKey(meta["namespace"], meta["name"]),
        target=_target(spec.get("scaleTargetRef") or {}),
        gauges=gauges,
        uid=str(meta["uid"]),
        declared_for=str((meta.get("labels") or {}).get(LABEL_CONTROLLER_INSTANCE, "")) if declaring else None,
        declares=as_declared(body, kind, _named(gauges) or meta["name"]) if declaring else None,
    )


def _named(gauges: Iterable[str]) -> str | None:
    """Return the variant that the gauges name, if it is one: under that name the scaler will look for its number."""
    names = {name for gauge in gauges for name in _VARIANT_NAME.findall(gauge)}
    return names.pop() if len(names) == 1 else None


def _target(ref: Mapping[str, Any]) -> TargetRef:
    version, kind = ref.get("apiVersion") or "apps/v1", ref.get("kind") or "Deployment"
    return TargetRef(api_version=version, kind=kind, name=str(ref.get("name", "")))


def _hpa_gauge(metric: Mapping[str, Any]) -> str:
    labels = (metric.get("selector") or {}).get("matchLabels") or {}
    return f"{metric['name']}{{{','.join(f'{name}={value}' for name, value in sorted(labels.items()))}}}"


def _keda_gauges(triggers: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Return the queries on our gauges, and the variants that triggers ask our own scaler for, in the same words."""
    for trigger in triggers:
        metadata = trigger.get("metadata") or {}
        query = str(metadata.get("query", ""))
        if any(gauge in query for gauge in GAUGES):
            yield query
        elif trigger.get("type") in EXTERNAL and VARIANT in metadata and _is_ours(metadata):
            yield f'{METRIC}{{variant_name="{metadata[VARIANT]}"}}'


def _is_ours(metadata: Mapping[str, Any]) -> bool:
    """Whether a trigger's address is our scaler's: by its Service's name, or by its port where that is another."""
    host, _, port = str(metadata.get("scalerAddress", "")).rpartition(":")
    return host.startswith("penstock") or port == str(SCALER_PORT)


def same_target(one: TargetRef, other: TargetRef) -> bool:
    """Whether two references name one object, whatever version of its group they write."""
    return (one.kind, one.name, _group(one)) == (other.kind, other.name, _group(other))


def _group(ref: TargetRef) -> str:
    return ref.api_version.rpartition("/")[0]
