"""Checks of the way from engines to Prometheus: Services, monitors, Prometheus, and what it has (links 6 to 9)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.api.names import SETTINGS_CONFIGMAP
from penstock.doctor.facts import Body, PodSight, Surroundings, VariantFacts
from penstock.doctor.findings import Finding, Level
from penstock.doctor.selectors import endpoints_of, looks_into, ports_of, selects, services_of
from penstock.domain.observations import ScrapeProblem
from penstock.domain.reasons import MetricsReason
from penstock.scaling.rows import Freshness, freshness

ANNOTATION_SCRAPE: Final = "prometheus.io/scrape"
_BROKEN: Final = frozenset({MetricsReason.PROMETHEUS_UNREACHABLE.value, MetricsReason.PROMETHEUS_ERROR.value})


def services(facts: VariantFacts, around: Surroundings) -> Finding:
    """Link 6: check that a Service leads to the pods, for ServiceMonitors and for clients."""
    namespace = facts.key.namespace
    if facts.services is None:
        fix = f"kubectl auth can-i list services -n {namespace}"
        return Finding(Level.MISS, "services", f"no right to list Services in {namespace}", fix)
    if not facts.pods:
        return Finding(Level.SKIP, "services", "no pod to lead to")
    found = [_name(one) for one in services_of(facts.services, facts.pods)]
    if found:
        return Finding(Level.OK, "services", ", ".join(found))
    if _is_scraped(facts) or _pod_monitors(facts, around):
        return Finding(Level.OK, "services", "none leads to the pods, and scraping needs none here")
    text = f"no Service in {namespace} selects the pods"
    return Finding(_unless_scraped(around), "services", text, _expose(facts))


def monitors(facts: VariantFacts, around: Surroundings) -> Finding:
    """Link 7: check that a ServiceMonitor, a PodMonitor or an annotation makes Prometheus scrape the pods."""
    if around.service_monitors is None or around.pod_monitors is None:
        fix = "kubectl auth can-i list servicemonitors.monitoring.coreos.com -A"
        return Finding(Level.MISS, "monitors", "no right to list ServiceMonitors and PodMonitors", fix)
    if not facts.pods:
        return Finding(Level.SKIP, "monitors", "no pod to scrape")
    selecting = [*_service_monitors(facts, around), *_pod_monitors(facts, around)]
    good = [name for name, fault in selecting if not fault]
    if good:
        return Finding(Level.OK, "monitors", ", ".join(good))
    if any(pod.annotations.get(ANNOTATION_SCRAPE) == "true" for pod in facts.pods):
        return Finding(Level.OK, "monitors", f"annotation {ANNOTATION_SCRAPE}")
    if _is_scraped(facts):
        return Finding(Level.OK, "monitors", "none selects the pods, yet Prometheus finds them")
    if selecting:
        name, fault = selecting[0]
        return Finding(Level.FAIL, "monitors", f"{name} selects them, but {fault}", "name a port that is there")
    fix = "create a PodMonitor whose spec.selector matches the pods: "
    shown = f"kubectl -n {facts.key.namespace} get pods,services --show-labels"
    text = "no ServiceMonitor and no PodMonitor selects the pods"
    return Finding(_unless_scraped(around), "monitors", text, fix + shown)


def prometheus(facts: VariantFacts, around: Surroundings) -> Finding:
    """Link 8: check that Prometheus is named and answers."""
    url, problem = around.operator.settings.prometheus.url, around.scrape.problem
    if not url:
        return Finding(Level.FAIL, "prometheus", "prometheusURL is not set", _set_url(around.operator.namespace))
    if problem is None:
        return Finding(Level.OK, "prometheus", f"{url} answers")
    text, reason = f"{url}: {_told(problem)}", _metrics_reason(facts)
    if not around.certain and reason not in _BROKEN:
        level, rest = (Level.WARN, "; the operator reaches it") if reason else (Level.MISS, "")
        return Finding(level, "prometheus", f"cannot be asked from here: {text}{rest}")
    fix = f"check prometheusURL in ConfigMap {around.operator.namespace}/{SETTINGS_CONFIGMAP}, and that it runs"
    return Finding(Level.FAIL, "prometheus", text, fix)


def scraped(facts: VariantFacts, around: Surroundings) -> Finding:
    """Link 9: check that Prometheus has fresh series of these pods, under whatever model name."""
    if around.scrape.problem is not None or not around.operator.settings.prometheus.url:
        return Finding(Level.SKIP, "scraped", "Prometheus did not tell")
    if facts.joined.rows:
        return _aged(facts, around)
    if facts.joined.other_models:
        return Finding(Level.OK, "scraped", f"the pods, as {', '.join(facts.joined.other_models)}")
    if not any(pod.ready for pod in facts.pods):
        return Finding(Level.SKIP, "scraped", "no pod is ready")
    fix = "the pods must stand on Prometheus's page /targets, and their series must keep the labels pod and namespace"
    return Finding(Level.FAIL, "scraped", "Prometheus has no vllm:* series of the pods", fix)


def _aged(facts: VariantFacts, around: Surroundings) -> Finding:
    now_s, stale_after_s = around.scrape.at_s, around.operator.settings.scaling.stale_after_s
    rows = facts.joined.rows
    states = [freshness(row, now_s=now_s, stale_after_s=stale_after_s) for row in rows]
    age = f"newest sample {max(now_s - max(row.sampled_at_s for row in rows), 0.0):.0f} s old"
    if Freshness.FRESH in states:
        return Finding(Level.OK, "scraped", f"{states.count(Freshness.FRESH)} of {len(rows)} engines fresh, {age}")
    fix = "check the scrape of the pods on Prometheus's page /targets, and the clocks of the nodes"
    return Finding(Level.FAIL, "scraped", f"no usable sample of {len(rows)} engines, {age}", fix)


def _is_scraped(facts: VariantFacts) -> bool:
    return bool(facts.joined.rows or facts.joined.other_models)


def _unless_scraped(around: Surroundings) -> Level:
    """Return how bad it is that nothing we know of scrapes: while Prometheus is silent, it may know another way."""
    return Level.FAIL if around.scrape.problem is None else Level.WARN


def _service_monitors(facts: VariantFacts, around: Surroundings) -> list[tuple[str, str]]:
    """Return (ServiceMonitor, why it scrapes nothing or empty) for each that selects a Service of the pods."""
    return [
        (f"ServiceMonitor {_name(one)}", _portless(one, ports_of(service), f"Service {_name(service)}"))
        for service in services_of(facts.services or (), facts.pods)
        for one in _looking(around.service_monitors, facts, service["metadata"].get("labels") or {})
    ]


def _pod_monitors(facts: VariantFacts, around: Surroundings) -> list[tuple[str, str]]:
    """Return (PodMonitor, why it scrapes nothing or empty) for each that selects one of the pods."""
    return [
        (f"PodMonitor {_name(one)}", _portless(one, pod.port_names, f"pod {pod.name}"))
        for pod in facts.pods[:1]
        for one in _looking(around.pod_monitors, facts, pod.labels)
    ]


def _looking(monitors: Iterable[Body] | None, facts: VariantFacts, labels: Mapping[str, str]) -> list[Body]:
    return [
        one
        for one in monitors or ()
        if looks_into(one, facts.key.namespace) and selects((one.get("spec") or {}).get("selector") or {}, labels)
    ]


def _portless(monitor: Body, names: frozenset[str], where: str) -> str:
    """Return why none of the monitor's ports is there; a port by number is taken at its word."""
    wanted = [str(one.get("port", "")) for one in endpoints_of(monitor)]
    if "" in wanted or names.intersection(wanted):
        return ""
    return f"its port {', '.join(wanted) or '(none)'} is none of {where} ({', '.join(sorted(names)) or 'unnamed'})"


def _metrics_reason(facts: VariantFacts) -> str:
    said: Mapping[str, Any] = (facts.body or {}).get("status") or {}
    rows = said.get("conditions") or ()
    return next((str(one.get("reason", "")) for one in rows if one.get("type") == "MetricsAvailable"), "")


def _told(problem: ScrapeProblem) -> str:
    if problem.reason is MetricsReason.PROMETHEUS_ERROR:
        return f"query {problem.peer} was refused: {problem.cause}"
    return problem.cause


def _set_url(namespace: str) -> str:
    patch = '{"data":{"prometheusURL":"http://prometheus-operated.monitoring.svc:9090"}}'
    return f"kubectl -n {namespace} patch configmap {SETTINGS_CONFIGMAP} --type merge -p '{patch}'"


def _expose(facts: VariantFacts) -> str:
    ref, port = (facts.variant.target if facts.variant else None), _port(facts.pods)
    if ref is None or ref.kind != "Deployment":
        return "create a Service whose selector matches the pods"
    return f"kubectl -n {facts.key.namespace} expose deployment {ref.name} --port {port}"


def _port(pods: tuple[PodSight, ...]) -> int:
    return next((pod.port for pod in pods if pod.port), 8000)


def _name(body: Body) -> str:
    return str(body["metadata"]["name"])
