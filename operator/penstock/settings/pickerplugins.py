"""Plug-in types of the Go endpoint pickers: those that order or admit, read into policies, and the others by name."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any, Final

from penstock.domain.errors import InvalidField
from penstock.domain.policies import Detector, Norms, Ordering, Policy, Saturation, Weights

_ENDINGS: Final = ("-scorer", "-filter", "-picker", "-handler", "-producer", "-parser", "-admitter", "-screener",
                   "-decider", "-extractor", "-source", "-discovery", "-reporter", "-indexer")  # fmt: skip
_OTHERS: Final = frozenset({
    "agent-identity", "by-label", "by-label-selector", "context-length-aware", "edf-ordering-policy",
    "slo-deadline-ordering-policy", "global-strict-fairness-policy", "round-robin-fairness-policy",
    "program-aware-fairness", "static-usage-limit-policy", "priority-holdback-policy",
    "soft-reflective-ceiling-policy", "priority-then-time-eviction-order-policy", "metrics-data-source",
    "prefill-header", "random",
})  # fmt: skip
_WEIGHT_NAMES: Final = {"waitTime": "wait_time", "criticality": "criticality", "requestRate": "request_rate"}


def is_known(kind: str) -> bool:
    """Tell whether a Go picker has such a plug-in type."""
    return kind in ORDERINGS or kind in DETECTORS or kind in _OTHERS or kind.endswith(_ENDINGS)


def _fcfs(policy: Policy, parameters: Mapping[str, Any], field: str) -> Policy:
    del parameters, field
    return replace(policy, ordering=Ordering.FCFS)


def _workload_aware(policy: Policy, parameters: Mapping[str, Any], field: str) -> Policy:
    """Take `weights: {waitTime, …}`, or `waitTimeWeight` and so on; `maxWaitTimeSeconds` is the norm of the wait."""
    weights = dict(_mapping(parameters.get("weights") or {}, f"{field}.weights"))
    for name, value in weights.items():
        if name not in _WEIGHT_NAMES:
            raise InvalidField(f"{field}.weights.{name}", value, f"use {', '.join(_WEIGHT_NAMES)}")
    weights |= {n: parameters[f"{n}Weight"] for n in _WEIGHT_NAMES if f"{n}Weight" in parameters}
    read = {_WEIGHT_NAMES[name]: _number(value, f"{field}.{name}", 0, 100) for name, value in weights.items()}
    chosen = replace(Weights(), **read)
    if not chosen.wait_time and not chosen.criticality and not chosen.request_rate:
        raise InvalidField(f"{field}.weights", "0, 0, 0", "make at least one weight positive")
    wait_s = _number(parameters.get("maxWaitTimeSeconds", 60), f"{field}.maxWaitTimeSeconds", 0.001, 3600)
    return replace(policy, ordering=Ordering.WORKLOAD_AWARE, weights=chosen, norms=Norms(max_wait_s=wait_s))


def _utilization(parameters: Mapping[str, Any], field: str) -> Saturation:
    depth = _number(parameters.get("queueDepthThreshold", 5), f"{field}.queueDepthThreshold", 1, 1e6)
    usage = _number(parameters.get("kvCacheUtilThreshold", 0.8), f"{field}.kvCacheUtilThreshold", 0.001, 1)
    return Saturation(detector=Detector.UTILIZATION, queue_depth=int(depth), kv_usage_ratio=usage)


def _concurrency(parameters: Mapping[str, Any], field: str) -> Saturation:
    mode = parameters.get("mode", parameters.get("concurrencyMode", "requests"))
    if mode != "requests":
        raise InvalidField(f"{field}.mode", mode, "use requests; tokens are not counted before they are known")
    most = _number(parameters.get("maxConcurrency", 100), f"{field}.maxConcurrency", 1, 1e6)
    return Saturation(detector=Detector.CONCURRENCY, max_concurrency=int(most))


def _number(value: object, field: str, low: float, high: float) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
    if not isfinite(number) or not low <= number <= high:
        raise InvalidField(field, value, f"write a number from {low:g} to {high:g}")
    return number


def _mapping(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidField(field, value, "write a mapping")
    return value


ORDERINGS: Final[Mapping[str, Callable[[Policy, Mapping[str, Any], str], Policy]]] = {
    "workload-aware-ordering-policy": _workload_aware,
    "fcfs-ordering-policy": _fcfs,
}
DETECTORS: Final[Mapping[str, Callable[[Mapping[str, Any], str], Saturation]]] = {
    "utilization-detector": _utilization,
    "concurrency-detector": _concurrency,
}
