"""The sentence of each reason: cause and remedy, with names and settings but no live numbers.

A condition is written anew only when its sentence changes, so what moves by itself has no place in one.
"""

from collections.abc import Mapping
from typing import Final

from penstock.domain.decisions import R, Verdict
from penstock.domain.reasons import (
    ActiveReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    PolicyReason,
    TargetReason,
)

_TARGET: Final = {
    TargetReason.FOUND: "Scales {kind} {name}.",
    TargetReason.NOT_FOUND: "No {kind} {namespace}/{name}. Create it, or correct spec.scaleTargetRef "
    "(absent: the Deployment called as this object).",
    TargetReason.NOT_SCALABLE: "{kind} has no scale subresource; name its owner that has one.",
    TargetReason.SHARED: "{va} scales it already; delete one of the two.",
    TargetReason.UNREADABLE: "{error}. Grant get on {resource}/scale to penstock-operator.",
}

_METRICS: Final = {
    MetricsReason.FOUND: "Engine series are fresh.",
    MetricsReason.NO_TRAFFIC: "Scraped; nothing served yet.",
    MetricsReason.NO_REPLICAS: "Nothing to scrape: no replica is ready.",
    MetricsReason.MISSING: 'No vLLM series with model_name="{model}" in {namespace}. Check that a ServiceMonitor or '
    "PodMonitor selects the pods: penstock doctor va/{name}.",
    MetricsReason.MODEL_NAME_MISMATCH: 'The pods report model_name="{nearest}", this object says "{model}". '
    "Set spec.modelID to it, or --served-model-name.",
    MetricsReason.STALE: "Check the scrape of the pods, and clock skew.",
    MetricsReason.INVALID: "{series}: {why}.",
    MetricsReason.PROMETHEUS_UNREACHABLE: "{url}: {error}. Check prometheusURL, CA, token.",
    MetricsReason.PROMETHEUS_ERROR: "{query} was refused: {error}.",
}

_OPTIMIZATION: Final = {
    OptimizationReason.SUCCEEDED: "Computed from fresh data.",
    OptimizationReason.SATURATION_ONLY: "Sized by how full the engines are, not by latency.",
    OptimizationReason.SATURATION_OVERRIDE: "Not lowered, since engines are full.",
    OptimizationReason.SCALE_FROM_ZERO: "Woken by a waiting request.",
    OptimizationReason.COST_MISSING: "No cost for {variants}, so all count as equal. Set spec.variantCost, or add "
    "{accelerator} to accelerator-unit-costs.",
    OptimizationReason.METRICS_UNAVAILABLE: "Metrics unavailable; the last decision holds.",
    OptimizationReason.FAILED: "The last decision holds; see the operator's log, record {id}.",
    OptimizationReason.NOT_IN_SERVICE_CLASS: "{model} is in no class of {configmap}. Add it, or set spec.slo.",
    OptimizationReason.SLO_INFEASIBLE: "Sized for throughput instead. Relax {field}, or use a faster accelerator.",
    OptimizationReason.INVALID_CONFIGURATION: "ConfigMap {configmap}, {key}: {field}={value}: {remedy}.",
    OptimizationReason.SKIPPED: "Namespace {namespace} is excluded. Remove the annotation wva.llmd.ai/exclude.",
}

_ACTIVE: Final = {
    ActiveReason.SCALE_APPLIED: "The decided number is set through {kind} {name}.",
    ActiveReason.GAUGE_PUBLISHED: "The decided number is published in wva_desired_replicas.",
    ActiveReason.DRAINING: "Replicas of {kind} {name} end what they serve before the number is lowered.",
    ActiveReason.RECOMMENDING: "The decided number is only shown here.",
    ActiveReason.PAUSED: "Replicas and gauges keep their last value while spec.paused is true.",
    ActiveReason.HOLDING: "Nothing is changed; the last decision, if there is one, holds.",
    ActiveReason.FOREIGN_SCALER: "{manager} also sets the replicas of {target}. Delete it, let it read "
    "wva_desired_replicas, or set spec.actuation: Recommend.",
    ActiveReason.SCALE_FORBIDDEN: "Grant patch on {resource}/scale to penstock-operator.",
    ActiveReason.SCALE_CHANGED: "{manager} sets replicas too.",
}

_LIMITED: Final = {
    LimitReason.WITHIN: "No limit binds.",
    LimitReason.MAX_REPLICAS: "{limit}, set in {where}.",
    LimitReason.MIN_REPLICAS: "{limit}, set in {where}.",
    LimitReason.QUOTA: "{limit}, set in {where}.",
    LimitReason.RATE_LIMITED: "{limit}, set in {where}.",
    LimitReason.STUCK_PENDING: "Replicas find no place to run; see the events of their pods.",
    LimitReason.NO_WAKE_SOURCE: "Zero is refused: no router or EPP could wake the model.",
}

_POLICY: Final = {
    PolicyReason.ACCEPTED: "The policy holds for its target.",
    PolicyReason.TARGET_NOT_FOUND: "No {kind} {name} in {namespace}. Create it, or correct spec.targetRef; both must "
    "be in one namespace.",
    PolicyReason.CONFLICTED: "{policy} is older and has the same routers; delete one.",
    PolicyReason.INVALID: "{field}={value}: {remedy}.",
    PolicyReason.PROGRAMMED: "Every Ready router runs it.",
    PolicyReason.PARTIALLY_PROGRAMMED: "It runs on the routers that were asked for.",
    PolicyReason.RECONCILING: "It is on its way to the routers.",
    PolicyReason.NO_ROUTERS: "No Ready Penstock router behind the target. Check endpointPickerRef and the pods.",
    PolicyReason.ROUTER_UNREACHABLE: "A router does not answer: see routers[].error, or penstock doctor wp/{policy}.",
    PolicyReason.ROUTER_REJECTED: "A router refuses it: see routers[].error, or penstock doctor wp/{policy}.",
    PolicyReason.ROLLED_BACK: "Generation {generation} was worse than {stable}; edit the spec to try again.",
    PolicyReason.MIXED_ROUTER_VERSIONS: "Upgrade {pods}.",
    PolicyReason.ENGINE_PRIORITY_IGNORED: "Start the engines with --scheduling-policy priority, or use Auto.",
    PolicyReason.AS_EXPECTED: "Nothing is amiss.",
}

_WITH_FACT: Final = {
    (
        TargetReason.NOT_FOUND,
        "api_version",
    ): "No {kind} {namespace}/{name}: the cluster knows no {kind} in {api_version}. Install its definition, or correct "
    "kind and apiVersion of spec.scaleTargetRef.",
    (
        OptimizationReason.SATURATION_ONLY,
        "lengths",
    ): "Sized by how full the engines are until the first requests end: how long they are is not known yet.",
    (
        OptimizationReason.SATURATION_ONLY,
        "capacity",
    ): "Sized by how full the engines are until enough is learnt of {model} on {accelerator}, of which nothing is "
    "known beforehand. To be sized for latency at once add a modelProfile, or correct spec.accelerator.",
    (
        OptimizationReason.SLO_INFEASIBLE,
        "missed",
    ): "More requests than may miss {field} on an idle replica, so no number of them meets it. Sized so that load adds "
    "few. Relax {field}, or use a faster accelerator.",
    (OptimizationReason.SKIPPED, "target"): "Nothing to compute until TargetResolved is True.",
    (ActiveReason.HOLDING, "error"): "{kind} {name} was not scaled: {error}. The next pass decides anew.",
    (PolicyReason.RECONCILING, "kept"): "Generation {kept} stays in force until the spec can be used.",
    (
        MetricsReason.PROMETHEUS_UNREACHABLE,
        "unset",
    ): "No Prometheus is named. Set prometheusURL in ConfigMap penstock-config, where the operator runs.",
    (MetricsReason.NO_REPLICAS, "source"): "Nothing to scrape; demand is read from {source}.",
    (
        MetricsReason.FOUND,
        "bypassed",
    ): "Engine series are fresh, and tell of more requests than routers count: the engines "
    "count, and nothing is lowered. Let all requests come through the routers.",
    (MetricsReason.FOUND, "partial"): "Engine series are fresh, but not of every ready replica; nothing is lowered "
    "until they are.",
}
"""Sentences of a reason that comes with one more fact."""


_UNSHARED: Final = " Quotas are held by priority alone, since sharing them out failed: see the operator's log."
"""Follows the sentence of a verdict with the fact `unshared`, whatever else it tells."""


class _Facts(dict[str, str]):
    """Facts of a sentence; one that nobody gave reads `unknown` instead of breaking the status."""

    def __missing__(self, key: str) -> str:
        return "unknown"


def message(verdict: Verdict[R], around: Mapping[str, str]) -> str:
    """Return the sentence of a verdict; `around` are facts of the object, which the verdict's own replace."""
    sentence = _template(verdict) + (_UNSHARED if "unshared" in verdict.facts else "")
    return sentence.format_map(_Facts({**around, **verdict.facts})) if "{" in sentence else sentence


def _template(verdict: Verdict[R]) -> str:
    for (reason, fact), sentence in _WITH_FACT.items() if verdict.facts else ():
        if verdict.reason is reason and fact in verdict.facts:
            return sentence
    match verdict.reason:
        case TargetReason() as reason:
            return _TARGET[reason]
        case MetricsReason() as reason:
            return _METRICS[reason]
        case OptimizationReason() as reason:
            return _OPTIMIZATION[reason]
        case ActiveReason() as reason:
            return _ACTIVE[reason]
        case LimitReason() as reason:
            return _LIMITED[reason]
        case reason:
            return _POLICY[PolicyReason(reason)]
