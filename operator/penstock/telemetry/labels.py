"""Whose series it is, by its labels. An engine's own label, which the scrape renamed, tells more than the scrape's."""

from collections.abc import Mapping
from math import nan
from typing import Final

from penstock.domain.catalogue import ModelScope

POD: Final = "namespace, exported_namespace, pod, exported_pod, pod_name, instance, exported_instance"
"""What tells pods apart, as PromQL lists it."""
SHARD: Final = f"{POD}, engine, model_name"
"""What tells engines and their models apart."""
MODEL: Final = "namespace, exported_namespace, model_name"
FINISH: Final = "finished_reason, finish_reason"
"""How a request ended: vLLM's name and the simulator's."""


def namespace_of(labels: Mapping[str, str]) -> str:
    """Return the namespace, empty where none is told."""
    return labels.get("exported_namespace") or labels.get("namespace") or ""


def scope_of(labels: Mapping[str, str]) -> ModelScope:
    """Return namespace and model."""
    return ModelScope(namespace_of(labels), labels.get("model_name", ""))


def pod_of(labels: Mapping[str, str]) -> str:
    """Return the pod, empty where none is told."""
    return labels.get("exported_pod") or labels.get("pod") or labels.get("pod_name") or ""


def address_of(labels: Mapping[str, str]) -> str:
    """Return the address that was scraped, empty where none is told."""
    return labels.get("exported_instance") or labels.get("instance") or ""


def bound_of(labels: Mapping[str, str]) -> float:
    """Return a bucket's bound; NaN where it is none, which has no place among the others, and counts nowhere."""
    try:
        return float(labels.get("le", ""))
    except ValueError:
        return nan
