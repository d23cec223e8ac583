"""What a pod's spec, or else its node, says of the engine in it: accelerator, how many, and how its batches are set."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.api.names import LABEL_ACCELERATOR
from penstock.controller.enginewords import max_num_seqs, token_budget
from penstock.controller.taints import Tolerations, tolerations_of

# node labels that name an accelerator, as node feature discovery and the clouds write them; the first that is set wins
NODE_LABELS: Final = (
    LABEL_ACCELERATOR,
    "nvidia.com/gpu.product",
    "amd.com/gpu.product-name",
    "gpu.intel.com/product",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "k8s.amazonaws.com/accelerator",
)
RESOURCES: Final = re.compile(
    r"nvidia\.com/(gpu|mig-.+)|amd\.com/gpu|gpu\.intel\.com/(i915|xe)|habana\.ai/gaudi|google\.com/tpu"
    r"|aws\.amazon\.com/neuron(core|device)?"
)
# labels that the LeaderWorkerSet controller gives pods
LABEL_GROUP_NAME: Final = "leaderworkerset.sigs.k8s.io/name"
LABEL_WORKER_INDEX: Final = "leaderworkerset.sigs.k8s.io/worker-index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """None is unknown. `accelerators` is per pod (per group for a LeaderWorkerSet), `resource` what they count as.

    `tolerations` are those of its pods, of any of a group.
    """

    accelerator: str | None = None
    accelerators: int | None = None
    max_batch: int | None = None
    resource: str | None = None
    token_budget: int | None = None
    tolerations: Tolerations = frozenset()


def of_pod(spec: Mapping[str, Any]) -> Hardware:
    """Read the spec of a pod or of a pod template."""
    return Hardware(
        accelerator=_selected(spec) or _required(spec),
        accelerators=sum(count for _, count in _accelerators(spec)) or None,
        resource=next((name for name, count in _accelerators(spec) if count), None),
        max_batch=max_num_seqs(spec),
        token_budget=token_budget(spec),
        tolerations=tolerations_of(spec),
    )


def of_target(body: Mapping[str, Any]) -> Hardware:
    """Read the template inside a scaled object: a LeaderWorkerSet's leader and workers, else `spec.template`."""
    spec = body.get("spec", {})
    group = spec.get("leaderWorkerTemplate")
    if group is None:
        return of_pod(spec.get("template", {}).get("spec", {}))
    worker = of_pod(group.get("workerTemplate", {}).get("spec", {}))
    leader = of_pod(group["leaderTemplate"]["spec"]) if "leaderTemplate" in group else worker
    size = int(group.get("size", 1))
    count = (leader.accelerators or 0) + (size - 1) * (worker.accelerators or 0)
    return Hardware(
        accelerator=leader.accelerator or worker.accelerator,
        accelerators=count or None,
        resource=leader.resource or worker.resource,
        max_batch=leader.max_batch or worker.max_batch,
        token_budget=leader.token_budget or worker.token_budget,
        tolerations=leader.tolerations | worker.tolerations,
    )


def pod_labels(body: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels that a scaled object gives its pods; of a LeaderWorkerSet's those of its leaders."""
    spec = body.get("spec", {})
    group = spec.get("leaderWorkerTemplate")
    if group is None:
        return _labels(spec.get("template"))
    own = {LABEL_GROUP_NAME: str(body.get("metadata", {}).get("name", "")), LABEL_WORKER_INDEX: "0"}
    return {**_labels(group.get("leaderTemplate") or group.get("workerTemplate")), **own}


def _labels(template: Mapping[str, Any] | None) -> Mapping[str, str]:
    return ((template or {}).get("metadata") or {}).get("labels") or {}


def of_labels(labels: Mapping[str, str]) -> str | None:
    """Return the accelerator that a node's labels name, or that a selector of such labels asks for."""
    return next((labels[label] for label in NODE_LABELS if labels.get(label)), None)


def agreed(products: Iterable[str | None]) -> str | None:
    """Return what all have that name one; different ones are no answer."""
    named = {product for product in products if product is not None}
    return named.pop() if len(named) == 1 else None


def _selected(spec: Mapping[str, Any]) -> str | None:
    return of_labels(spec.get("nodeSelector") or {})


def _required(spec: Mapping[str, Any]) -> str | None:
    """Return the one accelerator that the affinity demands; several are no answer."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = (affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or ()
    named = {
        value
        for term in terms
        for rule in term.get("matchExpressions") or ()
        if rule.get("key") in NODE_LABELS and rule.get("operator") == "In"
        for value in rule.get("values") or ()
    }
    return agreed(named)


def _accelerators(spec: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return resource and count of each request of a container."""
    wanted = (container.get("resources", {}) for container in _containers(spec))
    pairs = (pair for one in wanted for pair in ((one.get("requests") or {}) | (one.get("limits") or {})).items())
    return [(name, int(count)) for name, count in pairs if RESOURCES.fullmatch(name) and str(count).isdecimal()]


def _containers(spec: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return spec.get("containers") or ()
