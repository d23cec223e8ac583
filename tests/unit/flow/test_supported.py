"""What this router refuses to run: field, value and remedy."""

import pytest
from tests.unit.flow.world import document

from penstock.domain.errors import InvalidField
from penstock.domain.policies import PROGRAM_ORDERINGS, Ordering, Policy, Programs, WorkloadRule
from penstock.flow.supported import check

PROGRAMS = Programs(headers=(), body_fields=(), parent_headers=(), idle_ttl_s=600.0, max_programs=10, levels=8,
                    admission="Off", locality="Sticky", engine_priority="Off")  # fmt: skip


@pytest.mark.parametrize("ordering", [Ordering.FCFS, Ordering.WORKLOAD_AWARE])
def test_accepted(ordering: Ordering) -> None:
    check(document(Policy(ordering=ordering, workloads=(WorkloadRule(id="a", criticality=1),))))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        *(pytest.param(Policy(ordering=one), f"ordering='{one.value}': use WorkloadAware or FCFS", id=one.value)
          for one in [*sorted(PROGRAM_ORDERINGS), Ordering.EDF, Ordering.SLO_DEADLINE]),
        pytest.param(Policy(programs=PROGRAMS), "programs='set': remove it", id="programs"),
        pytest.param(Policy(workloads=(WorkloadRule(id="a"), WorkloadRule(id="b", ordering=Ordering.PLAS))),
                     "workloads[1].ordering='PLAS': remove it", id="ordering of a workload"),
        pytest.param(Policy(workloads=(WorkloadRule(id="a", admission="Off"),)),
                     "workloads[0].admission='Off': remove it", id="admission of a workload"),
    ],
)  # fmt: skip
def test_refused(policy: Policy, message: str) -> None:
    with pytest.raises(InvalidField) as error:
        check(document(policy))

    assert str(error.value).startswith(message)
