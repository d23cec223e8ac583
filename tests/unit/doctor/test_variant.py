"""One link of a variant ill at a time: the check that says so, its words, and its remedy."""

import json
from typing import Any

import pytest
from tests.unit.doctor.patients import MODEL, around, operator, pod, settings, target, told, variant, variant_body

from penstock.api.variantautoscaling import parse_variant
from penstock.doctor.facts import PodSight, VariantFacts
from penstock.doctor.findings import Level
from penstock.doctor.variant import examine_variant
from penstock.domain.catalogue import Catalogue, ServiceTarget
from penstock.domain.errors import InvalidField
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey

WELL = (
    *("namespaces", "target", "endpoint", "series", "model name", "services", "monitors"),
    *("prometheus", "scraped", "object", "status", "operator", "class", "bounds"),
)


def test_healthy_variant_passes_every_link_in_order() -> None:
    found = examine_variant(variant(), around())

    assert [one.check for one in found.findings] == list(WELL)
    assert {one.level for one in found.findings} == {Level.OK}
    assert (found.about, found.namespace) == ("va/chat", "llm")


@pytest.mark.parametrize(
    ("facts", "level", "text", "fix"),
    [
        pytest.param(
            {"target": target(state=TargetReason.NOT_FOUND), "pods": ()},
            Level.FAIL,
            "there is no Deployment llm/chat",
            "scaleTargetRef",
            id="no such object",
        ),
        pytest.param(
            {"target": target(state=TargetReason.NOT_FOUND, facts={"api_version": "apps/v1"}), "pods": ()},
            Level.FAIL,
            "there is no Deployment llm/chat: the cluster knows no Deployment in apps/v1",
            "install its definition, or correct kind and apiVersion",
            id="no such kind",
        ),
        pytest.param(
            {"target": target(state=TargetReason.NOT_SCALABLE), "pods": ()},
            Level.FAIL,
            "Deployment has no scale subresource",
            "owner",
            id="not scalable",
        ),
        pytest.param(
            {"target": target(state=TargetReason.UNREADABLE, facts={"error": "403 Forbidden"})},
            Level.MISS,
            "403 Forbidden",
            "kubectl auth can-i get deployments --subresource scale -n llm",
            id="no right",
        ),
        pytest.param({"target": None}, Level.MISS, "not read", "can-i", id="not read"),
        pytest.param(
            {"target": target(current=3, ready=1, draining=2)},
            Level.OK,
            "Deployment chat, 1 of 3 ready; the rest ends what it serves, and leaves",
            "",
            id="draining",
        ),
        pytest.param(
            {"target": target(current=3, ready=1, starting=2), "pods": (pod(), pod("chat-2", ready=False))},
            Level.WARN,
            "Deployment chat, 1 of 3 ready; the rest is on its way",
            "describe deployment chat",
            id="starting",
        ),
        pytest.param(
            {"target": target(current=2, ready=1), "pods": (pod(), pod("chat-2", ready=False, trouble="ErrImagePull"))},
            Level.FAIL,
            "Deployment chat, 1 of 2 ready; pod chat-2: ErrImagePull",
            "kubectl -n llm describe pod chat-2",
            id="will not start",
        ),
        pytest.param({"target": target(current=0, ready=0), "pods": ()}, Level.OK, "0 of 0 ready", "", id="at zero"),
    ],
)
def test_target(facts: dict[str, Any], level: Level, text: str, fix: str) -> None:
    found = told(examine_variant(variant(**facts), around()), "target")

    assert found.level is level
    assert text in found.text
    assert fix in found.fix


@pytest.mark.parametrize(
    ("labels", "texts", "level", "fix"),
    [
        pytest.param({}, {}, Level.OK, "", id="both without"),
        pytest.param(
            {"wva.llmd.ai/controller-instance": "blue"},
            {},
            Level.FAIL,
            "kubectl -n llm label va chat wva.llmd.ai/controller-instance-",
            id="label too many",
        ),
        pytest.param(
            {},
            {"controllerInstance": "blue"},
            Level.FAIL,
            "kubectl -n llm label va chat wva.llmd.ai/controller-instance=blue --overwrite",
            id="label missing",
        ),
        pytest.param({}, {"watchNamespaces": "other"}, Level.FAIL, "add llm to watchNamespaces", id="not watched"),
        pytest.param({}, {"watchNamespaces": "llm,other"}, Level.OK, "", id="watched"),
    ],
)
def test_whose_object_it_is(labels: dict[str, str], texts: dict[str, str], level: Level, fix: str) -> None:
    patient = variant(variant_body(labels=labels))

    found = told(examine_variant(patient, around(operator=operator(settings=settings(**texts)))), "object")

    assert found.level is level
    assert found.fix.startswith(fix)


def test_excluded_namespace_is_pointed_out() -> None:
    catalogue = Catalogue(excluded_namespaces=frozenset({"llm"}))

    found = told(examine_variant(variant(), around(operator=operator(catalogue=catalogue))), "object")

    assert (found.level, found.fix) == (Level.WARN, "kubectl annotate namespace llm wva.llmd.ai/exclude-")


def bad(reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": "False", "reason": reason, "message": "Mend it."}]}


@pytest.mark.parametrize(
    ("status", "level", "text"),
    [
        pytest.param({}, Level.OK, "Ready (Ready), desired 2", id="good"),
        pytest.param({"observedGeneration": 2}, Level.FAIL, "it is of generation 2, the object of 3", id="behind"),
        pytest.param(bad("Quota"), Level.FAIL, "Ready is False, Quota: Mend it.", id="not ready"),
        pytest.param(
            {"desiredOptimizedAlloc": {"lastRunTime": "2027-01-15T07:49:00Z"}},
            Level.FAIL,
            "written 11 min ago",
            id="old",
        ),
        pytest.param(
            {"desiredOptimizedAlloc": {"lastRunTime": "2027-01-15T07:51:00Z"}}, Level.OK, "none yet", id="old enough"
        ),
        pytest.param(
            {"desiredOptimizedAlloc": {"numReplicas": 4}}, Level.OK, "Ready (Ready), desired 4", id="without a time"
        ),
        pytest.param(
            bad("MetricsMissing") | {"desiredOptimizedAlloc": {"lastRunTime": "2027-01-01T00:00:00Z"}},
            Level.FAIL,
            "Ready is False, MetricsMissing: Mend it.",
            id="held, so not written for long",
        ),
    ],
)
def test_status(status: dict[str, Any], level: Level, text: str) -> None:
    found = told(examine_variant(variant(variant_body(status=status)), around()), "status")

    assert found.level is level
    assert text in found.text


def test_missing_status_is_the_operators_fault() -> None:
    body = variant_body()
    del body["status"]

    found = told(examine_variant(variant(body), around()), "status")

    assert (found.level, found.text) == (Level.FAIL, "the operator has written none")


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="none"),
        pytest.param({"observedGeneration": 2}, id="behind"),
        pytest.param(variant_body()["status"] | {"desiredOptimizedAlloc": {"lastRunTime": "2027-01-15T07:49:00Z"}},
                     id="old"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        pytest.param({"wva.llmd.ai/controller-instance": "blue"}, {}, id="another instance's"),
        pytest.param({}, {"watchNamespaces": "other"}, id="not watched"),
    ],
)
def test_status_of_an_object_left_alone_points_to_why(
    status: dict[str, Any], labels: dict[str, str], texts: dict[str, str]
) -> None:
    body = variant_body(labels=labels) | {"status": status}

    found = examine_variant(variant(body), around(operator=operator(settings=settings(**texts))))

    assert told(found, "object").level is Level.FAIL
    assert (told(found, "status").level, told(found, "status").fix) == (Level.WARN, "see the check `object` above")
    assert told(found, "operator").level is Level.OK


@pytest.mark.parametrize(
    ("pods", "fix"),
    [
        pytest.param((), "see the check `operator` below", id="operator ill"),
        pytest.param(
            operator().pods, "see why: kubectl -n penstock-system logs deployment/penstock-operator", id="operator well"
        ),
    ],
)
def test_status_that_the_operator_did_not_write_points_to_it_where_it_is_ill(
    pods: tuple[PodSight, ...], fix: str
) -> None:
    body = variant_body() | {"status": {}}

    assert told(examine_variant(variant(body), around(operator=operator(pods=pods))), "status").fix == fix


def test_bad_status_after_a_failure_only_repeats_it() -> None:
    patient = variant(variant_body(status=bad("TargetNotFound")), target=target(state=TargetReason.NOT_FOUND))

    found = told(examine_variant(patient, around()), "status")

    assert (found.level, found.fix) == (Level.WARN, "")


def test_worst_finding_about_the_operator_in_one_line() -> None:
    found = told(examine_variant(variant(), around(operator=operator(pods=()))), "operator")

    assert (found.level, found.text) == (Level.FAIL, "pods: no operator runs in penstock-system")


LISTED = ServiceTarget(
    class_name="premium",
    priority=1,
    configmap="penstock-system/service-classes-config",
    key="premium.yaml",
    model=MODEL,
    ttft_s=0.5,
    tpot_s=0.024,
)
REF = {"sloClassRef": {"name": "service-classes-config", "key": "premium.yaml"}}


@pytest.mark.parametrize(
    ("spec", "listed", "level", "text"),
    [
        pytest.param({}, (), Level.OK, "ttft 2 s, tpot 100 ms, from the operator's defaultSLO", id="default"),
        pytest.param({}, (LISTED,), Level.OK, "ttft 0.5 s, tpot 24 ms, from class premium", id="class"),
        pytest.param(
            {"slo": {"ttft": "1s", "tpot": "50ms"}},
            (LISTED,),
            Level.OK,
            "ttft 1 s, tpot 50 ms, from spec.slo",
            id="own",
        ),
        pytest.param(REF, (), Level.FAIL, f"{MODEL} is in no class, although sloClassRef is set", id="unlisted"),
    ],
)
def test_service_class(spec: dict[str, Any], listed: tuple[ServiceTarget, ...], level: Level, text: str) -> None:
    doctor = around(operator=operator(catalogue=Catalogue(service_targets=listed)))

    found = told(examine_variant(variant(variant_body(spec)), doctor), "class")

    assert (found.level, found.text) == (level, text)


def applied(**spec: int) -> dict[str, str]:
    return {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": spec})}


STORED = "maxReplicas 2 is a default stored by WVA; remove it if nobody chose it"


@pytest.mark.parametrize(
    ("spec", "annotations", "level", "text"),
    [
        pytest.param({}, {}, Level.OK, "1 (default) to no limit", id="none"),
        pytest.param({"minReplicas": 0, "maxReplicas": 8}, {}, Level.OK, "0 to 8", id="chosen"),
        pytest.param({"minReplicas": 1, "maxReplicas": 2}, {}, Level.WARN, STORED, id="stored by WVA"),
        pytest.param(
            {"minReplicas": 1, "maxReplicas": 2}, applied(minReplicas=1), Level.WARN, STORED, id="not applied"
        ),
        pytest.param({"minReplicas": 1, "maxReplicas": 2}, applied(maxReplicas=2), Level.OK, "1 to 2", id="applied"),
        pytest.param(
            {"minReplicas": 1, "maxReplicas": 2},
            {"kubectl.kubernetes.io/last-applied-configuration": "{"},
            Level.WARN,
            STORED,
            id="annotation broken",
        ),
    ],
)
def test_bounds_that_nobody_wrote(spec: dict[str, Any], annotations: dict[str, str], level: Level, text: str) -> None:
    found = told(examine_variant(variant(variant_body(spec, annotations=annotations)), around()), "bounds")

    assert (found.level, found.text) == (level, text)


def test_absent_object_is_all_that_is_told() -> None:
    facts = VariantFacts(key=ObjectKey("llm", "chta"), nearest="chat", namespace_exists=False)

    found = examine_variant(facts, around())

    assert [(one.level, one.check, one.text) for one in found.findings] == [
        (Level.FAIL, "namespaces", "there is no namespace llm"),
        (Level.FAIL, "object", "there is no VariantAutoscaling llm/chta; there is chat"),
    ]


def test_unusable_object_names_the_field() -> None:
    body = variant_body({"minReplicas": 3, "maxReplicas": 2})
    with pytest.raises(InvalidField) as error:
        parse_variant(body)

    found = examine_variant(VariantFacts(key=ObjectKey("llm", "chat"), body=body, fault=error.value), around())

    assert told(found, "object").text == str(error.value)
    assert told(found, "object").fix == "kubectl -n llm edit va chat"
