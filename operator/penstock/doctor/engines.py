"""Checks of what the engines themselves say: they answer, export vLLM's series, and name the model (links 3 to 5)."""

import json
import shlex
from collections.abc import Iterable
from difflib import get_close_matches

from penstock.doctor.facts import Answer, VariantFacts
from penstock.doctor.findings import Finding, Level
from penstock.domain.variants import ObjectKey, Variant


def endpoint(facts: VariantFacts) -> Finding:
    """Link 3: check that `/metrics` of the pods answers."""
    namespace = facts.key.namespace
    if not facts.answers:
        return _nobody(facts)
    denied = next((one for one in facts.answers if one.denied), None)
    if denied is not None:
        text = f"no right to ask pods in {namespace}: {denied.fault}"
        return Finding(Level.MISS, "endpoint", text, f"kubectl auth can-i get pods/proxy -n {namespace}")
    silent = [one for one in facts.answers if one.fault]
    if silent:
        first = silent[0]
        text = f"{_share(silent, facts.answers)} silent; {first.pod}:{first.port}/metrics: {first.fault}"
        fix = "name the serving port `http` or `metrics` in the pod, and check that the engine listens on it: "
        return Finding(Level.FAIL, "endpoint", text, f"{fix}kubectl -n {namespace} logs {first.pod}")
    return Finding(Level.OK, "endpoint", f"{len(facts.answers)} of {_count(facts)} asked, all answer")


def _nobody(facts: VariantFacts) -> Finding:
    ready = [pod for pod in facts.pods if pod.ready]
    if not ready:
        return Finding(Level.SKIP, "endpoint", "no pod is ready")
    text = f"pod {ready[0].name} names no port"
    return Finding(
        Level.FAIL, "endpoint", text, "name the serving port in the pod: ports: [{name: http, containerPort: 8000}]"
    )


def series(facts: VariantFacts) -> Finding:
    """Link 4: check that what answers is vLLM, or speaks as it does."""
    heard = _heard(facts)
    if not heard:
        return Finding(Level.SKIP, "series", "no pod answered")
    mute = [one for one in heard if not one.series]
    if mute:
        fix = "run an image that exports vLLM's metrics, and do not disable them (--disable-log-stats)"
        return Finding(Level.FAIL, "series", f"{_share(mute, heard)} without vllm:* series, such as {mute[0].pod}", fix)
    return Finding(Level.OK, "series", f"{heard[0].series} vllm:* lines from {heard[0].pod}")


def model_name(variant: Variant, facts: VariantFacts) -> Finding:
    """Link 5: check that the series carry the modelID as model_name; where pods are silent, Prometheus tells."""
    named = sorted({name for one in _heard(facts) for name in one.models}) or _from_prometheus(variant, facts)
    if variant.model in named:
        return Finding(Level.OK, "model name", variant.model)
    if named:
        nearest = get_close_matches(variant.model, named, n=1, cutoff=0.0)[0]
        text = f'pods report model_name="{nearest}", the object says "{variant.model}"'
        return Finding(Level.FAIL, "model name", text, rename(variant.key, nearest))
    if any(one.series for one in _heard(facts)):
        fix = f"start the engines with --served-model-name {shlex.quote(variant.model)}"
        return Finding(Level.FAIL, "model name", "the series carry no label model_name", fix)
    return Finding(Level.SKIP, "model name", "no vllm:* series seen")


def rename(key: ObjectKey, model: str) -> str:
    """Return the command that makes an object say `model`."""
    patch = json.dumps({"spec": {"modelID": model}}, separators=(",", ":"), ensure_ascii=False)
    return f"kubectl -n {key.namespace} patch va {key.name} --type merge -p {shlex.quote(patch)}"


def _heard(facts: VariantFacts) -> list[Answer]:
    return [one for one in facts.answers if not one.fault]


def _from_prometheus(variant: Variant, facts: VariantFacts) -> list[str]:
    return [variant.model] if facts.joined.rows else list(facts.joined.other_models)


def _share(some: Iterable[Answer], every: Iterable[Answer]) -> str:
    return f"{len(list(some))} of {len(list(every))} pods"


def _count(facts: VariantFacts) -> str:
    ready = sum(pod.ready for pod in facts.pods)
    return f"{ready} ready pod{'' if ready == 1 else 's'}"
