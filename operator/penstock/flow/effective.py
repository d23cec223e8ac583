"""The policy in force, compiled: which rule holds for a request, and what it makes of its criticality."""

from dataclasses import dataclass
from typing import Final

from penstock.domain.policies import Policy, PolicyDocument, WorkloadRule
from penstock.domain.requests import DEFAULT_CRITICALITY, Request, WorkloadContext
from penstock.ordering.score import Terms

CACHED_IDS: Final = 4096


@dataclass(slots=True, kw_only=True, eq=False)
class Rule:
    """One compiled workload rule and how much of its quota is in use; None is no limit."""

    terms: Terms
    criticality: int
    max_criticality: int
    queued_limit: int | None
    in_flight_limit: int | None
    queued: int = 0
    in_flight: int = 0

    @property
    def may_send(self) -> bool:
        """Whether the quota in flight leaves room for one more."""
        return self.in_flight_limit is None or self.in_flight < self.in_flight_limit

    @property
    def is_over_queued(self) -> bool:
        """Whether more requests wait than the quota allows."""
        return self.queued_limit is not None and self.queued > self.queued_limit

    def context(self, declared: WorkloadContext) -> WorkloadContext:
        """Return the context in force: the rule's criticality where none was declared, never above the cap."""
        wanted = declared.criticality if declared.declared else self.criticality
        capped = min(wanted, self.max_criticality)
        if capped == declared.criticality:
            return declared
        return WorkloadContext(declared.workload_id, capped, declared.declared)


class Effective:
    """One policy document, ready for use. Quotas in use start at zero."""

    def __init__(self, document: PolicyDocument) -> None:
        policy = document.policy
        self.document = document
        self.policy = policy
        terms = Terms.of(policy.weights, policy.norms)
        self._default = Rule(
            terms=terms,
            criticality=DEFAULT_CRITICALITY,
            max_criticality=5,
            queued_limit=None,
            in_flight_limit=None,
        )
        rules = [(rule.id, rule.tenant, _compiled(rule, policy, terms)) for rule in policy.workloads]
        self._exact = {(tenant, name): rule for name, tenant, rule in rules if not name.endswith("*")}
        prefixes = [(name[:-1], tenant, rule) for name, tenant, rule in rules if name.endswith("*")]
        # longest prefix first; of one prefix, the named tenant before none
        self._prefixes = sorted(prefixes, key=lambda row: (-len(row[0]), not row[1]))
        self._found: dict[tuple[str, str], Rule] = {}

    def rule(self, request: Request) -> Rule:
        """Return the rule for a request; every request has one."""
        key = (request.tenant, request.context.workload_id)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= CACHED_IDS:
                self._found.clear()
            found = self._found[key] = self._match(*key)
        return found

    def _match(self, tenant: str, workload_id: str) -> Rule:
        """Look for an exact id, then for the longest prefix; each for the tenant, then for any."""
        exact = self._exact.get((tenant, workload_id)) or self._exact.get(("", workload_id))
        if exact is not None:
            return exact
        for prefix, of_tenant, rule in self._prefixes:
            if of_tenant in {"", tenant} and workload_id.startswith(prefix):
                return rule
        return self._default


def _compiled(rule: WorkloadRule, policy: Policy, terms: Terms) -> Rule:
    return Rule(
        terms=Terms.of(rule.weights, policy.norms) if rule.weights else terms,
        criticality=rule.criticality or DEFAULT_CRITICALITY,
        max_criticality=rule.max_criticality or 5,
        queued_limit=rule.quota.queued,
        in_flight_limit=rule.quota.in_flight,
    )
