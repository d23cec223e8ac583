"""Which rule holds for whom, and what it makes of a criticality."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.flow.world import document

from penstock.domain.policies import Policy, Quota, Weights, WorkloadRule
from penstock.domain.requests import Request, WorkloadContext
from penstock.flow.effective import CACHED_IDS, Effective, Rule

RULES = (
    WorkloadRule(id="*", quota=Quota(queued=1)),
    WorkloadRule(id="batch-*", quota=Quota(queued=2)),
    WorkloadRule(id="batch-night*", quota=Quota(queued=3)),
    WorkloadRule(id="batch-night-1", quota=Quota(queued=4)),
    WorkloadRule(id="*", tenant="guest", quota=Quota(queued=5)),
    WorkloadRule(id="batch-*", tenant="guest", quota=Quota(queued=6)),
    WorkloadRule(id="batch-day", tenant="guest", quota=Quota(queued=7)),
)


def asked(workload_id: str, tenant: str = "", criticality: int | None = None) -> Request:
    context = WorkloadContext(workload_id, criticality or 3, declared=criticality is not None)
    return Request(ticket=1, request_id="r", context=context, tenant=tenant)


def rule_for(request: Request, *rules: WorkloadRule) -> Rule:
    return Effective(document(Policy(workloads=rules))).rule(request)


@pytest.mark.parametrize(
    ("workload_id", "tenant", "which"),
    [
        pytest.param("chat", "", 1, id="whatever else"),
        pytest.param("batch-x", "", 2, id="prefix"),
        pytest.param("batch-night-2", "", 3, id="longest prefix"),
        pytest.param("batch-night-1", "", 4, id="exact id"),
        pytest.param("chat", "guest", 5, id="named tenant before none"),
        pytest.param("batch-x", "guest", 6, id="named tenant, prefix"),
        pytest.param("batch-night-2", "guest", 3, id="longest prefix before named tenant"),
        pytest.param("batch-night-1", "guest", 4, id="exact id before named tenant"),
        pytest.param("batch-day", "guest", 7, id="exact id of a named tenant"),
        pytest.param("batch-day", "other", 2, id="another tenant's rule is not ours"),
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_match(workload_id: str, tenant: str, which: int, order: int) -> None:
    found = rule_for(asked(workload_id, tenant), *RULES[::order])

    assert found.queued_limit == which


@pytest.mark.parametrize(
    ("rule", "declared", "expected"),
    [
        pytest.param(WorkloadRule(id="a"), None, 3, id="nothing said"),
        pytest.param(WorkloadRule(id="a"), 5, 5, id="the client's word counts until capped"),
        pytest.param(WorkloadRule(id="a", criticality=5), None, 5, id="default of the rule"),
        pytest.param(WorkloadRule(id="a", criticality=5), 2, 2, id="only where none is declared"),
        pytest.param(WorkloadRule(id="a", max_criticality=2), 5, 2, id="cap"),
        pytest.param(WorkloadRule(id="a", max_criticality=2), None, 2, id="3, or the cap if lower"),
        pytest.param(WorkloadRule(id="a", criticality=1, max_criticality=2), None, 1, id="default below cap"),
        pytest.param(WorkloadRule(id="b", max_criticality=1), 5, 5, id="another id's rule"),
    ],
)
def test_criticality(rule: WorkloadRule, declared: int | None, expected: int) -> None:
    request = asked("a", criticality=declared)

    context = rule_for(request, rule).context(request.context)

    assert context == replace(request.context, criticality=expected)


def test_weights_of_a_rule_replace_the_policys() -> None:
    mine = WorkloadRule(id="a", weights=Weights(wait_time=2.0))
    effective = Effective(document(Policy(weights=Weights(wait_time=1.0), workloads=(mine, WorkloadRule(id="b")))))

    found = [effective.rule(asked(name)).terms.wait_time for name in ("a", "b", "c")]

    assert found == [2.0, 1.0, 1.0]


def test_remembered_ids_are_bounded() -> None:
    effective = Effective(document(Policy(workloads=RULES)))

    for number in range(2 * CACHED_IDS + 1):
        effective.rule(asked(f"w{number}"))

    assert len(effective._found) <= CACHED_IDS


TENANTS = st.sampled_from(["", "t"])
IDS = st.builds(str.__add__, st.text("ab-", max_size=4), st.sampled_from(["", "*"]))


@given(st.text("ab-", max_size=5), TENANTS, st.lists(st.tuples(IDS, TENANTS), unique=True))
def test_equals_the_plain_rule_of_precedence(workload_id: str, tenant: str, ids: list[tuple[str, str]]) -> None:
    rules = [WorkloadRule(id=name, tenant=of, quota=Quota(queued=n + 1)) for n, (name, of) in enumerate(ids)]
    fits = [
        (not name.endswith("*"), len(name), bool(of), n + 1)
        for n, (name, of) in enumerate(ids)
        if of in {"", tenant} and (name == workload_id or (name.endswith("*") and workload_id.startswith(name[:-1])))
    ]

    found = rule_for(asked(workload_id, tenant), *rules)

    assert found.queued_limit == (max(fits)[-1] if fits else None)
