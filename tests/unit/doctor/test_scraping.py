"""The way from engines to Prometheus: Services, monitors, Prometheus itself, and what it has."""

from typing import Any

import pytest
from tests.unit.doctor.patients import URL, around, operator, pod, row, settings, variant, variant_body

from penstock.doctor.findings import Level
from penstock.doctor.scraping import monitors, prometheus, scraped, services
from penstock.domain.observations import Scrape, ScrapeProblem
from penstock.domain.readings import Absent
from penstock.domain.reasons import MetricsReason
from penstock.scaling.join import Joined

Body = dict[str, Any]
UNSCRAPED = {"joined": Joined()}


def service(selector: Body | None = None, port: str = "http", **labels: str) -> Body:
    ports = [{"name": port, "port": 80}]
    return {
        "metadata": {"name": "chat", "namespace": "llm", "labels": labels},
        "spec": {"selector": {"app": "chat"} if selector is None else selector, "ports": ports},
    }


def monitor(
    selector: Body | None = None, port: str = "http", namespace: str = "llm", where: Body | None = None, **key: Any
) -> Body:
    endpoints = key.get("endpoints", "podMetricsEndpoints")
    spec = {"selector": selector or {"matchLabels": {"app": "chat"}}, endpoints: [{"port": port}]}
    return {
        "metadata": {"name": "engines", "namespace": namespace},
        "spec": spec | ({"namespaceSelector": where} if where else {}),
    }


@pytest.mark.parametrize(
    ("facts", "shared", "level", "text"),
    [
        pytest.param({"services": (service(),)}, {}, Level.OK, "chat", id="selects"),
        pytest.param({"services": (service(selector={}),)}, {}, Level.OK, "none leads", id="none, but scraped"),
        pytest.param({"services": (), **UNSCRAPED}, {}, Level.OK, "none leads", id="none, but a PodMonitor"),
        pytest.param(
            {"services": (service({"app": "else"}),), **UNSCRAPED},
            {"pod_monitors": ()},
            Level.FAIL,
            "no Service in llm",
            id="selects others",
        ),
        pytest.param({"services": None}, {}, Level.MISS, "no right to list Services in llm", id="no right"),
        pytest.param({"pods": ()}, {}, Level.SKIP, "no pod to lead to", id="no pod"),
    ],
)
def test_services(facts: Body, shared: Body, level: Level, text: str) -> None:
    found = services(variant(**facts), around(**shared))

    assert found.level is level
    assert text in found.text


def test_a_missing_service_is_one_command_away() -> None:
    found = services(variant(**UNSCRAPED), around(pod_monitors=()))

    assert found.fix == "kubectl -n llm expose deployment chat --port 8000"


SERVICE_MONITOR = monitor({"matchLabels": {"team": "a"}}, endpoints="endpoints")


@pytest.mark.parametrize(
    ("facts", "shared", "level", "text"),
    [
        pytest.param({}, {}, Level.OK, "PodMonitor engines", id="pod monitor"),
        pytest.param(
            {"services": (service(team="a"),)},
            {"service_monitors": (SERVICE_MONITOR,), "pod_monitors": ()},
            Level.OK,
            "ServiceMonitor engines",
            id="service monitor",
        ),
        pytest.param(
            {"services": (service(team="b"),), **UNSCRAPED},
            {"service_monitors": (SERVICE_MONITOR,), "pod_monitors": ()},
            Level.FAIL,
            "no ServiceMonitor and no PodMonitor selects the pods",
            id="labels differ",
        ),
        pytest.param(
            {"services": (service(team="a", port="web"),), **UNSCRAPED},
            {"service_monitors": (SERVICE_MONITOR,), "pod_monitors": ()},
            Level.FAIL,
            "ServiceMonitor engines selects them, but its port http is none of Service chat (web)",
            id="port of the Service is called otherwise",
        ),
        pytest.param(
            UNSCRAPED,
            {"pod_monitors": (monitor(port="metrics"),)},
            Level.FAIL,
            "PodMonitor engines selects them, but its port metrics is none of pod chat-1 (http)",
            id="port of the pod is called otherwise",
        ),
        pytest.param({}, {"pod_monitors": (monitor(port=""),)}, Level.OK, "PodMonitor engines", id="port by number"),
        pytest.param(
            UNSCRAPED,
            {"pod_monitors": (monitor(namespace="monitoring"),)},
            Level.FAIL,
            "no ServiceMonitor",
            id="elsewhere",
        ),
        pytest.param(
            {},
            {"pod_monitors": (monitor(namespace="monitoring", where={"any": True}),)},
            Level.OK,
            "PodMonitor engines",
            id="looks everywhere",
        ),
        pytest.param(
            {},
            {"pod_monitors": (monitor(namespace="monitoring", where={"matchNames": ["llm"]}),)},
            Level.OK,
            "PodMonitor engines",
            id="looks here",
        ),
        pytest.param(
            {"pods": (pod(annotations={"prometheus.io/scrape": "true"}),), **UNSCRAPED},
            {"pod_monitors": ()},
            Level.OK,
            "annotation prometheus.io/scrape",
            id="annotation",
        ),
        pytest.param({}, {"pod_monitors": ()}, Level.OK, "yet Prometheus finds them", id="found anyway"),
        pytest.param({}, {"pod_monitors": None}, Level.MISS, "no right to list", id="no right"),
        pytest.param({"pods": ()}, {}, Level.SKIP, "no pod to scrape", id="no pod"),
    ],
)
def test_monitors(facts: Body, shared: Body, level: Level, text: str) -> None:
    found = monitors(variant(**facts), around(**shared))

    assert found.level is level
    assert text in found.text


def problem(cause: str = "connection refused") -> Scrape:
    reason = MetricsReason.PROMETHEUS_UNREACHABLE
    return Scrape(at_s=0.0, problem=ScrapeProblem(reason=reason, peer=URL, cause=cause))


def seen(reason: str) -> Body:
    return variant_body(status={"conditions": [{"type": "MetricsAvailable", "status": "True", "reason": reason}]})


@pytest.mark.parametrize("check", [services, monitors])
def test_while_prometheus_is_silent_a_missing_monitor_is_not_what_to_mend_first(check: Any) -> None:
    facts = variant(services=(), joined=Joined())

    assert check(facts, around(pod_monitors=())).level is Level.FAIL
    assert check(facts, around(pod_monitors=(), scrape=problem())).level is Level.WARN


REFUSED = Scrape(at_s=0.0, problem=ScrapeProblem(reason=MetricsReason.PROMETHEUS_ERROR, peer="ttft", cause="bad_data"))


@pytest.mark.parametrize(
    ("shared", "reason", "level", "text"),
    [
        pytest.param({}, "MetricsFound", Level.OK, f"{URL} answers", id="answers"),
        pytest.param(
            {"scrape": problem()}, "MetricsFound", Level.FAIL, f"{URL}: connection refused", id="does not answer"
        ),
        pytest.param(
            {"scrape": REFUSED}, "MetricsFound", Level.FAIL, f"{URL}: query ttft was refused: bad_data", id="refuses"
        ),
        pytest.param(
            {"scrape": problem("TLS"), "certain": False},
            "MetricsFound",
            Level.WARN,
            "the operator reaches it",
            id="only not from here",
        ),
        pytest.param(
            {"scrape": problem("TLS"), "certain": False},
            "PrometheusUnreachable",
            Level.FAIL,
            f"{URL}: TLS",
            id="from nowhere",
        ),
        pytest.param(
            {"scrape": problem("TLS"), "certain": False},
            "",
            Level.MISS,
            f"cannot be asked from here: {URL}: TLS",
            id="nobody knows",
        ),
        pytest.param(
            {"operator": operator(settings=settings(prometheusURL=""))},
            "PrometheusUnreachable",
            Level.FAIL,
            "prometheusURL is not set",
            id="no URL",
        ),
    ],
)
def test_prometheus(shared: Body, reason: str, level: Level, text: str) -> None:
    found = prometheus(variant(seen(reason)), around(**shared))

    assert found.level is level
    assert text in found.text


IMPOSSIBLE = row(running=Absent("value is nan", impossible=True))


@pytest.mark.parametrize(
    ("facts", "shared", "level", "text"),
    [
        pytest.param({}, {}, Level.OK, "1 of 1 engines fresh, newest sample 5 s old", id="fresh"),
        pytest.param({"joined": Joined((row(500.0), row()))}, {}, Level.OK, "1 of 2 engines fresh", id="half"),
        pytest.param(
            {"joined": Joined((row(500.0),))},
            {},
            Level.FAIL,
            "no usable sample of 1 engines, newest sample 500 s",
            id="stale",
        ),
        pytest.param({"joined": Joined((IMPOSSIBLE,))}, {}, Level.FAIL, "no usable sample", id="impossible"),
        pytest.param({"joined": Joined((), ("Qwen3",))}, {}, Level.OK, "the pods, as Qwen3", id="another name"),
        pytest.param(UNSCRAPED, {}, Level.FAIL, "Prometheus has no vllm:* series of the pods", id="nothing"),
        pytest.param({"pods": (pod(ready=False),), **UNSCRAPED}, {}, Level.SKIP, "no pod is ready", id="no ready pod"),
        pytest.param({}, {"scrape": problem()}, Level.SKIP, "Prometheus did not tell", id="Prometheus silent"),
    ],
)
def test_scraped(facts: Body, shared: Body, level: Level, text: str) -> None:
    found = scraped(variant(**facts), around(**shared))

    assert found.level is level
    assert text in found.text
