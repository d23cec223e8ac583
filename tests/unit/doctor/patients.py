"""Facts of things that are well; tests make one link of them ill."""

from dataclasses import replace
from typing import Any

from penstock.api.variantautoscaling import parse_variant
from penstock.doctor.facts import Answer, OperatorFacts, PodSight, PolicyFacts, Surroundings, VariantFacts
from penstock.doctor.findings import Examination, Finding
from penstock.domain.observations import PodMetrics, Scrape, Target
from penstock.domain.readings import Known
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, TargetRef
from penstock.scaling.join import Joined
from penstock.settings.operator import OperatorOptions

NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z
MODEL = "Qwen/Qwen3-32B"
URL = "http://prometheus.monitoring.svc:9090"
Body = dict[str, Any]


def settings(**texts: str) -> Any:
    return OperatorOptions(flags={}, environ={})({"prometheusURL": URL} | texts)


def operator(**changed: Any) -> OperatorFacts:
    well = OperatorFacts(
        namespace="penstock-system",
        now_s=NOW_S,
        served=frozenset({"VariantAutoscaling", "WorkloadPolicy"}),
        pods=(PodSight(name="penstock-operator-1"),),
        lease={"holderIdentity": "penstock-operator-1_1", "renewTime": "2027-01-15T07:59:58Z"},
        settings=settings(),
    )
    return replace(well, **changed)


def around(**changed: Any) -> Surroundings:
    monitor = {
        "metadata": {"name": "engines", "namespace": "llm"},
        "spec": {"selector": {"matchLabels": {"app": "chat"}}, "podMetricsEndpoints": [{"port": "http"}]},
    }
    well = Surroundings(operator=operator(), scrape=Scrape(at_s=NOW_S), pod_monitors=(monitor,))
    return replace(well, **changed)


def pod(name: str = "chat-1", **changed: Any) -> PodSight:
    well = PodSight(name=name, port=8000, port_names=frozenset({"http"}), labels={"app": "chat"})
    return replace(well, **changed)


def variant_body(spec: Body | None = None, status: Body | None = None, **meta: Any) -> Body:
    ready = {"type": "Ready", "status": "True", "reason": "Ready"}
    return {
        "metadata": {"name": "chat", "namespace": "llm", "uid": "u", "generation": 3, **meta},
        "spec": {"modelID": MODEL, "scaleTargetRef": {"kind": "Deployment", "name": "chat"}} | (spec or {}),
        "status": {
            "observedGeneration": 3,
            "conditions": [ready, {"type": "OptimizationReady", "status": "True"}],
            "desiredOptimizedAlloc": {"numReplicas": 2, "lastRunTime": "2027-01-15T07:59:30Z"},
        }
        | (status or {}),
    }


def row(age_s: float = 5.0, **changed: Any) -> PodMetrics:
    at_s = NOW_S - age_s
    well = PodMetrics(namespace="llm", pod="chat-1", model=MODEL, sampled_at_s=at_s, running=Known(1.0, at_s))
    return replace(well, **changed)


def target(**changed: Any) -> Target:
    ref = TargetRef(api_version="apps/v1", kind="Deployment", name="chat")
    well = Target(ref=ref, state=TargetReason.FOUND, facts={}, current=1, ready=1, pods=frozenset({"chat-1"}))
    return replace(well, **changed)


def variant(body: Body | None = None, **changed: Any) -> VariantFacts:
    body = body or variant_body()
    well = VariantFacts(
        key=ObjectKey("llm", "chat"),
        body=body,
        variant=parse_variant(body),
        target=target(),
        pods=(pod(),),
        answers=(Answer(pod="chat-1", port=8000, series=40, models=frozenset({MODEL})),),
        joined=Joined((row(),)),
    )
    return replace(well, **changed)


def policy_body(status: Body | None = None) -> Body:
    routers = [{"pod": "router-1", "appliedGeneration": 7, "hash": "3fb1c2"}]
    good = {"observedGeneration": 7, "programmed": "1/1", "routers": routers, "conditions": []}
    return {"metadata": {"name": "chat", "namespace": "llm", "generation": 7}, "status": good | (status or {})}


def policy(**changed: Any) -> PolicyFacts:
    well = PolicyFacts(
        key=ObjectKey("llm", "chat"),
        body=policy_body(),
        target="InferencePool chat",
        created_at_s=100.0,
        routers=(PodSight(name="router-1"),),
    )
    return replace(well, **changed)


def told(examination: Examination, check: str) -> Finding:
    """Return the one finding of a check."""
    (found,) = [one for one in examination.findings if one.check == check]
    return found
