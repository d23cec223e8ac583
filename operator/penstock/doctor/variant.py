"""Checks of one VariantAutoscaling: its target, its status, its service class and its bounds (links 1, 2, 10-13)."""

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from penstock.api.names import ANNOTATION_EXCLUDE, LABEL_CONTROLLER_INSTANCE, WVA_SERVICE_CLASSES
from penstock.doctor.engines import endpoint, model_name, series
from penstock.doctor.facts import PodSight, Surroundings, VariantFacts
from penstock.doctor.findings import Examination, Finding, Level
from penstock.doctor.operator import in_one_line, is_watched, unwatched, where_to_look
from penstock.doctor.scraping import monitors, prometheus, scraped, services
from penstock.domain.observations import Target
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import Variant
from penstock.scaling.objectives import by_default, objective, service_target
from penstock.status.writes import REFRESH_S

_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_STORED_MIN, _STORED_MAX = 1, 2  # what the later CRD of WVA wrote into objects that had no bounds


def examine_variant(facts: VariantFacts, around: Surroundings) -> Examination:
    """Judge one variant, link by link; where there is no usable object, that is all that can be said."""
    about = f"va/{facts.key.name}"
    if facts.variant is None or facts.body is None:
        return Examination(about, facts.key.namespace, (namespaces(facts), _unusable(facts)))
    found = [namespaces(facts), target(facts.variant, facts.target, facts.pods)]
    found += [endpoint(facts), series(facts), model_name(facts.variant, facts)]
    found += [check(facts, around) for check in (services, monitors, prometheus, scraped)]
    found.append(watched(facts.variant, around))
    left_alone, explained = found[-1].is_problem, any(one.is_problem for one in found)
    found.append(status(facts.variant, facts.body, around, explained=explained, left_alone=left_alone))
    found += [in_one_line(around.operator), service_class(facts.variant, around), bounds(facts.variant, facts.body)]
    return Examination(about, facts.key.namespace, tuple(found))


def namespaces(facts: VariantFacts) -> Finding:
    """Link 1: check that the namespace is there (that of the operator is its own examination)."""
    name = facts.key.namespace
    if facts.namespace_exists:
        return Finding(Level.OK, "namespaces", name)
    return Finding(Level.FAIL, "namespaces", f"there is no namespace {name}", f"kubectl create namespace {name}")


def target(variant: Variant, seen: Target | None, pods: tuple[PodSight, ...]) -> Finding:
    """Link 2: check that what is scaled is there and can be scaled, and that its replicas run."""
    ref, namespace = variant.target, variant.key.namespace
    named = f"{ref.kind} {ref.name}"
    if seen is None or seen.state is not TargetReason.FOUND:
        return _no_target(variant, seen)
    count = f"{named}, {seen.ready} of {seen.current} ready"
    ill = next((pod for pod in pods if pod.trouble), None)
    if ill is not None:
        fix = f"kubectl -n {namespace} describe pod {ill.name}"
        return Finding(Level.FAIL, "target", f"{count}; pod {ill.name}: {ill.trouble}", fix)
    if seen.ready < (seen.current or 0):
        if not seen.starting and not seen.stuck:  # so the rest drains
            return Finding(Level.OK, "target", f"{count}; the rest ends what it serves, and leaves")
        fix = f"kubectl -n {namespace} get pods; kubectl -n {namespace} describe {ref.kind.lower()} {ref.name}"
        return Finding(Level.WARN, "target", f"{count}; the rest is on its way", fix)
    return Finding(Level.OK, "target", count)


def _no_target(variant: Variant, seen: Target | None) -> Finding:
    ref, namespace = variant.target, variant.key.namespace
    named = f"{ref.kind} {namespace}/{ref.name}"
    match seen.state if seen else None:
        case TargetReason.NOT_FOUND if seen and "api_version" in seen.facts:
            text = f"there is no {named}: the cluster knows no {ref.kind} in {ref.api_version}"
            fix = "install its definition, or correct kind and apiVersion of spec.scaleTargetRef"
            return Finding(Level.FAIL, "target", text, fix)
        case TargetReason.NOT_FOUND:
            fix = "create it, or correct spec.scaleTargetRef (absent: the Deployment called as this object)"
            return Finding(Level.FAIL, "target", f"there is no {named}", fix)
        case TargetReason.NOT_SCALABLE:
            fix = "name its owner that has a scale subresource"
            return Finding(Level.FAIL, "target", f"{ref.kind} has no scale subresource", fix)
    why = seen.facts.get("error", "not read") if seen else "not read"
    fix = f"kubectl auth can-i get {ref.kind.lower()}s --subresource scale -n {namespace}"
    return Finding(Level.MISS, "target", f"{named} could not be read: {why}", fix)


def watched(variant: Variant, around: Surroundings) -> Finding:
    """Link 10: check that the object is there, and the operator takes it for its own."""
    key, settings = variant.key, around.operator.settings
    wanted = settings.scaling.controller_instance
    if variant.controller_instance != wanted:
        said, change = variant.controller_instance or "absent", f"={wanted} --overwrite" if wanted else "-"
        text = (
            f"label {LABEL_CONTROLLER_INSTANCE} is {said}, the operator's controllerInstance is {wanted or 'not set'}"
        )
        fix = f"kubectl -n {key.namespace} label va {key.name} {LABEL_CONTROLLER_INSTANCE}{change}"
        return Finding(Level.FAIL, "object", text, fix)
    if not is_watched(around.operator, key.namespace):
        return unwatched(key.namespace)
    if key.namespace in around.operator.catalogue.excluded_namespaces:
        fix = f"kubectl annotate namespace {key.namespace} {ANNOTATION_EXCLUDE}-"
        return Finding(Level.WARN, "object", f"namespace {key.namespace} is excluded by annotation", fix)
    return Finding(Level.OK, "object", f"{key}, generation {variant.generation}")


def status(
    variant: Variant, body: Mapping[str, Any], around: Surroundings, *, explained: bool, left_alone: bool = False
) -> Finding:
    """Link 11: check that the status is of this generation, fresh and good.

    `explained`: a check failed before; `left_alone`: it was `object`, so this operator writes no status.
    """
    key, said = variant.key, body.get("status") or {}
    fix = f"kubectl -n {key.namespace} describe va {key.name}"
    if "observedGeneration" not in said:
        return _behind("the operator has written none", around, left_alone=left_alone)
    if said["observedGeneration"] != variant.generation:
        text = f"it is of generation {said['observedGeneration']}, the object of {variant.generation}"
        return _behind(text, around, left_alone=left_alone)
    conditions = {one["type"]: one for one in said.get("conditions") or ()}
    ready, computed = conditions.get("Ready", {}), conditions.get("OptimizationReady", {}).get("status") == "True"
    age_s = _age_s(said, around.operator.now_s)
    if computed and age_s is not None and age_s > 2 * REFRESH_S:
        return _behind(f"written {age_s / 60:.0f} min ago", around, left_alone=left_alone)
    if ready.get("status") == "True":
        desired = (said.get("desiredOptimizedAlloc") or {}).get("numReplicas", "none yet")
        return Finding(Level.OK, "status", f"Ready ({ready.get('reason')}), desired {desired}")
    text = f"Ready is False, {ready.get('reason', 'unknown')}: {ready.get('message', '')}"
    return Finding(Level.WARN if explained else Level.FAIL, "status", text, "" if explained else fix)


def _behind(text: str, around: Surroundings, *, left_alone: bool) -> Finding:
    level = Level.WARN if left_alone else Level.FAIL
    return Finding(level, "status", text, where_to_look(around.operator, left_alone=left_alone))


def service_class(variant: Variant, around: Surroundings) -> Finding:
    """Link 13: tell where the targets for latency come from."""
    catalogue, operator = around.operator.catalogue, around.operator
    entries = [entry for entry in catalogue.service_targets if entry.model == variant.model]
    resolved = objective(variant, entries, by_default(operator.settings.scaling.default_slo))
    shown = f"ttft {resolved.slo.ttft_s:g} s, tpot {resolved.slo.tpot_s * 1000:g} ms"
    if resolved.unlisted:
        text = f"{variant.model} is in no class, although sloClassRef is set"
        fix = f"add it to a class in ConfigMap {operator.namespace}/{WVA_SERVICE_CLASSES}, or set spec.slo"
        return Finding(Level.FAIL, "class", text, fix)
    found = service_target(variant, entries)
    where = {"Spec": "spec.slo", "Default": "the operator's defaultSLO"}.get(resolved.slo.source.value)
    return Finding(Level.OK, "class", f"{shown}, from {where or (f'class {found.class_name}' if found else 'a class')}")


def bounds(variant: Variant, body: Mapping[str, Any]) -> Finding:
    """Tell bounds that nobody wrote: the later CRD of WVA stored 1 and 2 in objects that had none."""
    least, most = variant.min_replicas, variant.max_replicas
    if (least, most) == (_STORED_MIN, _STORED_MAX) and not _applied_with_bound(body):
        text = f"maxReplicas {most} is a default stored by WVA; remove it if nobody chose it"
        return Finding(Level.WARN, "bounds", text)
    shown = f"{'1 (default)' if least is None else least} to {'no limit' if most is None else most}"
    return Finding(Level.OK, "bounds", shown)


def _applied_with_bound(body: Mapping[str, Any]) -> bool:
    """Whether the manifest that was last applied, as kubectl keeps it, names the bound itself."""
    text = (body["metadata"].get("annotations") or {}).get(_LAST_APPLIED, "{}")
    try:
        applied = json.loads(text)
    except ValueError:
        return False
    return isinstance(applied, Mapping) and "maxReplicas" in (applied.get("spec") or {})


def _unusable(facts: VariantFacts) -> Finding:
    key = facts.key
    if facts.fault is not None:
        fix = f"kubectl -n {key.namespace} edit va {shlex.quote(key.name)}"
        return Finding(Level.FAIL, "object", str(facts.fault), fix)
    hint = f"; there is {facts.nearest}" if facts.nearest else ""
    return Finding(Level.FAIL, "object", f"there is no VariantAutoscaling {key}{hint}", "kubectl get va -A")


def _age_s(said: Mapping[str, Any], now_s: float) -> float | None:
    written = (said.get("desiredOptimizedAlloc") or {}).get("lastRunTime")
    try:
        return now_s - datetime.fromisoformat(str(written)).timestamp()
    except ValueError:
        return None
