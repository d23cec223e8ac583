"""The operator itself: definitions, pods, Lease, and what it is told."""

from typing import Any

import pytest
from tests.unit.doctor.patients import operator, pod, settings, told

from penstock.doctor.findings import Level
from penstock.doctor.operator import examine_operator, in_one_line
from penstock.domain.catalogue import Catalogue, ConfigProblem
from penstock.domain.errors import InvalidField

WRONG = ConfigProblem(
    configmap="penstock-system/accelerator-unit-costs",
    key="A100",
    field="cost",
    value="'much'",
    remedy="write a number",
)


def test_a_healthy_operator_has_nothing_to_mend() -> None:
    found = examine_operator(operator())

    assert [one.check for one in found.findings] == ["definitions", "namespaces", "pods", "lease", "settings"]
    assert {one.level for one in found.findings} == {Level.OK}
    assert in_one_line(operator()).text == "penstock-operator-1_1 leads"


@pytest.mark.parametrize(
    ("facts", "check", "text"),
    [
        pytest.param(
            {"served": frozenset({"VariantAutoscaling"})}, "definitions", "does not know WorkloadPolicy", id="CRD"
        ),
        pytest.param({"dropped": frozenset({"slo", "paused"})}, "definitions", "drops paused, slo", id="CRD of WVA"),
        pytest.param(
            {"namespace_exists": False}, "namespaces", "there is no namespace penstock-system", id="namespace"
        ),
        pytest.param({"pods": ()}, "pods", "no operator runs in penstock-system", id="no pod"),
        pytest.param(
            {"pods": (pod("op-1", ready=False, trouble="CrashLoopBackOff"),)},
            "pods",
            "op-1 is not ready: CrashLoopBackOff",
            id="pod in a loop",
        ),
        pytest.param({"lease": None}, "lease", "there is no Lease penstock-system/penstock-operator", id="no Lease"),
        pytest.param({"lease": {}}, "lease", "nobody holds it, so nobody acts", id="Lease free"),
        pytest.param(
            {"lease": {"holderIdentity": "a", "renewTime": "2027-01-15T07:58:00.000000Z"}},
            "lease",
            "a holds it, but has not renewed it for 120 s",
            id="Lease old",
        ),
        pytest.param(
            {"fault": InvalidField("interval", "soon", "write a duration")},
            "settings",
            "interval='soon': write a duration",
            id="setting",
        ),
        pytest.param(
            {"catalogue": Catalogue(problems=(WRONG,))},
            "settings",
            "ConfigMap penstock-system/accelerator-unit-costs, A100: cost='much': write a number",
            id="entry",
        ),
        pytest.param({"lacks_nodes": True}, "settings", "the operator may not list nodes", id="right"),
    ],
)
def test_what_can_be_wrong(facts: dict[str, Any], check: str, text: str) -> None:
    found = told(examine_operator(operator(**facts)), check)

    assert found.level is Level.FAIL
    assert text in found.text
    assert found.fix
    assert in_one_line(operator(**facts)).text == f"{check}: {found.text}"


def test_key_that_nobody_reads_is_a_warning_and_no_problem() -> None:
    where = "penstock-system/penstock-config"
    unread = ConfigProblem(configmap=where, key="nosuch", field="nosuch", value="'1'", remedy="remove this key")
    facts = operator(unread=(unread,))

    found = told(examine_operator(facts), "settings")

    assert (found.level, found.text) == (
        Level.WARN,
        "ConfigMap penstock-system/penstock-config, nosuch='1': remove this key",
    )
    assert found.fix == "kubectl -n penstock-system edit configmap penstock-config"
    assert in_one_line(facts).level is Level.OK


def test_variable_that_is_misspelt_is_a_warning_with_the_command_that_takes_it_away() -> None:
    found = told(
        examine_operator(operator(variables=(InvalidField("PENSTOCK_X", "1", "write PENSTOCK_Y"),))), "settings"
    )

    assert (found.level, found.text) == (Level.WARN, "variable PENSTOCK_X='1': write PENSTOCK_Y")
    assert found.fix == "kubectl -n penstock-system set env deployment/penstock-operator PENSTOCK_X-"


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"settings": settings(leaderElect="false"), "lease": None}, id="no election asked for"),
        pytest.param({"lease": {"holderIdentity": "a", "renewTime": "2027-01-15T07:59:10Z"}}, id="clocks may differ"),
        pytest.param({"lease": {"holderIdentity": "a"}}, id="no time at all"),
    ],
)
def test_lease_that_is_well(facts: dict[str, Any]) -> None:
    assert told(examine_operator(operator(**facts)), "lease").level is Level.OK
