"""Checks of the operator: definitions, pods, Lease, and whether it can use what it is told."""

from datetime import datetime
from typing import Final

from penstock.api.names import LEASE, POLICY_KIND, SETTINGS_CONFIGMAP, VARIANT_KIND
from penstock.doctor.facts import OperatorFacts
from penstock.doctor.findings import Examination, Finding, Level
from penstock.domain.catalogue import ConfigProblem
from penstock.domain.errors import InvalidField

UNRENEWED_S: Final = 60.0  # four times as long as a Lease lasts: our clock may be off by as much
_MANIFESTS: Final = "kubectl apply -k manifests"
_GRANT_NODES: Final = "kubectl apply -f manifests/components/nodes/rbac.yaml, or set limitToNodes in the chart's values"
_DEFINE: Final = "penstock crds | kubectl apply --server-side --force-conflicts -f -"


def examine_operator(facts: OperatorFacts) -> Examination:
    """Judge the operator of one namespace."""
    found = [definitions(facts), home(facts), pods(facts), lease(facts), *settings(facts)]
    return Examination("operator", facts.namespace, tuple(found))


def in_one_line(facts: OperatorFacts) -> Finding:
    """Return the worst finding about the operator as one check of something that depends on it."""
    found = examine_operator(facts).findings
    worst = next((one for one in found if one.is_problem), None)
    if worst is not None:
        return Finding(worst.level, "operator", f"{worst.check}: {worst.text}", worst.fix)
    return Finding(Level.OK, "operator", lease(facts).text)


def where_to_look(facts: OperatorFacts, *, left_alone: bool) -> str:
    """Return what to do where the operator has not done its part for an object, which it may leave alone."""
    if left_alone:
        return "see the check `object` above"
    if in_one_line(facts).is_problem:
        return "see the check `operator` below"
    return f"see why: kubectl -n {facts.namespace} logs deployment/penstock-operator"


def is_watched(facts: OperatorFacts, namespace: str) -> bool:
    """Whether the operator is told to look at this namespace."""
    watched = facts.settings.watch_namespaces
    return not watched or namespace in watched


def unwatched(namespace: str) -> Finding:
    """Return what is said of an object in a namespace at which the operator does not look."""
    text = f"{namespace} is not among the operator's watchNamespaces"
    return Finding(Level.FAIL, "object", text, f"add {namespace} to watchNamespaces, and restart the operator")


def definitions(facts: OperatorFacts) -> Finding:
    """Check that both custom resources are served, and that the one of variants keeps our fields."""
    missing = [kind for kind in (VARIANT_KIND, POLICY_KIND) if kind not in facts.served]
    if missing:
        return Finding(Level.FAIL, "definitions", f"the API server does not know {', '.join(missing)}", _DEFINE)
    if facts.dropped:
        text = f"that of {VARIANT_KIND} is WVA's or an older one and drops {', '.join(sorted(facts.dropped))}"
        return Finding(Level.FAIL, "definitions", text, _DEFINE)
    return Finding(Level.OK, "definitions", f"{VARIANT_KIND}, {POLICY_KIND}")


def home(facts: OperatorFacts) -> Finding:
    """Check that its namespace is there."""
    if facts.namespace_exists:
        return Finding(Level.OK, "namespaces", facts.namespace)
    fix = f"{_MANIFESTS}, or name the right one with --operator-namespace"
    return Finding(Level.FAIL, "namespaces", f"there is no namespace {facts.namespace}", fix)


def pods(facts: OperatorFacts) -> Finding:
    """Check that at least one operator is ready."""
    where = f"kubectl -n {facts.namespace}"
    ready = [pod.name for pod in facts.pods if pod.ready]
    if ready:
        return Finding(Level.OK, "pods", ", ".join(ready))
    if not facts.pods:
        fix = f"{where} get deployment penstock-operator; {where} get events"
        return Finding(Level.FAIL, "pods", f"no operator runs in {facts.namespace}", fix)
    first = facts.pods[0]
    fix = f"{where} logs {first.name}; {where} describe pod {first.name}"
    return Finding(Level.FAIL, "pods", f"{first.name} is not ready{f': {first.trouble}' if first.trouble else ''}", fix)


def lease(facts: OperatorFacts) -> Finding:
    """Check that one of them holds the Lease and renews it: only that one acts."""
    if not facts.settings.leader_elect:
        return Finding(Level.OK, "lease", "leaderElect is off, so every operator acts")
    if facts.lease is None:
        text = f"there is no Lease {facts.namespace}/{LEASE}, so nobody may lead"
        return Finding(
            Level.FAIL, "lease", text, f"kubectl apply -n {facts.namespace} -f manifests/operator/lease.yaml"
        )
    holder, logs = (
        facts.lease.get("holderIdentity") or "",
        f"kubectl -n {facts.namespace} logs deployment/penstock-operator",
    )
    if not holder:
        return Finding(Level.FAIL, "lease", "nobody holds it, so nobody acts", logs)
    age_s = _age_s(str(facts.lease.get("renewTime", "")), facts.now_s)
    if age_s is not None and age_s > UNRENEWED_S:
        return Finding(Level.FAIL, "lease", f"{holder} holds it, but has not renewed it for {age_s:.0f} s", logs)
    return Finding(Level.OK, "lease", f"{holder} leads")


def settings(facts: OperatorFacts) -> list[Finding]:
    """Check that what it is told can be used; each entry that cannot is one finding."""
    edit = f"kubectl -n {facts.namespace} edit configmap {SETTINGS_CONFIGMAP}"
    found = [] if facts.fault is None else [Finding(Level.FAIL, "settings", str(facts.fault), edit)]
    found += [_of_variable(one, facts.namespace) for one in facts.variables]
    found += [_of_entry(one, Level.WARN) for one in facts.unread]
    found += [_of_entry(one, Level.FAIL) for one in facts.catalogue.problems]
    if facts.lacks_nodes:
        text = "limitToNodes is set, and the operator may not list nodes, so that these limit nothing"
        found.append(Finding(Level.FAIL, "settings", text, _GRANT_NODES))
    return found or [Finding(Level.OK, "settings", "all can be used")]


def _of_entry(one: ConfigProblem, level: Level) -> Finding:
    namespace, _, name = one.configmap.partition("/")
    what = f"{one.field}={one.value}" if one.field == one.key else f"{one.key}: {one.field}={one.value}"
    text = f"ConfigMap {one.configmap}, {what}: {one.remedy}"
    return Finding(level, "settings", text, f"kubectl -n {namespace} edit configmap {name}")


def _of_variable(one: InvalidField, namespace: str) -> Finding:
    fix = f"kubectl -n {namespace} set env deployment/penstock-operator {one.field}-"
    return Finding(Level.WARN, "settings", f"variable {one}", fix)


def _age_s(stamp: str, now_s: float) -> float | None:
    try:
        return now_s - datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None
