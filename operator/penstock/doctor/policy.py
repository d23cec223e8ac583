"""Checks of one WorkloadPolicy: its target, the routers behind it, who else wants them, and what each of them runs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from penstock.doctor.facts import OperatorFacts, PodSight, PolicyFacts
from penstock.doctor.findings import Examination, Finding, Level
from penstock.doctor.operator import in_one_line, is_watched, unwatched, where_to_look

_REMEDIES: Final = (
    ("401", "the router did not accept the operator's token: its --operator-namespace must name the operator's"),
    ("403", "the router did not accept the operator's account: its --operator-namespace must name the operator's"),
    ("tim", "check that NetworkPolicies let the operator reach port admin (9004) of the router"),
    ("connection", "check that the router's container runs and that port admin (9004) is the one it listens on"),
)


def examine_policy(facts: PolicyFacts, operator: OperatorFacts) -> Examination:
    """Judge one policy; where there is no such object, that is all that can be said."""
    about = f"wp/{facts.key.name}"
    if facts.body is None:
        hint = f"; there is {facts.nearest}" if facts.nearest else ""
        gone = Finding(Level.FAIL, "object", f"there is no WorkloadPolicy {facts.key}{hint}", "kubectl get wp -A")
        return Examination(about, facts.key.namespace, (gone,))
    left_alone = not is_watched(operator, facts.key.namespace)
    found = [unwatched(facts.key.namespace) if left_alone else spec(facts)]
    found += [target(facts), routers(facts), conflicts(facts)]
    because = any(one.is_problem for one in found if one.check in {"object", "conflicts"})
    look = where_to_look(operator, left_alone=left_alone)
    found += pushed(facts, facts.body, look, explained=because)
    found.append(status(facts, facts.body, look, explained=any(one.is_problem for one in found), left_alone=left_alone))
    found.append(in_one_line(operator))
    return Examination(about, facts.key.namespace, tuple(found))


def spec(facts: PolicyFacts) -> Finding:
    """Check that the spec can be used by this version."""
    if facts.fault is None:
        return Finding(Level.OK, "object", str(facts.key))
    return Finding(Level.FAIL, "object", str(facts.fault), f"kubectl -n {facts.key.namespace} edit wp {facts.key.name}")


def target(facts: PolicyFacts) -> Finding:
    """Check that the target is there and leads to routers of ours."""
    if facts.routers is None:
        fix = (
            "create it (pools need the definitions of the Gateway API inference extension), or correct spec.targetRef; "
            "both must be in one namespace"
        )
        return Finding(Level.FAIL, "target", f"there is no {facts.target} in {facts.key.namespace}", fix)
    if not facts.routers:
        fix = (
            "start one, or lead to it: a pool leads to routers by endpointPickerRef, which names their Service; the "
            "Service must select pods labelled app.kubernetes.io/name=penstock, app.kubernetes.io/component=router"
        )
        return Finding(Level.FAIL, "target", f"no Penstock router stands behind {facts.target}", fix)
    count = len(facts.routers)
    return Finding(Level.OK, "target", f"{facts.target}, {count} router{'' if count == 1 else 's'}")


def routers(facts: PolicyFacts) -> Finding:
    """Check that all router pods are ready; a policy is pushed to Ready ones only."""
    pods = facts.routers or ()
    if not pods:
        return Finding(Level.SKIP, "routers", "none to look at")
    waiting = [pod for pod in pods if not pod.ready]
    if not waiting:
        return Finding(Level.OK, "routers", f"{len(pods)} of {len(pods)} ready")
    first = waiting[0]
    text = f"{len(pods) - len(waiting)} of {len(pods)} ready; {first.name}: {first.trouble or 'not ready'}"
    where = f"kubectl -n {facts.key.namespace}"
    fix = f"{where} describe pod {first.name}; {where} logs {first.name} --all-containers"
    return Finding(Level.FAIL, "routers", text, fix)


def conflicts(facts: PolicyFacts) -> Finding:
    """Check that no older policy has the same routers; the oldest wins whole, ties by name."""
    mine = (facts.created_at_s, facts.key.name)
    older = sorted(one.name for one in facts.rivals if (one.created_at_s, one.name) < mine)
    if older:
        text = f"{older[0]} is older and has the same routers, so this policy has none"
        return Finding(
            Level.FAIL, "conflicts", text, f"kubectl -n {facts.key.namespace} delete wp {older[0]} (or this one)"
        )
    younger = sorted(one.name for one in facts.rivals)
    if younger:
        return Finding(Level.WARN, "conflicts", f"{', '.join(younger)}: younger, without effect while this one is here")
    return Finding(Level.OK, "conflicts", "none")


def pushed(facts: PolicyFacts, body: Mapping[str, Any], look: str, *, explained: bool) -> list[Finding]:
    """Tell what the operator saw at each Ready router when it last looked; `explained`: why none runs it is told.

    `look` is what to do where the operator has not done its part.
    """
    said = body.get("status") or {}
    generation = (body.get("metadata") or {}).get("generation")
    reported = {str(one.get("pod")): one for one in said.get("routers") or ()}
    found = [_one(pod, reported.get(pod.name), generation, look) for pod in facts.routers or () if pod.ready]
    return [_consequence(one) if explained and one.fix == look else one for one in found]


def _consequence(found: Finding) -> Finding:
    return Finding(Level.WARN, found.check, found.text)


def _one(pod: PodSight, said: Mapping[str, Any] | None, generation: object, look: str) -> Finding:
    check = "router"
    if said is None:
        return Finding(Level.FAIL, check, f"{pod.name}: the operator has not reported on it", look)
    if said.get("error"):
        return Finding(Level.FAIL, check, f"{pod.name}: {said['error']}", _remedy(str(said["error"])))
    if said.get("appliedGeneration") != generation:
        text = f"{pod.name} runs generation {said.get('appliedGeneration', 'unknown')}, the object has {generation}"
        return Finding(Level.FAIL, check, text, look)
    return Finding(Level.OK, check, f"{pod.name} runs generation {generation} ({said.get('hash', '?')})")


def _remedy(error: str) -> str:
    return next((remedy for sign, remedy in _REMEDIES if sign in error.lower()), "do what the router's answer says")


def status(facts: PolicyFacts, body: Mapping[str, Any], look: str, *, explained: bool, left_alone: bool) -> Finding:
    """Check that the status is of this generation and that nothing is amiss; `explained`: a check failed before.

    `look` is what to do where the operator has not done its part; `left_alone`: it does not look at this policy.
    """
    said, generation = body.get("status") or {}, (body.get("metadata") or {}).get("generation")
    if said.get("observedGeneration") != generation:
        seen = said.get("observedGeneration")
        text = "the operator has written none" if seen is None else f"it is of generation {seen}, not {generation}"
        return Finding(Level.WARN if left_alone else Level.FAIL, "status", text, look)
    bad = next(_amiss(said.get("conditions") or ()), None)
    if bad is None:
        return Finding(Level.OK, "status", f"programmed {said.get('programmed', 'nowhere')}")
    text = f"{bad.get('type')} is {bad.get('status')}, {bad.get('reason')}: {bad.get('message')}"
    fix = f"kubectl -n {facts.key.namespace} describe wp {facts.key.name}"
    return Finding(Level.WARN if explained else Level.FAIL, "status", text, "" if explained else fix)


def _amiss(conditions: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (one for one in conditions if (one.get("status") == "True") is (one.get("type") == "Degraded"))
