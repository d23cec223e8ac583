"""A variant that is declared on an HPA or ScaledObject by annotation, as WVA 0.8 lets its users do.

It is read as the VariantAutoscaling that would say the same, with `actuation: Metrics`, since its scaler acts.
"""

from collections.abc import Mapping
from typing import Any, Final

from penstock.api.kinds import HPAS, SCALED_OBJECTS, VARIANTS
from penstock.api.names import ANNOTATION_MANAGED, ANNOTATION_MODEL_ID, ANNOTATION_VARIANT_COST
from penstock.api.variantautoscaling import parse_variant
from penstock.domain.errors import InvalidField
from penstock.domain.variants import Variant

Body = Mapping[str, Any]

_BOUNDS: Final = {
    HPAS.name: ("minReplicas", "maxReplicas"),
    SCALED_OBJECTS.name: ("minReplicaCount", "maxReplicaCount"),
}
_IDENTITY: Final = ("namespace", "name", "uid", "generation", "creationTimestamp", "labels", "deletionTimestamp")


def declares(body: Body) -> bool:
    """Whether a scaler asks for a variant of its own."""
    return str((body["metadata"].get("annotations") or {}).get(ANNOTATION_MANAGED, "")).lower() == "true"


def as_declared(body: Body, kind: str, named: str) -> Body:
    """Return the declaration of a scaler of this kind as an object of ours; `named` is what its metric calls it.

    The kind and the metadata stay the scaler's, so that events reach it; only the variant's name is `named`.
    """
    meta, spec = body["metadata"], body.get("spec") or {}
    annotations = meta.get("annotations") or {}
    least, most = (spec.get(field) for field in _BOUNDS[kind])
    said = {
        "modelID": annotations.get(ANNOTATION_MODEL_ID),
        "variantCost": annotations.get(ANNOTATION_VARIANT_COST),
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", **_target(spec)},
        "minReplicas": least,
        "maxReplicas": most,
        "actuation": "Metrics",
    }
    return {
        "kind": kind,
        "metadata": {field: meta[field] for field in _IDENTITY if field in meta},
        "variant": named,
        "spec": {field: value for field, value in said.items() if value is not None},
    }


def is_declared(body: Body) -> bool:
    """Whether an object is one of `as_declared`."""
    return body.get("kind") in _BOUNDS


def parse_declared(body: Body) -> Variant:
    """Return the variant of an object of ours or of `as_declared`.

    Raises:
        InvalidField: as `parse_variant`; the field is the scaler's own where it stood there.
    """
    if not is_declared(body):
        return parse_variant(body)
    try:
        return parse_variant({**body, "metadata": {**body["metadata"], "name": body["variant"]}, "kind": VARIANTS.name})
    except InvalidField as error:
        raise InvalidField(_own_field(str(body["kind"]), error.field), error.value, error.remedy) from error


def _own_field(kind: str, field: str) -> str:
    least, most = _BOUNDS[kind]
    return {
        "spec.modelID": f"metadata.annotations.{ANNOTATION_MODEL_ID}",
        "spec.variantCost": f"metadata.annotations.{ANNOTATION_VARIANT_COST}",
        "spec.minReplicas": f"spec.{least}",
        "spec.maxReplicas": f"spec.{most}",
    }.get(field, field)


def _target(spec: Body) -> dict[str, Any]:
    ref = spec.get("scaleTargetRef") or {}
    return {field: ref[field] for field in ("apiVersion", "kind", "name") if ref.get(field)}
