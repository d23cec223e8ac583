"""HorizontalPodAutoscalers and ScaledObjects: what they scale, and whether they do it by our gauges."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.api.names import ANNOTATION_KEDA_PAUSED, ANNOTATION_MANAGED, LABEL_CONTROLLER_INSTANCE
from penstock.domain.variants import ObjectKey, TargetRef

GAUGES: Final = ("wva_desired_replicas", "inferno_desired_replicas", "penstock_variant_desired_replicas")
EXTERNAL: Final = frozenset({"external", "external-push"})
SCALER_PORT: Final = 9005
_VARIANT_NAME: Final = re.compile(r"""variant_name\s*=~?\s*["']?([^"',}\s]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """One object that sets replicas. `gauges` are the queries or metrics of ours that it reads, as written.

    `declared_for` is the controller instance for which it declares a variant by annotation, empty for the one without
    a name; None: it declares none.
    """

    kind: str
    key: ObjectKey
    target: TargetRef
    gauges: tuple[str, ...]
    uid: str = ""
    declared_for: str | None = None

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
    return Scaler(
        kind="HorizontalPodAutoscaler",
        key=ObjectKey(meta["namespace"], meta["name"]),
        target=_target(spec.get("scaleTargetRef", {})),
        gauges=tuple(_hpa_gauge(metric) for metric in metrics if metric.get("name") in GAUGES),
        uid=str(meta["uid"]),
        declared_for=_declared_for(meta),
    )


def scaled_object(body: Mapping[str, Any]) -> Scaler | None:
    """Read a ScaledObject of KEDA; None for a paused one."""
    meta, spec = body["metadata"], body.get("spec", {})
    if (meta.get("annotations") or {}).get(ANNOTATION_KEDA_PAUSED, "false") != "false":
        return None
    return Scaler(
        kind="ScaledObject",
        key=ObjectKey(meta["namespace"], meta["name"]),
        target=_target(spec.get("scaleTargetRef", {})),
        gauges=tuple(_keda_gauges(spec.get("triggers") or ())),
        uid=str(meta["uid"]),
        declared_for=_declared_for(meta),
    )


def _declared_for(meta: Mapping[str, Any]) -> str | None:
    declares = (meta.get("annotations") or {}).get(ANNOTATION_MANAGED, "").lower() == "true"
    return str((meta.get("labels") or {}).get(LABEL_CONTROLLER_INSTANCE, "")) if declares else None


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
        elif trigger.get("type") in EXTERNAL and "variant" in metadata and _is_ours(metadata):
            yield f'penstock-desired-replicas{{variant_name="{metadata["variant"]}"}}'


def _is_ours(metadata: Mapping[str, Any]) -> bool:
    """Whether a trigger's address is our scaler's: by its Service's name, or by its port where that is another."""
    host, _, port = str(metadata.get("scalerAddress", "")).rpartition(":")
    return host.startswith("penstock") or port == str(SCALER_PORT)


def same_target(one: TargetRef, other: TargetRef) -> bool:
    """Whether two references name one object, whatever version of its group they write."""
    return (one.kind, one.name, _group(one)) == (other.kind, other.name, _group(other))


def _group(ref: TargetRef) -> str:
    return ref.api_version.rpartition("/")[0]
