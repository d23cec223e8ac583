"""What of a policy document this router can run; the rest is refused before anything changes."""

from typing import Final

from penstock.domain.errors import InvalidField
from penstock.domain.policies import Ordering, PolicyDocument

ORDERINGS: Final = frozenset({Ordering.WORKLOAD_AWARE, Ordering.FCFS})
_REMEDY: Final = "use WorkloadAware or FCFS, which this version of the router can run"


def check(document: PolicyDocument) -> None:
    """Accept a document that this router can run as it stands.

    Raises:
        InvalidField: an ordering or a program setting that this version lacks.
    """
    policy = document.policy
    if policy.ordering not in ORDERINGS:
        raise InvalidField("ordering", policy.ordering.value, _REMEDY)
    if policy.programs is not None:
        raise InvalidField("programs", "set", "remove it; this version of the router orders requests, not programs")
    for place, rule in enumerate(policy.workloads):
        if rule.ordering is not None:
            raise InvalidField(f"workloads[{place}].ordering", rule.ordering.value, "remove it; only programs have it")
        if rule.admission is not None:
            raise InvalidField(f"workloads[{place}].admission", rule.admission, "remove it; only programs have it")
