"""Every reason has its sentence, and no sentence moves by itself."""

from enum import StrEnum

import pytest

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import (
    ActiveReason,
    LimitReason,
    MetricsReason,
    OptimizationReason,
    PolicyReason,
    TargetReason,
)
from penstock.status.messages import message

AROUND = {"kind": "Deployment", "name": "chat", "namespace": "llm"}
ALL = [
    reason
    for enum in (TargetReason, MetricsReason, OptimizationReason, ActiveReason, LimitReason, PolicyReason)
    for reason in enum
]


@pytest.mark.parametrize("reason", ALL, ids=lambda reason: f"{type(reason).__name__}.{reason.name}")
def test_every_reason_has_a_sentence(reason: StrEnum) -> None:
    sentence = message(Verdict(reason), AROUND)

    assert sentence.endswith(".")
    assert "{" not in sentence
    assert not any(char.isdigit() for char in sentence)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        pytest.param(Verdict(TargetReason.FOUND), "Scales Deployment chat.", id="target found"),
        pytest.param(
            Verdict(TargetReason.NOT_FOUND),
            "No Deployment llm/chat. Create it, or correct spec.scaleTargetRef (absent: the Deployment called as this "
            "object).",
            id="target missing",
        ),
        pytest.param(
            Verdict(TargetReason.NOT_FOUND, {"kind": "LeaderWorkerSet", "api_version": "apps/v1"}),
            "No LeaderWorkerSet llm/chat: the cluster knows no LeaderWorkerSet in apps/v1. Install its definition, or "
            "correct kind and apiVersion of spec.scaleTargetRef.",
            id="target of an unknown kind",
        ),
        pytest.param(
            Verdict(MetricsReason.MODEL_NAME_MISMATCH, {"nearest": "Qwen3-32B", "model": "Qwen/Qwen3-32B"}),
            'The pods report model_name="Qwen3-32B", this object says "Qwen/Qwen3-32B". Set spec.modelID to it, or '
            "--served-model-name.",
            id="another name",
        ),
        pytest.param(
            Verdict(MetricsReason.PROMETHEUS_UNREACHABLE, {"url": "https://prom:9090", "error": "tls"}),
            "https://prom:9090: tls. Check prometheusURL, CA, token.",
            id="Prometheus does not answer",
        ),
        pytest.param(
            Verdict(MetricsReason.PROMETHEUS_UNREACHABLE, {"unset": "prometheusURL"}),
            "No Prometheus is named. Set prometheusURL in ConfigMap penstock-config, where the operator runs.",
            id="nobody named a Prometheus",
        ),
        pytest.param(
            Verdict(OptimizationReason.SATURATION_ONLY),
            "Sized by how full the engines are, not by latency.",
            id="an analyser that was chosen",
        ),
        pytest.param(
            Verdict(OptimizationReason.SATURATION_ONLY, {"lengths": "unknown"}),
            "Sized by how full the engines are until the first requests end: how long they are is not known yet.",
            id="before any request has ended",
        ),
        pytest.param(
            Verdict(OptimizationReason.SATURATION_ONLY, {"capacity": "unknown", "model": "m", "accelerator": "A1OO"}),
            "Sized by how full the engines are until enough is learnt of m on A1OO, of which nothing is known "
            "beforehand. To be sized for latency at once add a modelProfile, or correct spec.accelerator.",
            id="an engine of which nothing is known",
        ),
        pytest.param(
            Verdict(OptimizationReason.SLO_INFEASIBLE, {"field": "slo.tpot"}),
            "Sized for throughput instead. Relax slo.tpot, or use a faster accelerator.",
            id="a target that hardly any request meets",
        ),
        pytest.param(
            Verdict(OptimizationReason.SLO_INFEASIBLE, {"field": "slo.ttft", "missed": "by some"}),
            "More requests than may miss slo.ttft on an idle replica, so no number of them meets it. Sized so that "
            "load adds few. Relax slo.ttft, or use a faster accelerator.",
            id="a target that more than may are too long for",
        ),
        pytest.param(
            Verdict(MetricsReason.MISSING, {"model": "m", "namespace": "llm", "name": "va"}),
            'No vLLM series with model_name="m" in llm. Check that a ServiceMonitor or PodMonitor selects the pods: '
            "penstock doctor va/va.",
            id="no series",
        ),
        pytest.param(
            Verdict(
                OptimizationReason.INVALID_CONFIGURATION,
                dict(zip(("configmap", "key", "field", "value", "remedy"), "abcde", strict=True)),
            ),
            "ConfigMap a, b: c=d: e.",
            id="bad entry",
        ),
        pytest.param(
            Verdict(OptimizationReason.SKIPPED, {"target": "TargetNotFound"}),
            "Nothing to compute until TargetResolved is True.",
            id="skipped for its target",
        ),
        pytest.param(
            Verdict(MetricsReason.FOUND, {"partial": "x"}),
            "Engine series are fresh, but not of every ready replica; nothing is lowered until they are.",
            id="some series",
        ),
        pytest.param(
            Verdict(ActiveReason.HOLDING, {"error": "timeout"}),
            "Deployment chat was not scaled: timeout. The next pass decides anew.",
            id="not taken",
        ),
        pytest.param(
            Verdict(OptimizationReason.FAILED, {"id": "7f3a91c2"}),
            "The last decision holds; see the operator's log, record 7f3a91c2.",
            id="failed: the log has it, since nothing else keeps records",
        ),
        pytest.param(
            Verdict(OptimizationReason.SUCCEEDED, {"unshared": "ArithmeticError: {0}"}),
            "Computed from fresh data. Quotas are held by priority alone, since sharing them out failed: see the "
            "operator's log.",
            id="quotas not shared out",
        ),
        pytest.param(
            Verdict(LimitReason.QUOTA, {"limit": "quota 8 H100", "where": "quotas"}),
            "quota 8 H100, set in quotas.",
            id="quota",
        ),
        pytest.param(
            Verdict(PolicyReason.TARGET_NOT_FOUND),
            "No Deployment chat in llm. Create it, or correct spec.targetRef; both must be in one namespace.",
            id="policy without target",
        ),
    ],
)
def test_sentences(verdict: Verdict[TargetReason], sentence: str) -> None:
    assert message(verdict, AROUND) == sentence


def test_braces_in_a_users_value_are_no_template() -> None:
    assert message(Verdict(MetricsReason.INVALID, {"series": "{x}", "why": "{0}"}), {}) == "{x}: {0}."
