"""Label selectors as objects (matchLabels, matchExpressions), and which monitors reach which pods by them."""

from collections.abc import Iterable, Mapping
from typing import Any

from penstock.doctor.facts import Body, PodSight

Labels = Mapping[str, str]


def selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a label selector finds these labels; an empty selector finds everything, as Kubernetes has it."""
    pairs = selector.get("matchLabels") or {}
    rules = selector.get("matchExpressions") or ()
    return all(labels.get(name) == value for name, value in pairs.items()) and all(_rule(one, labels) for one in rules)


def _rule(rule: Mapping[str, Any], labels: Labels) -> bool:
    name, values = rule.get("key", ""), rule.get("values") or ()
    match rule.get("operator"):
        case "In":
            return labels.get(name) in values
        case "NotIn":
            return labels.get(name) not in values
        case "Exists":
            return name in labels
        case "DoesNotExist":
            return name not in labels
    return False


def services_of(services: Iterable[Body], pods: Iterable[PodSight]) -> list[Body]:
    """Return the Services whose selector finds one of the pods; one without a selector finds none."""
    pods = tuple(pods)
    return [one for one in services if any(_serves(one, pod.labels) for pod in pods)]


def _serves(service: Body, labels: Labels) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and selects({"matchLabels": selector}, labels)


def looks_into(monitor: Body, namespace: str) -> bool:
    """Whether a monitor selects objects of this namespace: its own, unless it says otherwise."""
    where = (monitor.get("spec") or {}).get("namespaceSelector") or {}
    if where.get("any"):
        return True
    return namespace in (where.get("matchNames") or (monitor["metadata"]["namespace"],))


def endpoints_of(monitor: Body) -> list[Mapping[str, Any]]:
    """Return what a ServiceMonitor or PodMonitor scrapes of each object that it selects."""
    spec = monitor.get("spec") or {}
    return list(spec.get("endpoints") or spec.get("podMetricsEndpoints") or ())


def ports_of(service: Body) -> frozenset[str]:
    """Return the names of a Service's ports."""
    ports = (service.get("spec") or {}).get("ports") or ()
    return frozenset(str(port["name"]) for port in ports if port.get("name"))
